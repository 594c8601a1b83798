CREATE TABLE holds (
    hotel_id uuid NOT NULL REFERENCES hotels,
    hold_id uuid NOT NULL,
    user_id uuid NOT NULL,
    status text NOT NULL DEFAULT 'active'
        CONSTRAINT holds_status_known CHECK (status IN ('active', 'paying', 'released', 'expired', 'converted')),
    currency text NOT NULL,
    total bigint NOT NULL,
    due_now bigint NOT NULL,
    due_at_property bigint NOT NULL,
    expires_at timestamptz NOT NULL,
    paying_until timestamptz,
    live_until timestamptz GENERATED ALWAYS AS (
        CASE status WHEN 'active' THEN expires_at WHEN 'paying' THEN greatest(expires_at, paying_until) END) STORED,
    current_attempt uuid,
    extensions smallint NOT NULL DEFAULT 0 CONSTRAINT holds_extended_once CHECK (extensions BETWEEN 0 AND 1),
    booking_id uuid,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (hotel_id, hold_id),
    CONSTRAINT holds_amounts_add_up CHECK (due_now >= 0 AND due_at_property >= 0 AND total = due_now + due_at_property),
    CONSTRAINT holds_paying_has_deadline CHECK ((status = 'paying') = (paying_until IS NOT NULL)),
    CONSTRAINT holds_paying_has_attempt CHECK (status <> 'paying' OR current_attempt IS NOT NULL),
    CONSTRAINT holds_converted_has_booking CHECK ((status = 'converted') = (booking_id IS NOT NULL))
);
CREATE INDEX holds_hold ON holds (hold_id);
CREATE INDEX holds_user ON holds (user_id, hold_id);
CREATE INDEX holds_user_live ON holds (user_id, live_until) WHERE live_until IS NOT NULL;
CREATE INDEX holds_live ON holds (hotel_id, live_until) WHERE live_until IS NOT NULL;
COMMENT ON COLUMN holds.live_until IS 'The one definition of live: a hold is live while live_until > clock_timestamp(). NULL once its rooms are given back or sold.';
COMMENT ON COLUMN holds.paying_until IS 'While a payment attempt runs the hold lives at least until here.';
COMMENT ON COLUMN holds.current_attempt IS 'The payment attempt whose outcome counts; the outcome of any other is undone.';

CREATE TABLE hold_items (
    hotel_id uuid NOT NULL,
    hold_id uuid NOT NULL,
    item_no smallint NOT NULL CONSTRAINT hold_items_range CHECK (item_no BETWEEN 1 AND 9),
    quote_id uuid NOT NULL,
    PRIMARY KEY (hotel_id, hold_id, item_no),
    FOREIGN KEY (hotel_id, hold_id) REFERENCES holds,
    FOREIGN KEY (hotel_id, quote_id) REFERENCES quotes,
    CONSTRAINT hold_items_quote_key UNIQUE (hotel_id, quote_id)
);
COMMENT ON TABLE hold_items IS 'The quotes a hold locks. hold_items_quote_key lets a quote be used once.';

CREATE TABLE hold_nights (
    hotel_id uuid NOT NULL,
    hold_id uuid NOT NULL,
    room_type_id uuid NOT NULL,
    stay_date date NOT NULL,
    rooms smallint NOT NULL CONSTRAINT hold_nights_rooms_positive CHECK (rooms > 0),
    PRIMARY KEY (hotel_id, hold_id, room_type_id, stay_date),
    FOREIGN KEY (hotel_id, hold_id) REFERENCES holds,
    FOREIGN KEY (hotel_id, room_type_id, stay_date) REFERENCES inventory
);
CREATE INDEX hold_nights_inventory ON hold_nights (hotel_id, room_type_id, stay_date);
COMMENT ON TABLE hold_nights IS 'What a hold takes of the stock, items of one room type summed. inventory.held is the sum of these over holds in status active or paying.';
