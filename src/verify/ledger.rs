//! The ledger: double entry against the payments and refunds that it tells of, and against the provider's own books.

use super::Check;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "ledger.movement_balances",
        says: "The lines of a movement sum to nothing, in its payment's currency and about one thing.",
        select: "
            SELECT movement_id::text, sum(l.amount) = 0 AND count(*) >= 2
                AND min(l.kind) = max(l.kind) AND min(l.currency) = max(l.currency) AND min(l.currency) = min(p.currency)
                AND count(DISTINCT l.payment_id) = 1 AND count(DISTINCT l.refund_id) = count(l.refund_id) / count(*)
            FROM ledger_lines l LEFT JOIN payments p USING (hotel_id, payment_id)
            GROUP BY hotel_id, movement_id",
    },
    Check {
        name: "ledger.payment_has_its_movements",
        says: "A payment is written as captured with what was taken, and as earned with what its booking was to keep.",
        select: "
            SELECT payment_id::text, coalesce(l.captured, 0) = p.captured_amount AND coalesce(l.earned, 0) =
                CASE WHEN h.status = 'converted' AND r.without_booking IS NOT TRUE
                     THEN p.captured_amount - coalesce(r.excess, 0) ELSE 0 END
            FROM payments p LEFT JOIN holds h USING (hotel_id, hold_id)
            LEFT JOIN (
                SELECT hotel_id, payment_id,
                    sum(amount) FILTER (WHERE kind = 'captured' AND account = 'provider') AS captured,
                    sum(amount) FILTER (WHERE kind = 'earned' AND account = 'guest') AS earned
                FROM ledger_lines GROUP BY hotel_id, payment_id
            ) l USING (hotel_id, payment_id)
            LEFT JOIN (
                SELECT hotel_id, payment_id, sum(amount) FILTER (WHERE reason = 'excess') AS excess,
                    bool_or(reason = 'no_booking') AS without_booking
                FROM refunds GROUP BY hotel_id, payment_id
            ) r USING (hotel_id, payment_id)",
    },
    Check {
        name: "ledger.refund_has_its_movements",
        says: "A refund is written as owed with its amount, as made if and only if it has succeeded, \
               and as the guest's again if and only if it has failed.",
        select: "
            SELECT refund_id::text, l.owed = r.amount AND l.payments = 1 AND l.payment_id = r.payment_id::text
                AND coalesce(l.made, 0) = CASE r.status WHEN 'succeeded' THEN r.amount ELSE 0 END
                AND coalesce(l.kept, 0) = CASE r.status WHEN 'failed' THEN r.amount ELSE 0 END
            FROM refunds r FULL JOIN (
                SELECT hotel_id, refund_id, count(DISTINCT payment_id) AS payments, min(payment_id::text) AS payment_id,
                    sum(-amount) FILTER (WHERE kind = 'refund_owed' AND account = 'refund') AS owed,
                    sum(-amount) FILTER (WHERE kind = 'refunded' AND account = 'provider') AS made,
                    sum(-amount) FILTER (WHERE kind = 'refund_failed' AND account = 'guest') AS kept
                FROM ledger_lines WHERE refund_id IS NOT NULL GROUP BY hotel_id, refund_id
            ) l USING (hotel_id, refund_id)",
    },
    Check {
        name: "ledger.accounts_stand_as_they_may",
        says: "Of a payment, what is on its way back stands on refund, the tax is its share of what is kept, \
               nothing of a booking's is still the guest's but what could not be given back, \
               and no account is on the wrong side.",
        select: "
            SELECT payment_id::text, -refund = coalesce(r.pending, 0)
                AND -tax = round(-(hotel + tax) * p.tax_amount / p.amount)
                AND (-guest <= coalesce(r.refused, 0) OR h.status <> 'converted')
                AND greatest(guest, hotel, tax, refund, -provider) <= 0
            FROM (
                SELECT hotel_id, payment_id,
                    coalesce(sum(amount) FILTER (WHERE account = 'guest'), 0) AS guest,
                    coalesce(sum(amount) FILTER (WHERE account = 'provider'), 0) AS provider,
                    coalesce(sum(amount) FILTER (WHERE account = 'hotel'), 0) AS hotel,
                    coalesce(sum(amount) FILTER (WHERE account = 'tax'), 0) AS tax,
                    coalesce(sum(amount) FILTER (WHERE account = 'refund'), 0) AS refund
                FROM ledger_lines GROUP BY hotel_id, payment_id
            ) l LEFT JOIN payments p USING (hotel_id, payment_id) LEFT JOIN holds h USING (hotel_id, hold_id)
            LEFT JOIN (
                SELECT hotel_id, payment_id, sum(amount) FILTER (WHERE status = 'pending') AS pending,
                    sum(amount) FILTER (WHERE status = 'failed') AS refused
                FROM refunds GROUP BY hotel_id, payment_id
            ) r USING (hotel_id, payment_id)",
    },
    // A refund that the provider has made and nobody here has heard of yet is not counted: its job is open.
    Check {
        name: "ledger.provider_is_the_providers_books",
        says: "What the ledger says lies with the provider is what the provider took less what it gave back.",
        select: "
            SELECT payment_id::text, l.provider = i.captured_amount - coalesce(made.amount, 0)
            FROM (
                SELECT hotel_id, payment_id, sum(amount) FILTER (WHERE account = 'provider') AS provider
                FROM ledger_lines GROUP BY hotel_id, payment_id
            ) l
            LEFT JOIN payment_attempts a USING (hotel_id, payment_id)
            LEFT JOIN simulator_intents i ON i.intent_id = a.intent_id
            LEFT JOIN (
                SELECT r.hotel_id, r.payment_id, sum(theirs.amount) AS amount
                FROM refunds r JOIN simulator_refunds theirs ON theirs.idempotency_key = r.provider_key
                WHERE r.status = 'succeeded' GROUP BY r.hotel_id, r.payment_id
            ) made USING (hotel_id, payment_id)",
    },
    Check {
        name: "ledger.tax_is_the_quotes",
        says: "What of a payment is tax is what its hold's quotes say is due now.",
        select: "
            SELECT payment_id::text, p.tax_amount = t.tax
            FROM payments p LEFT JOIN (
                SELECT hotel_id, hold_id, coalesce(sum(rooms * substring(tax ->> 'amount' from '^[0-9]+$')::numeric), 0) AS tax
                FROM hold_items JOIN quotes q USING (hotel_id, quote_id)
                LEFT JOIN LATERAL jsonb_path_query(price, '$.price.nightly[*].taxes[*] ? (@.due == \"now\")') tax
                    ON q.price ->> 'payment_policy' = 'prepaid'
                GROUP BY hotel_id, hold_id
            ) t USING (hotel_id, hold_id)",
    },
];
