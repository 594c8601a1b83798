CREATE TABLE webhook_events (
    provider text NOT NULL,
    event_id text NOT NULL,
    event_type text NOT NULL,
    body jsonb NOT NULL,
    status text NOT NULL CONSTRAINT webhook_events_status_known
        CHECK (status IN ('applied', 'ignored', 'parked', 'quarantined')),
    reason text,
    tries integer NOT NULL DEFAULT 0,
    retry_at timestamptz,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (provider, event_id),
    CONSTRAINT webhook_events_parked_is_retried CHECK ((status = 'parked') = (retry_at IS NOT NULL)),
    CONSTRAINT webhook_events_kept_has_reason CHECK (status NOT IN ('parked', 'quarantined') OR reason IS NOT NULL)
);
CREATE INDEX webhook_events_parked ON webhook_events (retry_at) WHERE status = 'parked';
CREATE INDEX webhook_events_quarantined ON webhook_events (received_at) WHERE status = 'quarantined';
CREATE INDEX webhook_events_done ON webhook_events (received_at) WHERE status IN ('applied', 'ignored');
COMMENT ON TABLE webhook_events IS 'The inbox: one row an event of a provider, written in the transaction that has its effect. Its key lets an event have one.';
COMMENT ON COLUMN webhook_events.status IS 'parked: of a payment not known yet, tried again. quarantined: has no effect until staff have looked at it, for the reason given.';
