CREATE TABLE rate_plans (
    hotel_id uuid NOT NULL REFERENCES hotels,
    rate_plan_id uuid NOT NULL,
    name text NOT NULL,
    meal_plan text NOT NULL CONSTRAINT rate_plans_meal_plan_known
        CHECK (meal_plan IN ('room_only', 'breakfast', 'half_board', 'full_board', 'all_inclusive')),
    payment_policy text NOT NULL CONSTRAINT rate_plans_payment_policy_known
        CHECK (payment_policy IN ('prepaid', 'pay_at_property')),
    derived_from uuid,
    derived_percent numeric(7, 3),
    derived_amount bigint CONSTRAINT rate_plans_derived_amount_range CHECK (derived_amount BETWEEN -100000000000 AND 100000000000),
    is_derived boolean NOT NULL GENERATED ALWAYS AS (derived_from IS NOT NULL) STORED,
    base_is_derived boolean GENERATED ALWAYS AS (CASE WHEN derived_from IS NULL THEN NULL ELSE false END) STORED,
    min_stay smallint CONSTRAINT rate_plans_min_stay_range CHECK (min_stay BETWEEN 1 AND 99),
    max_stay smallint CONSTRAINT rate_plans_max_stay_range CHECK (max_stay BETWEEN 1 AND 99),
    min_advance_days smallint CONSTRAINT rate_plans_min_advance_natural CHECK (min_advance_days >= 0),
    max_advance_days smallint CONSTRAINT rate_plans_max_advance_natural CHECK (max_advance_days >= 0),
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    deleted_at timestamptz,
    PRIMARY KEY (hotel_id, rate_plan_id),
    CONSTRAINT rate_plans_derivation_key UNIQUE (hotel_id, rate_plan_id, is_derived),
    CONSTRAINT rate_plans_derived_from_base FOREIGN KEY (hotel_id, derived_from, base_is_derived)
        REFERENCES rate_plans (hotel_id, rate_plan_id, is_derived),
    CONSTRAINT rate_plans_derivation_whole CHECK (
        num_nonnulls(derived_percent, derived_amount) = CASE WHEN derived_from IS NULL THEN 0 ELSE 1 END),
    CONSTRAINT rate_plans_derived_percent_range CHECK (derived_percent > -100 AND derived_percent <= 1000),
    CONSTRAINT rate_plans_stay_range CHECK (min_stay <= max_stay),
    CONSTRAINT rate_plans_advance_range CHECK (min_advance_days <= max_advance_days)
);
CREATE INDEX rate_plans_derived_from ON rate_plans (hotel_id, derived_from, base_is_derived);
COMMENT ON COLUMN rate_plans.derived_from IS 'A derived plan''s nightly price is computed from its base plan''s, never stored. The foreign key lets a plan derive from a base plan only, so there are no chains and no cycles.';
COMMENT ON COLUMN rate_plans.derived_amount IS 'Minor units added to (or, negative, taken from) the base plan''s night.';

CREATE TABLE rate_plan_room_types (
    hotel_id uuid NOT NULL,
    rate_plan_id uuid NOT NULL,
    room_type_id uuid NOT NULL,
    removed_at timestamptz,
    PRIMARY KEY (hotel_id, rate_plan_id, room_type_id),
    FOREIGN KEY (hotel_id, rate_plan_id) REFERENCES rate_plans,
    FOREIGN KEY (hotel_id, room_type_id) REFERENCES room_types
);
CREATE INDEX rate_plan_room_types_room_type ON rate_plan_room_types (hotel_id, room_type_id);
COMMENT ON COLUMN rate_plan_room_types.removed_at IS 'When the plan ceased to sell the room type; NULL: it does. The row stays, for the nights, quotes and bookings that refer to it.';

CREATE TABLE cancellation_tiers (
    hotel_id uuid NOT NULL,
    rate_plan_id uuid NOT NULL,
    until_hours_before_check_in integer NOT NULL
        CONSTRAINT cancellation_tiers_hours_range CHECK (until_hours_before_check_in BETWEEN 0 AND 17520),
    penalty_percent numeric(6, 3) CONSTRAINT cancellation_tiers_percent_range CHECK (penalty_percent BETWEEN 0 AND 100),
    penalty_nights smallint CONSTRAINT cancellation_tiers_nights_range CHECK (penalty_nights BETWEEN 0 AND 99),
    penalty_amount bigint CONSTRAINT cancellation_tiers_amount_range CHECK (penalty_amount BETWEEN 0 AND 100000000000),
    PRIMARY KEY (hotel_id, rate_plan_id, until_hours_before_check_in),
    FOREIGN KEY (hotel_id, rate_plan_id) REFERENCES rate_plans,
    CONSTRAINT cancellation_tiers_one_penalty CHECK (num_nonnulls(penalty_percent, penalty_nights, penalty_amount) = 1)
);
COMMENT ON TABLE cancellation_tiers IS 'Until so many hours before check-in (the hotel''s check-in time on the first night, hotel-local), cancelling costs this penalty; after the last tier, or with no tier, all of it.';

CREATE TABLE child_bands (
    hotel_id uuid NOT NULL,
    rate_plan_id uuid NOT NULL,
    max_age smallint NOT NULL CONSTRAINT child_bands_age_range CHECK (max_age BETWEEN 0 AND 17),
    amount bigint NOT NULL CONSTRAINT child_bands_amount_range CHECK (amount BETWEEN 0 AND 100000000000),
    PRIMARY KEY (hotel_id, rate_plan_id, max_age),
    FOREIGN KEY (hotel_id, rate_plan_id) REFERENCES rate_plans
);
COMMENT ON TABLE child_bands IS 'Supplement per child and night in minor units: the band with the smallest max_age that is not below the child''s age; none above the last band.';

CREATE TABLE taxes (
    hotel_id uuid NOT NULL REFERENCES hotels,
    tax_id uuid NOT NULL,
    name text NOT NULL,
    percent numeric(6, 3) CONSTRAINT taxes_percent_range CHECK (percent BETWEEN 0 AND 100),
    amount bigint CONSTRAINT taxes_amount_range CHECK (amount BETWEEN 0 AND 100000000000),
    kind text NOT NULL CONSTRAINT taxes_kind_known CHECK (kind IN ('percent', 'per_night', 'per_person_night')),
    included boolean NOT NULL,
    due text NOT NULL CONSTRAINT taxes_due_known CHECK (due IN ('now', 'at_property')),
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    deleted_at timestamptz,
    PRIMARY KEY (hotel_id, tax_id),
    CONSTRAINT taxes_value_fits_kind CHECK (
        CASE kind WHEN 'percent' THEN percent IS NOT NULL AND amount IS NULL
                  ELSE percent IS NULL AND amount IS NOT NULL END)
);
COMMENT ON COLUMN taxes.amount IS 'Minor units per room and night, or per person and night.';
COMMENT ON COLUMN taxes.included IS 'The nightly price contains it; else it is added. A percentage is taken from the base, which is net of included taxes.';

CREATE TABLE rates (
    hotel_id uuid NOT NULL,
    rate_plan_id uuid NOT NULL,
    room_type_id uuid NOT NULL,
    stay_date date NOT NULL,
    price bigint CONSTRAINT rates_price_range CHECK (price BETWEEN 0 AND 100000000000),
    min_stay smallint CONSTRAINT rates_min_stay_range CHECK (min_stay BETWEEN 1 AND 99),
    max_stay smallint CONSTRAINT rates_max_stay_range CHECK (max_stay BETWEEN 1 AND 99),
    closed boolean NOT NULL DEFAULT false,
    closed_to_arrival boolean NOT NULL DEFAULT false,
    closed_to_departure boolean NOT NULL DEFAULT false,
    version integer NOT NULL DEFAULT 1,
    PRIMARY KEY (hotel_id, rate_plan_id, room_type_id, stay_date),
    FOREIGN KEY (hotel_id, rate_plan_id, room_type_id) REFERENCES rate_plan_room_types
);
COMMENT ON TABLE rates IS 'Price and restrictions of one night. min_stay and max_stay count for stays that arrive on it; a night without a price is not on sale.';
COMMENT ON COLUMN rates.price IS 'Minor units per room and night, included taxes in it. Always NULL for a derived plan, whose rows hold restrictions only.';
