CREATE TABLE simulator_intents (
    intent_id text PRIMARY KEY,
    status text NOT NULL CONSTRAINT simulator_intents_status_known
        CHECK (status IN ('requires_confirmation', 'requires_action', 'processing', 'authorized', 'declined',
                          'captured', 'voided')),
    amount bigint NOT NULL CONSTRAINT simulator_intents_amount_positive CHECK (amount > 0),
    currency text NOT NULL,
    payment_method text NOT NULL,
    metadata jsonb NOT NULL,
    decline_code text,
    action_token text CONSTRAINT simulator_intents_action_token_key UNIQUE,
    captured_amount bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT simulator_intents_captured_range CHECK (captured_amount BETWEEN 0 AND amount)
);
COMMENT ON TABLE simulator_intents IS 'The simulated payment provider''s own ledger: another company''s database as far as Lastroom is concerned, so nothing outside of simulator_… refers to it.';
COMMENT ON COLUMN simulator_intents.action_token IS 'The part of next_action.url that nobody can guess: whoever has it answers as the guest''s bank.';

CREATE TABLE simulator_refunds (
    idempotency_key text PRIMARY KEY,
    intent_id text NOT NULL REFERENCES simulator_intents,
    amount bigint NOT NULL CONSTRAINT simulator_refunds_amount_positive CHECK (amount > 0),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX simulator_refunds_intent ON simulator_refunds (intent_id);

CREATE TABLE simulator_requests (
    idempotency_key text PRIMARY KEY,
    intent_id text NOT NULL REFERENCES simulator_intents ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    request jsonb NOT NULL,
    answer jsonb,
    due_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT simulator_requests_running_is_due CHECK ((answer IS NULL) = (due_at IS NOT NULL))
);
CREATE INDEX simulator_requests_intent ON simulator_requests (intent_id);
CREATE INDEX simulator_requests_answered ON simulator_requests (created_at) WHERE answer IS NOT NULL;
CREATE INDEX simulator_requests_running ON simulator_requests (due_at) WHERE answer IS NULL;
COMMENT ON TABLE simulator_requests IS 'What the simulator was asked under each key: the same again gets the same answer, anything else is refused.';
COMMENT ON COLUMN simulator_requests.due_at IS 'Only of a request whose caller got no answer: when it takes effect.';

CREATE TABLE simulator_events (
    event_id text PRIMARY KEY,
    intent_id text NOT NULL REFERENCES simulator_intents ON DELETE CASCADE,
    event_type text NOT NULL,
    body jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX simulator_events_intent ON simulator_events (intent_id);
CREATE INDEX simulator_events_created ON simulator_events (created_at);
COMMENT ON TABLE simulator_events IS 'What the simulator tells by webhook, written with the change it tells of.';

CREATE TABLE simulator_deliveries (
    delivery_id uuid PRIMARY KEY,
    event_id text NOT NULL REFERENCES simulator_events ON DELETE CASCADE,
    send_at timestamptz NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    last_error text,
    delivered_at timestamptz
);
CREATE INDEX simulator_deliveries_event ON simulator_deliveries (event_id);
CREATE INDEX simulator_deliveries_due ON simulator_deliveries (send_at) WHERE delivered_at IS NULL;
CREATE INDEX simulator_deliveries_delivered ON simulator_deliveries (delivered_at) WHERE delivered_at IS NOT NULL;
COMMENT ON TABLE simulator_deliveries IS 'One row a copy of an event that is to arrive; sent again until it is answered 2xx.';
