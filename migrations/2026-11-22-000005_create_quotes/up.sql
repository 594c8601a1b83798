CREATE TABLE quotes (
    hotel_id uuid NOT NULL,
    quote_id uuid NOT NULL,
    user_id uuid NOT NULL,
    room_type_id uuid NOT NULL,
    rate_plan_id uuid NOT NULL,
    check_in date NOT NULL,
    check_out date NOT NULL,
    adults smallint NOT NULL,
    children_ages smallint[] NOT NULL,
    rooms smallint NOT NULL CONSTRAINT quotes_rooms_range CHECK (rooms BETWEEN 1 AND 9),
    currency text NOT NULL,
    total bigint NOT NULL,
    due_now bigint NOT NULL,
    due_at_property bigint NOT NULL,
    price jsonb NOT NULL,
    priced_from bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (hotel_id, quote_id),
    FOREIGN KEY (hotel_id, rate_plan_id, room_type_id) REFERENCES rate_plan_room_types,
    CONSTRAINT quotes_stay_range CHECK (check_out - check_in BETWEEN 1 AND 99),
    CONSTRAINT quotes_amounts_add_up CHECK (due_now >= 0 AND due_at_property >= 0 AND total = due_now + due_at_property)
);
CREATE INDEX quotes_quote ON quotes (quote_id);
CREATE INDEX quotes_rate_plan ON quotes (hotel_id, rate_plan_id, room_type_id);
CREATE INDEX quotes_expires ON quotes (expires_at, hotel_id, quote_id);
COMMENT ON TABLE quotes IS 'A price and policy as shown to one user: a snapshot that takes no stock. A quote is used once: hold_items_quote_key.';
COMMENT ON COLUMN quotes.price IS 'The priced stay of one room, lines and cancellation deadlines included; totals are this times rooms.';
COMMENT ON COLUMN quotes.priced_from IS 'SHA-256 over the versions of every row the price came from: equal means that nothing needs recomputing.';
