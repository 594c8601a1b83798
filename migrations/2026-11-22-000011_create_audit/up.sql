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
CREATE INDEX audit_entries_time ON audit_entries (created_at, audit_id);
CREATE INDEX audit_entries_hotel_time ON audit_entries (hotel_id, created_at, audit_id);
CREATE INDEX audit_entries_actor_time ON audit_entries (actor_id, created_at, audit_id);
CREATE INDEX audit_entries_resource ON audit_entries (resource_id, created_at, audit_id) WHERE resource_id IS NOT NULL;
CREATE INDEX audit_entries_kind_time ON audit_entries (resource, action, created_at, audit_id);
CREATE INDEX audit_entries_hotel_kind_time ON audit_entries (hotel_id, resource, action, created_at, audit_id);
CREATE INDEX audit_entries_denials ON audit_entries (actor_id, created_at) WHERE action = 'denied';
COMMENT ON TABLE audit_entries IS 'Who did what, when, where, before and after; never changed once written.';
COMMENT ON COLUMN audit_entries.hotel_id IS 'The nil UUID for what belongs to no hotel, such as signing in.';
COMMENT ON COLUMN audit_entries.actor_id IS 'NULL: the operator''s commands, or somebody who has not proven who they are.';

CREATE TABLE audit_unsealed (
    hotel_id uuid NOT NULL,
    audit_id uuid NOT NULL,
    PRIMARY KEY (hotel_id, audit_id),
    FOREIGN KEY (hotel_id, audit_id) REFERENCES audit_entries
);
COMMENT ON TABLE audit_unsealed IS 'Entries that wait for their seal, each written with its entry: one that is committed late is found all the same, whatever its id and its time.';

CREATE TABLE audit_seals (
    hotel_id uuid NOT NULL,
    audit_id uuid NOT NULL,
    seq bigint NOT NULL CONSTRAINT audit_seals_seq_positive CHECK (seq > 0),
    hash bytea NOT NULL CONSTRAINT audit_seals_hash_length CHECK (octet_length(hash) = 32),
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (hotel_id, seq),
    FOREIGN KEY (hotel_id, audit_id) REFERENCES audit_entries,
    CONSTRAINT audit_seals_entry_key UNIQUE (hotel_id, audit_id)
);
COMMENT ON TABLE audit_seals IS 'The hash chain over a hotel''s audit entries; kept apart so that an entry itself is only ever inserted.';
COMMENT ON COLUMN audit_seals.seq IS 'The place in the hotel''s chain, given when the entry is sealed: no number is missing.';
COMMENT ON COLUMN audit_seals.hash IS 'SHA-256 over the hash before it and the entry; see ARCHITECTURE, The audit log.';

CREATE TABLE audit_heads (
    hotel_id uuid PRIMARY KEY,
    seq bigint NOT NULL CONSTRAINT audit_heads_seq_natural CHECK (seq >= 0),
    hash bytea NOT NULL CONSTRAINT audit_heads_hash_length CHECK (octet_length(hash) = 32)
);
COMMENT ON TABLE audit_heads IS 'The last seal of each chain: a chain cut short is noticed. Whoever makes the next seal has its row locked.';
