DROP TABLE hold_nights;
DROP TABLE hold_items;
DROP TABLE holds;
