CREATE TABLE bookings (
    hotel_id uuid NOT NULL,
    booking_id uuid NOT NULL,
    hold_id uuid NOT NULL,
    user_id uuid NOT NULL,
    confirmation_code text NOT NULL,
    status text NOT NULL DEFAULT 'confirmed' CONSTRAINT bookings_status_known
        CHECK (status IN ('confirmed', 'cancelled', 'checked_in', 'checked_out', 'no_show')),
    guest_full_name text NOT NULL,
    guest_email text NOT NULL,
    guest_email_key text NOT NULL,
    guest_phone text,
    special_requests text,
    check_in date NOT NULL,
    check_out date NOT NULL,
    currency text NOT NULL,
    total bigint NOT NULL,
    due_now bigint NOT NULL,
    due_at_property bigint NOT NULL,
    penalty bigint,
    cancelled_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (hotel_id, booking_id),
    FOREIGN KEY (hotel_id, hold_id) REFERENCES holds,
    CONSTRAINT bookings_hold_key UNIQUE (hotel_id, hold_id),
    CONSTRAINT bookings_confirmation_code_key UNIQUE (hotel_id, confirmation_code),
    CONSTRAINT bookings_stay_range CHECK (check_out > check_in),
    CONSTRAINT bookings_penalty_range CHECK (penalty BETWEEN 0 AND total),
    CONSTRAINT bookings_penalty_has_reason CHECK ((penalty IS NOT NULL) = (status IN ('cancelled', 'no_show'))),
    CONSTRAINT bookings_cancelled_has_time CHECK ((cancelled_at IS NOT NULL) = (status = 'cancelled')),
    CONSTRAINT bookings_amounts_add_up CHECK (due_now >= 0 AND due_at_property >= 0 AND total = due_now + due_at_property)
);
CREATE INDEX bookings_booking ON bookings (booking_id);
CREATE INDEX bookings_user ON bookings (user_id, booking_id);
CREATE INDEX bookings_confirmation_code ON bookings (confirmation_code);
CREATE INDEX bookings_check_in ON bookings (hotel_id, check_in);
COMMENT ON COLUMN bookings.penalty IS 'What the cancellation or the absence costs by the frozen terms, paid or not.';
COMMENT ON COLUMN bookings.hold_id IS 'The hold that became this booking; bookings_hold_key makes that happen once.';

ALTER TABLE holds ADD CONSTRAINT holds_booking_fkey FOREIGN KEY (hotel_id, booking_id) REFERENCES bookings;
CREATE INDEX holds_booking ON holds (hotel_id, booking_id);

CREATE TABLE booking_rooms (
    hotel_id uuid NOT NULL,
    booking_room_id uuid NOT NULL,
    booking_id uuid NOT NULL,
    quote_id uuid NOT NULL,
    room_type_id uuid NOT NULL,
    rate_plan_id uuid NOT NULL,
    check_in date NOT NULL,
    check_out date NOT NULL,
    adults smallint NOT NULL,
    children_ages smallint[] NOT NULL,
    price jsonb NOT NULL,
    PRIMARY KEY (hotel_id, booking_room_id),
    FOREIGN KEY (hotel_id, booking_id) REFERENCES bookings,
    FOREIGN KEY (hotel_id, quote_id) REFERENCES quotes,
    FOREIGN KEY (hotel_id, rate_plan_id, room_type_id) REFERENCES rate_plan_room_types,
    CONSTRAINT booking_rooms_stay_range CHECK (check_out > check_in)
);
CREATE INDEX booking_rooms_booking ON booking_rooms (hotel_id, booking_id);
CREATE INDEX booking_rooms_quote ON booking_rooms (hotel_id, quote_id);
CREATE INDEX booking_rooms_rate_plan ON booking_rooms (hotel_id, rate_plan_id, room_type_id);
COMMENT ON COLUMN booking_rooms.price IS 'The priced stay of this room, frozen with its quote: nightly lines and cancellation deadlines.';

CREATE TABLE booking_nights (
    hotel_id uuid NOT NULL,
    booking_room_id uuid NOT NULL,
    stay_date date NOT NULL,
    room_type_id uuid NOT NULL,
    room_id uuid,
    PRIMARY KEY (hotel_id, booking_room_id, stay_date),
    FOREIGN KEY (hotel_id, booking_room_id) REFERENCES booking_rooms,
    FOREIGN KEY (hotel_id, room_type_id, stay_date) REFERENCES inventory,
    FOREIGN KEY (hotel_id, room_id) REFERENCES rooms
);
CREATE INDEX booking_nights_inventory ON booking_nights (hotel_id, room_type_id, stay_date);
CREATE UNIQUE INDEX booking_nights_room_key ON booking_nights (hotel_id, room_id, stay_date) WHERE room_id IS NOT NULL;
CREATE INDEX booking_nights_room ON booking_nights (hotel_id, room_id);
COMMENT ON TABLE booking_nights IS 'The nights a booked room keeps; a freed night is deleted. inventory.sold is the count of these.';
COMMENT ON INDEX booking_nights_room_key IS 'A physical room is assigned once a night.';
