DROP TABLE booking_nights;
DROP TABLE booking_rooms;
DROP INDEX holds_booking;
ALTER TABLE holds DROP CONSTRAINT holds_booking_fkey;
DROP TABLE bookings;
