CREATE TABLE payments (
    hotel_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    hold_id uuid NOT NULL,
    user_id uuid NOT NULL,
    status text NOT NULL DEFAULT 'initiated' CONSTRAINT payments_status_known CHECK (status IN (
        'initiated', 'processing', 'requires_action', 'authorized', 'failed', 'abandoned',
        'capture_pending', 'captured', 'capture_failed', 'void_pending', 'voided')),
    amount bigint NOT NULL CONSTRAINT payments_amount_positive CHECK (amount > 0),
    tax_amount bigint NOT NULL,
    currency text NOT NULL,
    capture_amount bigint,
    captured_amount bigint NOT NULL DEFAULT 0,
    failure_code text,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (hotel_id, payment_id),
    FOREIGN KEY (hotel_id, hold_id) REFERENCES holds,
    CONSTRAINT payments_tax_range CHECK (tax_amount BETWEEN 0 AND amount),
    CONSTRAINT payments_capture_range CHECK (capture_amount BETWEEN 1 AND amount),
    CONSTRAINT payments_captured_range CHECK (captured_amount BETWEEN 0 AND amount),
    CONSTRAINT payments_captured_has_amount CHECK ((status = 'captured') = (captured_amount > 0)),
    CONSTRAINT payments_capture_has_amount CHECK (status <> 'capture_pending' OR capture_amount IS NOT NULL)
);
CREATE INDEX payments_payment ON payments (payment_id);
CREATE INDEX payments_hold ON payments (hotel_id, hold_id);
CREATE UNIQUE INDEX payments_one_in_force_key ON payments (hotel_id, hold_id)
    WHERE status IN ('initiated', 'processing', 'requires_action', 'authorized', 'capture_pending');
COMMENT ON INDEX payments_one_in_force_key IS 'At most one payment of a hold can be under way or authorised, whatever the callers do.';
COMMENT ON COLUMN payments.tax_amount IS 'What of the amount is tax, for the ledger.';
COMMENT ON COLUMN payments.capture_amount IS 'What is to be captured, and may be kept: the amount due, or less after a cancellation.';

CREATE TABLE payment_attempts (
    hotel_id uuid NOT NULL,
    attempt_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    provider text NOT NULL,
    provider_key text NOT NULL,
    payment_method text NOT NULL,
    intent_id text,
    next_action_url text,
    recovery_point text NOT NULL DEFAULT 'claimed' CONSTRAINT payment_attempts_recovery_point_known
        CHECK (recovery_point IN ('claimed', 'intent_stored', 'settled')),
    epoch integer NOT NULL DEFAULT 1,
    lease_until timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (hotel_id, attempt_id),
    FOREIGN KEY (hotel_id, payment_id) REFERENCES payments,
    CONSTRAINT payment_attempts_provider_key UNIQUE (hotel_id, provider, provider_key),
    CONSTRAINT payment_attempts_intent_known CHECK (recovery_point <> 'intent_stored' OR intent_id IS NOT NULL)
);
CREATE INDEX payment_attempts_payment ON payment_attempts (hotel_id, payment_id);
CREATE INDEX payment_attempts_unsettled ON payment_attempts (lease_until) WHERE recovery_point <> 'settled';
COMMENT ON TABLE payment_attempts IS 'The conversation with the provider: one a payment, under one provider key from first call to last.';
COMMENT ON COLUMN payment_attempts.recovery_point IS 'How far the conversation got for certain; a completer goes on from here after a crash.';
COMMENT ON COLUMN payment_attempts.next_action_url IS 'Where the guest is to go before the provider authorises, as the provider said last; of no use once the payment has an outcome.';
COMMENT ON COLUMN payment_attempts.epoch IS 'Fencing: raised by whoever takes the lease over; the intent''s id is stored by the newest epoch only. Settling needs no fence: it is the same whoever does it.';

ALTER TABLE holds ADD CONSTRAINT holds_current_attempt_fkey
    FOREIGN KEY (hotel_id, current_attempt) REFERENCES payment_attempts;
CREATE INDEX holds_current_attempt ON holds (hotel_id, current_attempt);

CREATE TABLE refunds (
    hotel_id uuid NOT NULL,
    refund_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    amount bigint NOT NULL CONSTRAINT refunds_amount_positive CHECK (amount > 0),
    reason text NOT NULL CONSTRAINT refunds_reason_known
        CHECK (reason IN ('no_booking', 'excess', 'cancelled', 'staff')),
    status text NOT NULL DEFAULT 'pending' CONSTRAINT refunds_status_known CHECK (status IN ('pending', 'succeeded', 'failed')),
    provider_key text NOT NULL,
    failure_code text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (hotel_id, refund_id),
    FOREIGN KEY (hotel_id, payment_id) REFERENCES payments,
    CONSTRAINT refunds_provider_key UNIQUE (hotel_id, provider_key),
    CONSTRAINT refunds_failed_has_code CHECK ((status = 'failed') = (failure_code IS NOT NULL))
);
CREATE INDEX refunds_payment ON refunds (hotel_id, payment_id);
COMMENT ON COLUMN refunds.failure_code IS 'Why the provider refuses it for good. The money is still the guest''s: staff ask for another refund, or pay it back some other way.';

CREATE TABLE ledger_lines (
    hotel_id uuid NOT NULL,
    movement_id uuid NOT NULL,
    account text NOT NULL CONSTRAINT ledger_lines_account_known
        CHECK (account IN ('guest', 'provider', 'hotel', 'tax', 'refund')),
    kind text NOT NULL CONSTRAINT ledger_lines_kind_known
        CHECK (kind IN ('captured', 'earned', 'refund_owed', 'refunded', 'refund_failed')),
    amount bigint NOT NULL CONSTRAINT ledger_lines_amount_nonzero CHECK (amount <> 0),
    currency text NOT NULL,
    payment_id uuid NOT NULL,
    refund_id uuid,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (hotel_id, movement_id, account),
    FOREIGN KEY (hotel_id, payment_id) REFERENCES payments,
    FOREIGN KEY (hotel_id, refund_id) REFERENCES refunds,
    CONSTRAINT ledger_lines_refund_named CHECK ((kind IN ('refund_owed', 'refunded', 'refund_failed')) = (refund_id IS NOT NULL))
);
CREATE INDEX ledger_lines_payment ON ledger_lines (hotel_id, payment_id);
CREATE UNIQUE INDEX ledger_lines_payment_key ON ledger_lines (hotel_id, payment_id, kind, account)
    WHERE refund_id IS NULL;
CREATE UNIQUE INDEX ledger_lines_refund_key ON ledger_lines (hotel_id, refund_id, kind, account);
COMMENT ON TABLE ledger_lines IS 'Double entry: the lines of one movement sum to nothing. Plus is what the account has got, minus what it has given or owes. Only ever inserted.';
COMMENT ON COLUMN ledger_lines.kind IS 'captured: guest to provider. earned: the guest''s deposit becomes the hotel''s and the tax office''s. refund_owed: back from them, or from the deposit. refunded: provider to guest. refund_failed: it stays with the provider, as a deposit of the guest''s.';
COMMENT ON INDEX ledger_lines_payment_key IS 'A payment is captured once and earned once.';
COMMENT ON INDEX ledger_lines_refund_key IS 'A refund is owed once and made once.';
