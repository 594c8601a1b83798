//! The trail: keys and their answers, events and what they tell of, jobs, sessions.
//!
//! What is over is removed some day, but never within 4 days: no setting allows less, and a test compares the two numbers.
//! It is written here once more because the SQL of a check is its own.

use super::Check;

/// Events are removed in the order in which they were written, and none before its row. So what is younger than the
/// oldest event left has lost none; and what is younger than 4 days has not either, whatever is left.
macro_rules! whose_events_are_all_there {
    ($created_at:literal) => {
        concat!(
            $created_at,
            " > least(clock_timestamp() - interval '4 days', (SELECT min(created_at) FROM outbox_events))"
        )
    };
}

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "trail.finished_key_has_its_answer",
        says: "A finished key has a status and a body; a running one has a lease and names what it works on.",
        select: "
            SELECT concat_ws(' ', user_id, scope, key), octet_length(body_hash) = 32 AND epoch > 0 AND CASE
                WHEN finished_at IS NULL THEN num_nonnulls(status, body, location) = 0
                    AND num_nonnulls(lease_until, hotel_id, resource_id) = 3
                ELSE status BETWEEN 200 AND 499 AND body <> '' END
            FROM idempotency_keys",
    },
    Check {
        name: "trail.running_payment_key_has_its_attempt",
        says: "A running key of a payment works on an attempt to pay a hold of the same user.",
        select: "
            SELECT concat_ws(' ', k.user_id, scope, key), p.user_id = k.user_id
            FROM idempotency_keys k
            LEFT JOIN payment_attempts a ON a.hotel_id = k.hotel_id AND a.attempt_id = k.resource_id
            LEFT JOIN payments p ON p.hotel_id = a.hotel_id AND p.payment_id = a.payment_id
            WHERE finished_at IS NULL AND scope LIKE 'POST /api/v1/payments %'",
    },
    Check {
        name: "trail.answer_names_one_thing",
        says: "What a key's answer says was made is there, is its user's, and was made under no other key.",
        select: "
            SELECT concat_ws(' ', k.user_id, k.scope, k.key), made.user_id = k.user_id AND k.keys = 1
            FROM (
                SELECT *, count(*) OVER (PARTITION BY location) AS keys
                FROM idempotency_keys
                WHERE status IN (201, 202) AND location ~ '^/api/v1/(quotes|holds|payments|bookings)/[^/]+$'
            ) k LEFT JOIN (
                SELECT '/api/v1/quotes/' || quote_id AS location, user_id FROM quotes
                UNION ALL SELECT '/api/v1/holds/' || hold_id, user_id FROM holds
                UNION ALL SELECT '/api/v1/payments/' || payment_id, user_id FROM payments
                UNION ALL SELECT '/api/v1/bookings/' || booking_id, user_id FROM bookings
            ) made USING (location)",
    },
    Check {
        name: "trail.hold_has_its_events",
        says: "Each step of a hold has its event and each event raised its version: active and paying by turns, \
               extended as often as counted, ended once.",
        select: concat!(
            "
            SELECT hold_id::text, e.events <= h.version AND e.extended = h.extensions
                AND e.released = (h.status = 'released')::int AND e.expired = (h.status = 'expired')::int
                AND e.converted = (h.status = 'converted')::int
                AND e.active - e.paying BETWEEN (h.status NOT IN ('paying', 'expired'))::int AND (h.status <> 'paying')::int
                AND e.active + e.paying + e.extended + e.released + e.expired + e.converted = e.events
            FROM holds h LEFT JOIN (
                SELECT hotel_id, subject_id AS hold_id, count(*) AS events,
                    count(*) FILTER (WHERE topic = 'hold.active') AS active,
                    count(*) FILTER (WHERE topic = 'hold.paying') AS paying,
                    count(*) FILTER (WHERE topic = 'hold.extended') AS extended,
                    count(*) FILTER (WHERE topic = 'hold.released') AS released,
                    count(*) FILTER (WHERE topic = 'hold.expired') AS expired,
                    count(*) FILTER (WHERE topic = 'hold.converted') AS converted
                FROM outbox_events WHERE topic LIKE 'hold.%' GROUP BY hotel_id, subject_id
            ) e USING (hotel_id, hold_id)
            WHERE ",
            whose_events_are_all_there!("h.created_at")
        ),
    },
    Check {
        name: "trail.payment_has_its_events",
        says: "Each state that a payment reached has its one event, the first and the present among them, \
               and each event raised its version.",
        select: concat!(
            "
            SELECT payment_id::text, cardinality(e.topics) <= p.version AND e.different = cardinality(e.topics)
                AND e.topics @> ARRAY['payment.initiated', 'payment.' || p.status]
                AND (p.capture_amount IS NULL OR e.topics @> ARRAY['payment.capture_pending'])
            FROM payments p LEFT JOIN (
                SELECT hotel_id, subject_id AS payment_id, array_agg(topic) AS topics,
                    count(DISTINCT topic) AS different
                FROM outbox_events WHERE topic LIKE 'payment.%' GROUP BY hotel_id, subject_id
            ) e USING (hotel_id, payment_id)
            WHERE ",
            whose_events_are_all_there!("p.created_at")
        ),
    },
    Check {
        name: "trail.refund_has_its_events",
        says: "A refund has an event for having begun, and one for its end if it has ended.",
        select: concat!(
            "
            SELECT refund_id::text, e.topics <@ ARRAY['refund.pending', 'refund.' || r.status]
                AND e.topics @> ARRAY['refund.pending', 'refund.' || r.status]
                AND cardinality(e.topics) = CASE r.status WHEN 'pending' THEN 1 ELSE 2 END
            FROM refunds r LEFT JOIN (
                SELECT hotel_id, subject_id AS refund_id, array_agg(topic) AS topics
                FROM outbox_events WHERE topic IN ('refund.pending', 'refund.succeeded', 'refund.failed')
                GROUP BY hotel_id, subject_id
            ) e USING (hotel_id, refund_id)
            WHERE ",
            whose_events_are_all_there!("r.created_at")
        ),
    },
    Check {
        name: "trail.booking_has_its_events",
        says: "A booking has an event for having been confirmed and one for its present state, \
               and each event raised its version.",
        select: concat!(
            "
            SELECT booking_id::text, cardinality(e.topics) <= b.version
                AND e.topics @> ARRAY['booking.confirmed', 'booking.' || b.status]
            FROM bookings b LEFT JOIN (
                SELECT hotel_id, subject_id AS booking_id, array_agg(topic) AS topics
                FROM outbox_events WHERE topic LIKE 'booking.%' GROUP BY hotel_id, subject_id
            ) e USING (hotel_id, booking_id)
            WHERE ",
            whose_events_are_all_there!("b.created_at")
        ),
    },
    Check {
        name: "trail.event_has_its_subject",
        says: "What an event of the funnel tells of is there.",
        select: "
            SELECT e.event_id::text, subject.subject_id IS NOT NULL
            FROM outbox_events e LEFT JOIN (
                SELECT 'hold' AS kind, hotel_id, hold_id AS subject_id FROM holds
                UNION ALL SELECT 'payment', hotel_id, payment_id FROM payments
                UNION ALL SELECT 'refund', hotel_id, refund_id FROM refunds
                UNION ALL SELECT 'booking', hotel_id, booking_id FROM bookings
            ) subject ON (subject.kind, subject.hotel_id, subject.subject_id)
                = (split_part(e.topic, '.', 1), e.hotel_id, e.subject_id)
            WHERE split_part(e.topic, '.', 1) IN ('hold', 'payment', 'refund', 'booking')",
    },
    Check {
        name: "trail.job_has_its_subject",
        says: "What a job is about is there, once while the job is open, and the job is in the lane of its payment or hold.",
        select: "
            SELECT j.job_id::text, subject.lane = j.lane AND (j.done_at IS NOT NULL OR
                count(*) FILTER (WHERE j.done_at IS NULL) OVER (PARTITION BY j.hotel_id, j.kind, j.subject_id) = 1)
            FROM jobs j LEFT JOIN (
                SELECT 'capture' AS kind, hotel_id, payment_id AS subject_id, payment_id AS lane FROM payments
                UNION ALL SELECT 'void', hotel_id, payment_id, payment_id FROM payments
                UNION ALL SELECT 'refund', hotel_id, refund_id, payment_id FROM refunds
                UNION ALL SELECT 'give_back', hotel_id, hold_id, hold_id FROM holds
            ) subject USING (kind, hotel_id, subject_id)",
    },
    Check {
        name: "trail.session_has_its_tokens",
        says: "A session has a refresh token for each of its generations, up to the one that is valid; one that ended \
               4 days ago may have lost some.",
        select: "
            SELECT session_id::text, CASE
                WHEN least(s.expires_at, s.revoked_at) > clock_timestamp() - interval '4 days'
                    THEN t.tokens = s.generation AND t.first = 1 AND t.last = s.generation
                ELSE coalesce(t.last, 0) <= s.generation END
            FROM sessions s LEFT JOIN (
                SELECT user_id, session_id, count(*) AS tokens, min(generation) AS first, max(generation) AS last
                FROM refresh_tokens GROUP BY user_id, session_id
            ) t USING (user_id, session_id)",
    },
    Check {
        name: "trail.user_is_there",
        says: "Whoever quotes, holds, keeps a key or runs a hotel is a user: no foreign key says so.",
        select: "
            SELECT named.user_id::text, u.user_id IS NOT NULL
            FROM (
                SELECT user_id FROM quotes UNION SELECT user_id FROM holds
                UNION SELECT user_id FROM idempotency_keys UNION SELECT user_id FROM hotel_members
            ) named LEFT JOIN users u USING (user_id)",
    },
    Check {
        name: "trail.id_is_of_one_hotel",
        says: "An id that a route takes alone is one hotel's.",
        select: "
            SELECT id::text, count(*) = 1
            FROM (
                SELECT quote_id AS id FROM quotes UNION ALL SELECT hold_id FROM holds
                UNION ALL SELECT payment_id FROM payments UNION ALL SELECT booking_id FROM bookings
            ) ids GROUP BY id",
    },
];
