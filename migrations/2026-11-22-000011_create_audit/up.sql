CREATE TABLE audit_entries (
    hotel_id uuid NOT NULL,
    audit_id uuid NOT NULL,
    actor_id uuid,
    action text NOT NULL,
    resource text NOT NULL,
    resource_id uuid,
    before jsonb,
    after jsonb,
    request_id text,
    address text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (hotel_id, audit_id)
);
CREATE INDEX audit_entries_actor ON audit_entries (actor_id, audit_id);
CREATE INDEX audit_entries_resource ON audit_entries (hotel_id, resource, resource_id);
COMMENT ON TABLE audit_entries IS 'Who did what, when, where, before and after; never changed once written.';
COMMENT ON COLUMN audit_entries.hotel_id IS 'The nil UUID for what belongs to no hotel, such as signing in.';

CREATE TABLE audit_seals (
    hotel_id uuid NOT NULL,
    audit_id uuid NOT NULL,
    seq bigint NOT NULL CONSTRAINT audit_seals_seq_positive CHECK (seq > 0),
    hash bytea NOT NULL,
    PRIMARY KEY (hotel_id, seq),
    FOREIGN KEY (hotel_id, audit_id) REFERENCES audit_entries,
    CONSTRAINT audit_seals_entry_key UNIQUE (hotel_id, audit_id)
);
COMMENT ON TABLE audit_seals IS 'The hash chain over a hotel''s audit entries; kept apart so that an entry itself is only ever inserted.';

CREATE TABLE audit_heads (
    hotel_id uuid PRIMARY KEY,
    seq bigint NOT NULL,
    hash bytea NOT NULL
);
COMMENT ON TABLE audit_heads IS 'The last seal of each chain: a chain cut short is noticed.';
