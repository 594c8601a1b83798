CREATE TABLE idempotency_keys (
    user_id uuid NOT NULL,
    scope text NOT NULL,
    key text NOT NULL,
    body_hash bytea NOT NULL,
    status smallint CONSTRAINT idempotency_keys_status_range CHECK (status BETWEEN 200 AND 499),
    body text,
    location text,
    lease_until timestamptz,
    epoch integer NOT NULL DEFAULT 1,
    hotel_id uuid,
    resource_id uuid,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    PRIMARY KEY (user_id, scope, key),
    CONSTRAINT idempotency_keys_finished_has_answer CHECK (
        (finished_at IS NULL) = (status IS NULL) AND (finished_at IS NULL) = (body IS NULL)),
    CONSTRAINT idempotency_keys_running_has_lease CHECK (finished_at IS NOT NULL OR lease_until IS NOT NULL)
);
CREATE INDEX idempotency_keys_finished ON idempotency_keys (finished_at);
COMMENT ON TABLE idempotency_keys IS 'An answer per caller, operation and key. A row without an answer is a claim: work that talks to the payment provider, under lease.';
COMMENT ON COLUMN idempotency_keys.scope IS 'Method, route and path ids.';
COMMENT ON COLUMN idempotency_keys.body_hash IS 'SHA-256 of the canonical JSON body.';
COMMENT ON COLUMN idempotency_keys.resource_id IS 'What the claim works on, for whoever takes it over.';
