//! Money: payments against holds and bookings, what is owed to the provider, and the provider's own ledger.
//!
//! The provider is another company: its ledger moves first and ours follows. So where an attempt or a job is under way,
//! the ledger may be ahead; where none is, the two must agree.

use super::Check;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "money.payment_is_what_is_due",
        says: "A payment asks for what its hold has due now, in its currency.",
        select: "
            SELECT payment_id::text, (p.amount, p.currency) = (h.due_now, h.currency)
            FROM payments p LEFT JOIN holds h USING (hotel_id, hold_id)",
    },
    Check {
        name: "money.payment_has_one_attempt",
        says: "A payment has one attempt, under a provider key of its own.",
        select: "
            SELECT payment_id::text, a.attempts = 1 AND a.own_keys = 1
            FROM payments p FULL JOIN (
                SELECT hotel_id, payment_id, count(*) AS attempts,
                    count(*) FILTER (WHERE provider_key = 'lastroom:' || attempt_id) AS own_keys
                FROM payment_attempts GROUP BY hotel_id, payment_id
            ) a USING (hotel_id, payment_id)",
    },
    Check {
        name: "money.one_payment_counts",
        says: "Of a hold's payments one at most is under way, reserved, or taken and not given back.",
        select: "
            SELECT hold_id::text, count(*) FILTER (WHERE
                status IN ('initiated', 'processing', 'requires_action', 'authorized', 'capture_pending', 'capture_failed')
                OR status = 'captured' AND NOT EXISTS (
                    SELECT FROM refunds r WHERE r.hotel_id = p.hotel_id AND r.payment_id = p.payment_id)) <= 1
            FROM payments p GROUP BY hotel_id, hold_id",
    },
    Check {
        name: "money.at_most_five_declines",
        says: "A hold has five declined payments at most.",
        select: "
            SELECT hold_id::text, count(*) <= 5
            FROM payments WHERE status = 'failed' GROUP BY hotel_id, hold_id",
    },
    Check {
        name: "money.current_attempt_is_the_holds",
        says: "A hold's current attempt pays for this hold, and is under way while the hold is paying.",
        select: "
            SELECT h.hold_id::text, p.hold_id = h.hold_id
                AND (h.status <> 'paying' OR p.status IN ('initiated', 'processing', 'requires_action'))
            FROM holds h
            LEFT JOIN payment_attempts a ON a.hotel_id = h.hotel_id AND a.attempt_id = h.current_attempt
            LEFT JOIN payments p ON p.hotel_id = a.hotel_id AND p.payment_id = a.payment_id
            WHERE h.status = 'paying' OR h.current_attempt IS NOT NULL",
    },
    Check {
        name: "money.open_payment_is_finished_by_somebody",
        says: "A payment without an outcome has an unsettled attempt, and its hold waits for no other; \
               no attempt is settled without one, nor left unsettled with one.",
        select: "
            SELECT payment_id::text, CASE
                WHEN p.status IN ('initiated', 'processing', 'requires_action') THEN a.recovery_point <> 'settled'
                    AND (h.status <> 'paying' OR h.current_attempt = a.attempt_id)
                WHEN p.status = 'abandoned' THEN true
                ELSE a.recovery_point = 'settled' AND a.intent_id IS NOT NULL END
            FROM payments p
            LEFT JOIN payment_attempts a USING (hotel_id, payment_id)
            LEFT JOIN holds h USING (hotel_id, hold_id)",
    },
    Check {
        name: "money.authorised_is_awaited",
        says: "Authorised money has a hold that waits for its confirmation, or is about to be given back.",
        select: "
            SELECT payment_id::text, h.status = 'active' AND h.current_attempt = a.attempt_id
                OR h.status IN ('released', 'expired') AND EXISTS (
                    SELECT FROM jobs j WHERE j.hotel_id = h.hotel_id AND j.subject_id = h.hold_id
                    AND j.kind = 'give_back' AND j.done_at IS NULL)
            FROM payments p
            LEFT JOIN payment_attempts a USING (hotel_id, payment_id)
            LEFT JOIN holds h USING (hotel_id, hold_id)
            WHERE p.status = 'authorized'",
    },
    Check {
        name: "money.booking_is_paid",
        says: "A booking that stands has one payment of what was due now, all of it taken or to be taken, or none if \
               nothing was; what staff gave back of it is their affair.",
        select: "
            SELECT booking_id::text, CASE WHEN b.due_now = 0 THEN kept.payments IS NULL
                ELSE kept.payments = 1 AND kept.amount = b.due_now AND kept.taken = b.due_now END
            FROM bookings b LEFT JOIN (
                SELECT hotel_id, hold_id, count(*) AS payments, sum(amount) AS amount, sum(taken) AS taken
                FROM (
                    SELECT p.*, CASE p.status WHEN 'captured' THEN p.captured_amount - coalesce(r.given_back, 0)
                                              ELSE p.capture_amount END AS taken
                    FROM payments p LEFT JOIN (
                        SELECT hotel_id, payment_id, sum(amount) AS given_back
                        FROM refunds WHERE reason <> 'staff' GROUP BY hotel_id, payment_id
                    ) r USING (hotel_id, payment_id)
                    WHERE p.status IN ('captured', 'capture_pending', 'capture_failed')
                ) p
                WHERE status <> 'captured' OR taken > 0 GROUP BY hotel_id, hold_id
            ) kept USING (hotel_id, hold_id)
            WHERE b.status NOT IN ('cancelled', 'no_show')",
    },
    Check {
        name: "money.penalty_is_by_the_terms",
        says: "A cancelled booking costs what its rooms' terms said at that moment, and a guest who did not come what they \
               say in the end; as much of its money is kept, less what staff gave back, but for what the provider refused to give.",
        select: "
            SELECT booking_id::text, b.penalty = terms.penalty
                AND coalesce(paid.kept, 0) <= terms.keep + coalesce(paid.refused, 0) AND coalesce(paid.kept_by_terms, 0) >= terms.keep
            FROM bookings b LEFT JOIN (
                SELECT hotel_id, booking_id, sum(d.penalty) AS penalty, sum(d.due_now - d.refund) AS keep
                FROM bookings JOIN booking_rooms r USING (hotel_id, booking_id)
                CROSS JOIN LATERAL (
                    SELECT substring(entry ->> 'penalty' from '^[0-9]+$')::numeric AS penalty,
                        substring(entry ->> 'refund' from '^[0-9]+$')::numeric AS refund,
                        substring(r.price #>> '{price,due_now}' from '^[0-9]+$')::numeric AS due_now
                    FROM jsonb_path_query(r.price, '$.cancellation[*]') WITH ORDINALITY deadline (entry, nth)
                    WHERE entry ->> 'until' IS NULL OR left(entry ->> 'until', 19) COLLATE \"C\"
                        > to_char(cancelled_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS') COLLATE \"C\"
                    ORDER BY nth LIMIT 1
                ) d
                WHERE status IN ('cancelled', 'no_show') GROUP BY hotel_id, booking_id
            ) terms USING (hotel_id, booking_id)
            LEFT JOIN (
                SELECT hotel_id, hold_id,
                    sum(CASE p.status WHEN 'captured' THEN p.captured_amount - coalesce(r.given_back, 0)
                                      ELSE coalesce(p.capture_amount, 0) END) AS kept,
                    sum(r.refused) AS refused,
                    sum(CASE p.status WHEN 'captured' THEN p.captured_amount - coalesce(r.by_terms, 0)
                                      ELSE coalesce(p.capture_amount, 0) END) AS kept_by_terms
                FROM payments p LEFT JOIN (
                    SELECT hotel_id, payment_id,
                        sum(amount) FILTER (WHERE status <> 'failed' OR reason <> 'staff') AS given_back,
                        sum(amount) FILTER (WHERE status = 'failed' AND reason = 'staff') AS refused,
                        sum(amount) FILTER (WHERE reason <> 'staff') AS by_terms
                    FROM refunds GROUP BY hotel_id, payment_id
                ) r USING (hotel_id, payment_id)
                WHERE p.status IN ('captured', 'capture_pending', 'capture_failed') GROUP BY hotel_id, hold_id
            ) paid USING (hotel_id, hold_id)
            WHERE b.status IN ('cancelled', 'no_show')",
    },
    Check {
        name: "money.captured_has_a_home",
        says: "Captured money belongs to a booking or to a hold that waits for its confirmation, \
               or all of it is given back or about to be, but for what the provider refused to give.",
        select: "
            SELECT payment_id::text, p.captured_amount - coalesce(r.given_back, 0) BETWEEN 0 AND coalesce(r.refused, 0)
                OR h.status = 'converted' AND r.without_booking IS NOT TRUE
                OR h.status = 'active' AND h.current_attempt = a.attempt_id
                OR h.status IN ('released', 'expired') AND EXISTS (
                    SELECT FROM jobs j WHERE j.hotel_id = h.hotel_id AND j.subject_id = h.hold_id
                    AND j.kind = 'give_back' AND j.done_at IS NULL)
            FROM payments p
            LEFT JOIN payment_attempts a USING (hotel_id, payment_id)
            LEFT JOIN holds h USING (hotel_id, hold_id)
            LEFT JOIN (
                SELECT hotel_id, payment_id, sum(amount) FILTER (WHERE status <> 'failed') AS given_back,
                    sum(amount) FILTER (WHERE status = 'failed') AS refused,
                    bool_or(reason = 'no_booking') AS without_booking
                FROM refunds GROUP BY hotel_id, payment_id
            ) r USING (hotel_id, payment_id)
            WHERE p.status = 'captured'",
    },
    Check {
        name: "money.refunds_are_within_the_capture",
        says: "No more is refunded of a payment, done and under way together, than was captured.",
        select: "
            SELECT payment_id::text, p.status = 'captured' AND r.amount <= p.captured_amount
            FROM (
                SELECT hotel_id, payment_id, coalesce(sum(amount) FILTER (WHERE status <> 'failed'), 0) AS amount
                FROM refunds GROUP BY hotel_id, payment_id
            ) r LEFT JOIN payments p USING (hotel_id, payment_id)",
    },
    Check {
        name: "money.what_is_pending_is_owed",
        says: "A pending capture, void or refund has an open job.",
        select: "
            SELECT concat_ws(' ', kind, subject_id), EXISTS (
                SELECT FROM jobs j WHERE j.hotel_id = pending.hotel_id AND j.subject_id = pending.subject_id
                AND j.kind = pending.kind AND j.done_at IS NULL)
            FROM (
                SELECT CASE status WHEN 'capture_pending' THEN 'capture' ELSE 'void' END AS kind, hotel_id,
                    payment_id AS subject_id
                FROM payments WHERE status IN ('capture_pending', 'void_pending')
                UNION ALL SELECT 'refund', hotel_id, refund_id FROM refunds WHERE status = 'pending'
            ) pending",
    },
    Check {
        name: "money.intent_is_the_attempts",
        says: "The provider has one intent a payment at most, of its amount and currency, and none that nobody asked for.",
        select: "
            SELECT coalesce(i.intent_id, asked.attempt_id::text), CASE
                WHEN i.intent_id IS NULL THEN asked.intent_id IS NULL
                ELSE i.of_payment = 1 AND (asked.intent_id IS NULL OR asked.intent_id = i.intent_id)
                    AND (i.amount, i.currency, i.payment_method) = (asked.amount, asked.currency, asked.payment_method)
                END
            FROM (
                SELECT attempt_id, payment_id::text AS payment_id, intent_id, payment_method, amount, currency
                FROM payment_attempts JOIN payments USING (hotel_id, payment_id) WHERE provider = 'simulator'
            ) asked FULL JOIN (
                SELECT metadata ->> 'payment_id' AS payment_id, intent_id, payment_method, amount, currency,
                    count(*) OVER (PARTITION BY metadata ->> 'payment_id') AS of_payment
                FROM simulator_intents
            ) i USING (payment_id)",
    },
    Check {
        name: "money.ledgers_agree",
        says: "Captured, voided and declined payments are that at the provider, to the amount; \
               none is reserved or taken there that nothing here will settle.",
        select: "
            SELECT payment_id::text, p.status IN ('initiated', 'processing', 'requires_action') OR CASE p.status
                WHEN 'captured' THEN i.status = 'captured' AND i.captured_amount = p.captured_amount
                WHEN 'voided' THEN i.status = 'voided'
                WHEN 'failed' THEN i.status = 'declined' AND i.decline_code = p.failure_code
                WHEN 'capture_failed' THEN i.status IN ('authorized', 'voided', 'declined')
                WHEN 'abandoned' THEN a.recovery_point <> 'settled' OR i.status IN ('voided', 'declined')
                WHEN 'authorized' THEN i.status IN ('authorized', 'captured', 'voided')
                WHEN 'capture_pending' THEN i.status IN ('authorized', 'captured', 'voided')
                WHEN 'void_pending' THEN i.status IN ('authorized', 'captured', 'voided')
                END
            FROM payments p
            JOIN payment_attempts a USING (hotel_id, payment_id)
            LEFT JOIN simulator_intents i ON i.intent_id = a.intent_id
            WHERE a.provider = 'simulator'",
    },
    Check {
        name: "money.ledgers_agree_on_refunds",
        says: "A refund succeeded where the provider has made it, of its amount, and the provider has made no other.",
        select: "
            SELECT coalesce(ours.provider_key, theirs.idempotency_key), CASE
                WHEN theirs.intent_id IS NULL THEN ours.status <> 'succeeded'
                ELSE ours.status <> 'failed' AND (ours.amount, ours.intent_id) = (theirs.amount, theirs.intent_id) END
            FROM (
                SELECT r.provider_key, r.status, r.amount, a.intent_id
                FROM refunds r JOIN payment_attempts a USING (hotel_id, payment_id) WHERE a.provider = 'simulator'
            ) ours FULL JOIN simulator_refunds theirs ON theirs.idempotency_key = ours.provider_key",
    },
];
