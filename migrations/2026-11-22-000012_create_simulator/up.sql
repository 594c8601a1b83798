CREATE TABLE simulator_intents (
    intent_id text PRIMARY KEY,
    idempotency_key text NOT NULL CONSTRAINT simulator_intents_idempotency_key UNIQUE,
    status text NOT NULL CONSTRAINT simulator_intents_status_known
        CHECK (status IN ('requires_confirmation', 'authorized', 'declined', 'captured', 'voided')),
    amount bigint NOT NULL CONSTRAINT simulator_intents_amount_positive CHECK (amount > 0),
    currency text NOT NULL,
    payment_method text NOT NULL,
    metadata jsonb NOT NULL,
    decline_code text,
    captured_amount bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT simulator_intents_captured_range CHECK (captured_amount BETWEEN 0 AND amount)
);
COMMENT ON TABLE simulator_intents IS 'The simulated payment provider''s own ledger: another company''s database as far as Lastroom is concerned, so nothing refers to it.';

CREATE TABLE simulator_refunds (
    idempotency_key text PRIMARY KEY,
    intent_id text NOT NULL REFERENCES simulator_intents,
    amount bigint NOT NULL CONSTRAINT simulator_refunds_amount_positive CHECK (amount > 0),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX simulator_refunds_intent ON simulator_refunds (intent_id);
