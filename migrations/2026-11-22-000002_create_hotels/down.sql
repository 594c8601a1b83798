DROP TABLE hotel_members;
DROP TABLE rooms;
DROP TABLE room_types;
DROP TABLE hotels;
