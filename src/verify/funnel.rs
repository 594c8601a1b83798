//! The funnel: quote, hold and booking say the same of one stay.
//!
//! An amount in a document is read as `substring(… from '^[0-9]+$')`: what is no whole number becomes NULL, and so a
//! breach rather than an error that would end the examination.

use super::Check;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "funnel.quote_lines_add_up",
        says: "A quote has a line for each night of its stay, and bases and taxes add up to the room's price.",
        select: "
            SELECT quote_id::text, is_whole
                AND jsonb_path_query_array(price, '$.price.nightly[*].date') = (
                    SELECT jsonb_agg(to_char(check_in + nth, 'YYYY-MM-DD') ORDER BY nth)
                    FROM generate_series(0, check_out - check_in - 1) nth)
                AND price #> '{price,total}' = to_jsonb(lines.total)
                AND price #> '{price,due_at_property}' = to_jsonb(
                    CASE price ->> 'payment_policy' WHEN 'prepaid' THEN lines.later ELSE lines.total END)
            FROM quotes CROSS JOIN LATERAL (
                SELECT count(amount) = count(*) AS is_whole, sum(amount) AS total,
                    coalesce(sum(amount) FILTER (WHERE due = 'at_property'), 0) AS later
                FROM (
                    SELECT substring(night ->> 'base' from '^[0-9]+$')::numeric AS amount, NULL AS due
                    FROM jsonb_path_query(price, '$.price.nightly[*]') night
                    UNION ALL
                    SELECT substring(tax ->> 'amount' from '^[0-9]+$')::numeric, tax ->> 'due'
                    FROM jsonb_path_query(price, '$.price.nightly[*].taxes[*]') tax
                ) line
            ) lines",
    },
    Check {
        name: "funnel.quote_is_its_rooms",
        says: "A quote's amounts are its room's price times the rooms, in one currency.",
        select: "
            SELECT quote_id::text, price ->> 'currency' = currency AND total = due_now + due_at_property
                AND price #> '{price,total}' = to_jsonb(total::numeric / rooms)
                AND price #> '{price,due_now}' = to_jsonb(due_now::numeric / rooms)
                AND price #> '{price,due_at_property}' = to_jsonb(due_at_property::numeric / rooms)
            FROM quotes",
    },
    Check {
        name: "funnel.quote_deadlines_add_up",
        says: "A quote's deadlines rise; each refunds what is due now less its penalty; the last is for good and costs all.",
        select: "
            SELECT quote_id::text, (
                SELECT bool_and((penalty <= total / rooms AND refund = greatest(due_now / rooms - penalty, 0)
                    AND (until IS NULL) = (nth = entries) AND (nth < entries OR penalty = total / rooms)
                    AND (nth = 1 OR until IS NULL OR before COLLATE \"C\" < until COLLATE \"C\")) IS TRUE)
                FROM (
                    SELECT nth, count(*) OVER () AS entries,
                        entry ->> 'until' AS until, lag(entry ->> 'until') OVER (ORDER BY nth) AS before,
                        substring(entry ->> 'penalty' from '^[0-9]+$')::numeric AS penalty,
                        substring(entry ->> 'refund' from '^[0-9]+$')::numeric AS refund
                    FROM jsonb_path_query(price, '$.cancellation[*]') WITH ORDINALITY deadline (entry, nth)
                ) deadlines)
            FROM quotes",
    },
    Check {
        name: "funnel.quote_is_used_once",
        says: "A quote is an item of one hold at most.",
        select: "SELECT quote_id::text, count(*) = 1 FROM hold_items GROUP BY hotel_id, quote_id",
    },
    Check {
        name: "funnel.hold_is_its_items",
        says: "A hold has 1 to 9 items, numbered from 1, and its amounts are theirs, in one currency.",
        select: "
            SELECT hold_id::text, i.items BETWEEN 1 AND 9 AND i.first = 1 AND i.last = i.items
                AND i.currencies = 1 AND i.currency = h.currency
                AND (i.total, i.due_now, i.due_at_property) = (h.total, h.due_now, h.due_at_property)
            FROM holds h LEFT JOIN (
                SELECT hotel_id, hold_id, count(*) AS items, min(item_no) AS first, max(item_no) AS last,
                    count(DISTINCT currency) AS currencies, min(currency) AS currency,
                    sum(total) AS total, sum(due_now) AS due_now, sum(due_at_property) AS due_at_property
                FROM hold_items JOIN quotes USING (hotel_id, quote_id) GROUP BY hotel_id, hold_id
            ) i USING (hotel_id, hold_id)",
    },
    Check {
        name: "funnel.expired_hold_is_past_its_time",
        says: "A hold that is expired has passed its time, by the database's clock.",
        select: "SELECT hold_id::text, expires_at <= clock_timestamp() FROM holds WHERE status = 'expired'",
    },
    Check {
        name: "funnel.converted_hold_is_one_booking",
        says: "A converted hold and its booking name each other, and nothing else names either.",
        select: "
            SELECT coalesce(b.booking_id, h.booking_id, h.hold_id)::text,
                h.status = 'converted' AND b.hold_id = h.hold_id
            FROM (SELECT * FROM holds WHERE status = 'converted' OR booking_id IS NOT NULL) h
            FULL JOIN bookings b ON b.hotel_id = h.hotel_id AND b.booking_id = h.booking_id",
    },
    Check {
        name: "funnel.booked_rooms_are_the_quotes",
        says: "A booking has, for each quote of its hold, as many rooms as quoted, of its stay, guests and price.",
        select: "
            SELECT concat_ws(' ', booking_id, quote_id), booked.rooms = quoted.rooms AND booked.unlike = 0
            FROM (
                SELECT hotel_id, booking_id, quote_id, rooms
                FROM bookings JOIN hold_items USING (hotel_id, hold_id)
                JOIN (SELECT hotel_id, quote_id, rooms FROM quotes) q USING (hotel_id, quote_id)
            ) quoted FULL JOIN (
                SELECT hotel_id, r.booking_id, quote_id, count(*) AS rooms, count(*) FILTER (WHERE
                    (r.room_type_id, r.rate_plan_id, r.check_in, r.check_out, r.adults, r.children_ages, r.price)
                    IS DISTINCT FROM
                    (q.room_type_id, q.rate_plan_id, q.check_in, q.check_out, q.adults, q.children_ages, q.price)
                ) AS unlike
                FROM booking_rooms r JOIN quotes q USING (hotel_id, quote_id)
                GROUP BY hotel_id, r.booking_id, quote_id
            ) booked USING (hotel_id, booking_id, quote_id)",
    },
    Check {
        name: "funnel.booking_is_its_rooms",
        says: "A booking's dates span its rooms' stays, and its amounts are the sum of their prices, in one currency.",
        select: "
            SELECT booking_id::text, (r.check_in, r.check_out) = (b.check_in, b.check_out)
                AND r.currencies = 1 AND r.currency = b.currency
                AND (r.total, r.due_now, r.due_at_property) = (b.total, b.due_now, b.due_at_property)
            FROM bookings b LEFT JOIN (
                SELECT hotel_id, booking_id, min(check_in) AS check_in, max(check_out) AS check_out,
                    count(DISTINCT price ->> 'currency') AS currencies, min(price ->> 'currency') AS currency,
                    sum(substring(price #>> '{price,total}' from '^[0-9]+$')::numeric) AS total,
                    sum(substring(price #>> '{price,due_now}' from '^[0-9]+$')::numeric) AS due_now,
                    sum(substring(price #>> '{price,due_at_property}' from '^[0-9]+$')::numeric) AS due_at_property
                FROM booking_rooms GROUP BY hotel_id, booking_id
            ) r USING (hotel_id, booking_id)",
    },
    Check {
        name: "funnel.code_names_one_booking",
        says: "A confirmation code has 10 letters of Crockford's alphabet and names one booking of its hotel.",
        select: "
            SELECT booking_id::text, confirmation_code ~ '^[0-9A-HJKMNP-TV-Z]{10}$'
                AND count(*) OVER (PARTITION BY hotel_id, confirmation_code) = 1
            FROM bookings",
    },
    Check {
        name: "funnel.one_owner",
        says: "The quotes that a hold is made of, and what is made of the hold, belong to its user.",
        select: "
            SELECT concat_ws(' ', kind, id), owned.user_id = h.user_id
            FROM (
                SELECT 'quote' AS kind, quote_id AS id, hotel_id, hold_id, user_id
                FROM hold_items JOIN quotes USING (hotel_id, quote_id)
                UNION ALL SELECT 'payment', payment_id, hotel_id, hold_id, user_id FROM payments
                UNION ALL SELECT 'booking', booking_id, hotel_id, hold_id, user_id FROM bookings
            ) owned LEFT JOIN holds h USING (hotel_id, hold_id)",
    },
    Check {
        name: "funnel.deleted_hotel_expects_nobody",
        says: "A deleted hotel has no live hold, and no booking whose stay is not over.",
        select: "
            SELECT hotel_id::text, NOT EXISTS (
                    SELECT FROM holds o WHERE o.hotel_id = h.hotel_id AND o.live_until > clock_timestamp())
                AND NOT EXISTS (
                    SELECT FROM bookings b WHERE b.hotel_id = h.hotel_id AND b.status IN ('confirmed', 'checked_in')
                    AND b.check_out > (clock_timestamp() AT TIME ZONE h.time_zone)::date)
            FROM hotels h WHERE deleted_at IS NOT NULL",
    },
];
