CREATE TABLE outbox_events (
    hotel_id uuid NOT NULL,
    event_id uuid NOT NULL,
    topic text NOT NULL,
    subject_id uuid NOT NULL,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (hotel_id, event_id)
);
CREATE INDEX outbox_events_created ON outbox_events (created_at, event_id);
CREATE INDEX outbox_events_subject ON outbox_events (hotel_id, subject_id);
COMMENT ON TABLE outbox_events IS 'One row a state transition, written in its transaction.';

CREATE TABLE jobs (
    hotel_id uuid NOT NULL,
    job_id uuid NOT NULL,
    kind text NOT NULL CONSTRAINT jobs_kind_known CHECK (kind IN ('capture', 'void', 'refund', 'give_back')),
    subject_id uuid NOT NULL,
    lane uuid NOT NULL,
    run_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    leased_until timestamptz,
    tries integer NOT NULL DEFAULT 0,
    last_error text,
    done_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (hotel_id, job_id)
);
CREATE INDEX jobs_due ON jobs (run_at) WHERE done_at IS NULL;
CREATE INDEX jobs_done ON jobs (done_at) WHERE done_at IS NOT NULL;
CREATE UNIQUE INDEX jobs_open_key ON jobs (hotel_id, subject_id, kind) WHERE done_at IS NULL;
CREATE INDEX jobs_lane ON jobs (hotel_id, lane) WHERE done_at IS NULL;
COMMENT ON COLUMN jobs.lane IS 'The payment whose money the job moves, or the hold: of the jobs of one lane, one runs at a time.';
COMMENT ON COLUMN jobs.leased_until IS 'Until when its worker has it to itself.';
COMMENT ON TABLE jobs IS 'Work owed to the payment provider, written in the transaction that owes it.';
COMMENT ON COLUMN jobs.subject_id IS 'The payment; the refund; for give_back the hold whose money is to be voided or refunded.';
