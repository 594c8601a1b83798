CREATE TABLE inventory (
    hotel_id uuid NOT NULL,
    room_type_id uuid NOT NULL,
    stay_date date NOT NULL,
    capacity integer NOT NULL CONSTRAINT inventory_capacity_range CHECK (capacity BETWEEN 0 AND 100000),
    out_of_service integer NOT NULL DEFAULT 0 CONSTRAINT inventory_out_of_service_natural CHECK (out_of_service >= 0),
    allowance integer NOT NULL DEFAULT 0 CONSTRAINT inventory_allowance_range CHECK (allowance BETWEEN 0 AND 100000),
    held integer NOT NULL DEFAULT 0,
    sold integer NOT NULL DEFAULT 0,
    closed boolean NOT NULL DEFAULT false,
    version integer NOT NULL DEFAULT 1,
    PRIMARY KEY (hotel_id, room_type_id, stay_date),
    FOREIGN KEY (hotel_id, room_type_id) REFERENCES room_types,
    CONSTRAINT inventory_never_oversold CHECK (
        held >= 0 AND sold >= 0 AND held + sold <= capacity - out_of_service + allowance)
) WITH (fillfactor = 70);
COMMENT ON TABLE inventory IS 'The stock: one row a room type and night. inventory_never_oversold is the last line of defence behind the row locks.';
COMMENT ON COLUMN inventory.allowance IS 'Overbooking that the hotel allows itself, on top of its rooms.';
COMMENT ON COLUMN inventory.held IS 'Rooms of holds in status active or paying, swept or not; what clients see as left counts live holds only.';
COMMENT ON COLUMN inventory.sold IS 'Rooms of bookings that keep this night.';
