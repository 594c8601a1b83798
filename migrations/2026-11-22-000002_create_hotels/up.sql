CREATE TABLE hotels (
    hotel_id uuid PRIMARY KEY,
    external_key text,
    name text NOT NULL,
    city text NOT NULL,
    city_key text NOT NULL,
    country text NOT NULL CONSTRAINT hotels_country_iso CHECK (country ~ '^[A-Z]{2}$'),
    time_zone text NOT NULL
        CONSTRAINT hotels_time_zone_known CHECK (timestamptz '2000-01-01 00:00+00' AT TIME ZONE time_zone IS NOT NULL),
    currency text NOT NULL CONSTRAINT hotels_currency_iso CHECK (currency ~ '^[A-Z]{3}$'),
    lat double precision CONSTRAINT hotels_lat_range CHECK (lat BETWEEN -90 AND 90),
    lon double precision CONSTRAINT hotels_lon_range CHECK (lon BETWEEN -180 AND 180),
    stars smallint CONSTRAINT hotels_stars_range CHECK (stars BETWEEN 1 AND 5),
    address text,
    description text,
    amenities text[] NOT NULL DEFAULT '{}',
    photos text[] NOT NULL DEFAULT '{}',
    check_in_time time NOT NULL DEFAULT '15:00',
    check_out_time time NOT NULL DEFAULT '11:00',
    horizon_days integer NOT NULL DEFAULT 400 CONSTRAINT hotels_horizon_range CHECK (horizon_days BETWEEN 0 AND 750),
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    deleted_at timestamptz,
    CONSTRAINT hotels_location_whole CHECK ((lat IS NULL) = (lon IS NULL))
);
CREATE INDEX hotels_external_key ON hotels (external_key) WHERE external_key IS NOT NULL;
CREATE INDEX hotels_place ON hotels (country, city_key) WHERE deleted_at IS NULL;
CREATE INDEX hotels_location ON hotels (lat, lon) WHERE deleted_at IS NULL;
COMMENT ON COLUMN hotels.external_key IS 'The hotel''s key in the file it was imported from: a second import finds it by this.';
COMMENT ON COLUMN hotels.city_key IS 'The city folded for search: ASCII, lower case, arrondissement and CEDEX forms removed.';
COMMENT ON COLUMN hotels.time_zone IS 'IANA name: the hotel''s own "today" and its cancellation deadlines follow it.';
COMMENT ON COLUMN hotels.horizon_days IS 'Nights on sale from today on: as days pass, as many are added at the far end. 0: none is added.';

CREATE TABLE room_types (
    hotel_id uuid NOT NULL REFERENCES hotels,
    room_type_id uuid NOT NULL,
    name text NOT NULL,
    max_adults smallint NOT NULL CONSTRAINT room_types_max_adults_positive CHECK (max_adults >= 1),
    max_children smallint NOT NULL CONSTRAINT room_types_max_children_natural CHECK (max_children >= 0),
    max_occupancy smallint NOT NULL CONSTRAINT room_types_max_occupancy_positive CHECK (max_occupancy >= 1),
    beds jsonb NOT NULL DEFAULT '[]',
    amenities text[] NOT NULL DEFAULT '{}',
    description text,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    deleted_at timestamptz,
    PRIMARY KEY (hotel_id, room_type_id)
);

CREATE TABLE rooms (
    hotel_id uuid NOT NULL,
    room_id uuid NOT NULL,
    room_type_id uuid NOT NULL,
    number text NOT NULL,
    floor text,
    status text NOT NULL DEFAULT 'in_service' CONSTRAINT rooms_status_known CHECK (status IN ('in_service', 'out_of_service')),
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    deleted_at timestamptz,
    PRIMARY KEY (hotel_id, room_id),
    FOREIGN KEY (hotel_id, room_type_id) REFERENCES room_types
);
CREATE INDEX rooms_room_type ON rooms (hotel_id, room_type_id);
CREATE UNIQUE INDEX rooms_number_key ON rooms (hotel_id, number) WHERE deleted_at IS NULL;
COMMENT ON TABLE rooms IS 'Physical rooms, for assignment at check-in. What can be sold is inventory.capacity, a number of its own.';

CREATE TABLE hotel_members (
    hotel_id uuid NOT NULL REFERENCES hotels,
    user_id uuid NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (hotel_id, user_id)
);
CREATE INDEX hotel_members_user ON hotel_members (user_id);
COMMENT ON TABLE hotel_members IS 'Which hotels a manager runs; a predicate in every staff query.';
