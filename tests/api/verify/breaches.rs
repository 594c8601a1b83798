//! For each invariant, something that breaks it.

/// A corruption of the sound world.
pub struct Breach {
    /// Who finds it: the invariant that it is made for, then those that cannot hold either.
    pub found_by: &'static [&'static str],
    /// What must go first, so that it is not refused. Foreign keys are off anyway.
    pub without: Option<&'static str>,
    /// Corrupts; yields the ids that the first invariant is to name.
    pub sql: &'static str,
}

const fn breach(found_by: &'static [&'static str], sql: &'static str) -> Breach {
    Breach { found_by, without: None, sql }
}

const fn unguarded(found_by: &'static [&'static str], without: &'static str, sql: &'static str) -> Breach {
    Breach { found_by, without: Some(without), sql }
}

pub const BREACHES: &[Breach] = &[
    // The stock.
    breach(
        &["stock.held_is_what_holds_take"],
        "UPDATE inventory SET held = 1 WHERE room_type_id = {room_type} AND stay_date = current_date + 50
         RETURNING concat_ws(' ', hotel_id, room_type_id, stay_date) AS line",
    ),
    breach(
        &["stock.sold_is_what_bookings_keep"],
        "UPDATE inventory SET sold = 1 WHERE room_type_id = {room_type} AND stay_date = current_date + 50
         RETURNING concat_ws(' ', hotel_id, room_type_id, stay_date) AS line",
    ),
    unguarded(
        &["stock.never_oversold"],
        "ALTER TABLE inventory DROP CONSTRAINT inventory_never_oversold",
        "UPDATE inventory SET capacity = held + sold - 1 WHERE held + sold > 0
         RETURNING concat_ws(' ', hotel_id, room_type_id, stay_date) AS line",
    ),
    unguarded(
        &["stock.never_oversold", "stock.out_of_service_is_what_rooms_say"],
        "ALTER TABLE inventory DROP CONSTRAINT inventory_out_of_service_natural",
        "UPDATE inventory SET out_of_service = -1 WHERE room_type_id = {room_type} AND stay_date = current_date + 50
         RETURNING concat_ws(' ', hotel_id, room_type_id, stay_date) AS line",
    ),
    breach(
        &["stock.out_of_service_is_what_rooms_say"],
        "UPDATE inventory SET out_of_service = 1 WHERE room_type_id = {room_type} AND stay_date = current_date + 50
         RETURNING concat_ws(' ', hotel_id, room_type_id, stay_date) AS line",
    ),
    breach(
        &["stock.hold_takes_its_stays"],
        "UPDATE hold_nights SET rooms = rooms + 1 WHERE hold_id = {lapsed}
         RETURNING concat_ws(' ', hold_id, room_type_id, stay_date) AS line",
    ),
    breach(
        &["stock.hold_takes_its_stays"],
        "DELETE FROM hold_nights WHERE hold_id = {lapsed}
         RETURNING concat_ws(' ', hold_id, room_type_id, stay_date) AS line",
    ),
    // A night of a confirmed booking that nobody freed, stock and all.
    breach(
        &["stock.booked_room_keeps_its_stay"],
        "WITH freed AS (
             DELETE FROM booking_nights n USING booking_rooms r, bookings b
             WHERE n.booking_room_id = r.booking_room_id AND r.booking_id = b.booking_id AND b.hold_id = {later}
             RETURNING n.*
         ), counted AS (
             UPDATE inventory i SET sold = sold - 1 FROM freed f
             WHERE (i.hotel_id, i.room_type_id, i.stay_date) = (f.hotel_id, f.room_type_id, f.stay_date)
         )
         SELECT concat_ws(' ', booking_room_id, stay_date) AS line FROM freed",
    ),
    // A cancelled booking that keeps its nights.
    breach(
        &["stock.booked_room_keeps_its_stay"],
        "WITH kept AS (
             INSERT INTO booking_nights
             SELECT r.hotel_id, booking_room_id, r.check_in, room_type_id, NULL
             FROM booking_rooms r JOIN bookings USING (hotel_id, booking_id) WHERE hold_id = {cancelled}
             RETURNING *
         ), counted AS (
             UPDATE inventory i SET sold = sold + 1 FROM kept k
             WHERE (i.hotel_id, i.room_type_id, i.stay_date) = (k.hotel_id, k.room_type_id, k.stay_date)
         )
         SELECT concat_ws(' ', booking_room_id, stay_date) AS line FROM kept",
    ),
    unguarded(
        &["stock.room_is_assigned_once_a_night"],
        "DROP INDEX booking_nights_room_key",
        "UPDATE booking_nights n SET room_id = rooms.room_id
         FROM rooms, booking_rooms r JOIN bookings USING (hotel_id, booking_id)
         WHERE hold_id = {refused} AND n.booking_room_id = r.booking_room_id
         RETURNING concat_ws(' ', n.room_id, stay_date) AS line",
    ),
    breach(
        &["stock.derived_plan_has_no_price"],
        "UPDATE rates SET price = 1 WHERE closed AND room_type_id = {room_type}
         RETURNING concat_ws(' ', rate_plan_id, room_type_id, stay_date) AS line",
    ),
    breach(
        &["stock.derived_plan_has_its_base"],
        "UPDATE rate_plans base SET deleted_at = now() FROM rate_plans derived
         WHERE derived.derived_from = base.rate_plan_id RETURNING derived.rate_plan_id::text AS line",
    ),
    breach(
        &["stock.derived_plan_has_its_base"],
        "INSERT INTO rate_plans (hotel_id, rate_plan_id, name, meal_plan, payment_policy, derived_from, derived_amount)
         SELECT hotel_id, gen_random_uuid(), 'Of a derived one', 'room_only', 'prepaid', rate_plan_id, 1
         FROM rate_plans WHERE is_derived RETURNING rate_plan_id::text AS line",
    ),
    breach(
        &["stock.derived_plan_sells_what_its_base_sells"],
        "UPDATE rate_plan_room_types base SET removed_at = now() FROM rate_plans p
         WHERE p.is_derived AND base.rate_plan_id = p.derived_from
         RETURNING concat_ws(' ', p.rate_plan_id, base.room_type_id) AS line",
    ),
    // The funnel.
    breach(
        &["funnel.quote_lines_add_up"],
        "UPDATE quotes SET price = jsonb_set(price, '{price,nightly,0,base}', '1')
         WHERE quote_id = (SELECT quote_id FROM hold_items WHERE hold_id = {live}) RETURNING quote_id::text AS line",
    ),
    breach(
        &["funnel.quote_lines_add_up"],
        "UPDATE quotes SET price = jsonb_set(price, '{price,nightly,0,base}', '\"much\"')
         WHERE quote_id = (SELECT quote_id FROM hold_items WHERE hold_id = {live}) RETURNING quote_id::text AS line",
    ),
    breach(
        &["funnel.quote_lines_add_up"],
        "UPDATE quotes SET price = jsonb_set(price, '{price,nightly,1,date}', '\"2020-02-29\"')
         WHERE quote_id = (SELECT quote_id FROM hold_items WHERE hold_id = {live}) RETURNING quote_id::text AS line",
    ),
    breach(
        &["funnel.quote_is_its_rooms"],
        "UPDATE quotes SET price = jsonb_set(price, '{currency}', '\"USD\"')
         WHERE quote_id = (SELECT quote_id FROM hold_items WHERE hold_id = {live}) RETURNING quote_id::text AS line",
    ),
    breach(
        &["funnel.quote_is_its_rooms", "funnel.quote_lines_add_up"],
        "UPDATE quotes SET price = jsonb_set(price, '{price,total}', '1')
         WHERE quote_id = (SELECT quote_id FROM hold_items WHERE hold_id = {live}) RETURNING quote_id::text AS line",
    ),
    breach(
        &["funnel.quote_is_its_rooms", "funnel.quote_lines_add_up", "funnel.quote_deadlines_add_up"],
        "UPDATE quotes SET price = '[]'
         WHERE quote_id = (SELECT quote_id FROM hold_items WHERE hold_id = {live}) RETURNING quote_id::text AS line",
    ),
    breach(
        &["funnel.quote_deadlines_add_up"],
        "UPDATE quotes SET price = jsonb_set(price, '{cancellation,0,refund}', '1')
         WHERE quote_id = (SELECT quote_id FROM hold_items WHERE hold_id = {live}) RETURNING quote_id::text AS line",
    ),
    breach(
        &["funnel.quote_deadlines_add_up"],
        "UPDATE quotes SET price = price #- '{cancellation,1}'
         WHERE quote_id = (SELECT quote_id FROM hold_items WHERE hold_id = {live}) RETURNING quote_id::text AS line",
    ),
    unguarded(
        &["funnel.quote_is_used_once", "stock.hold_takes_its_stays", "funnel.hold_is_its_items"],
        "ALTER TABLE hold_items DROP CONSTRAINT hold_items_quote_key",
        "INSERT INTO hold_items SELECT hotel_id, {lapsed}, 2, quote_id FROM hold_items WHERE hold_id = {live}
         RETURNING quote_id::text AS line",
    ),
    breach(
        &["funnel.hold_is_its_items"],
        "UPDATE holds SET total = total + 1, due_at_property = due_at_property + 1 WHERE hold_id = {lapsed}
         RETURNING hold_id::text AS line",
    ),
    breach(
        &["funnel.hold_is_its_items"],
        "UPDATE hold_items SET item_no = 2 WHERE hold_id = {lapsed} RETURNING hold_id::text AS line",
    ),
    breach(
        &["funnel.expired_hold_is_past_its_time"],
        "UPDATE holds SET expires_at = clock_timestamp() + interval '1 minute' WHERE hold_id = {lapsed}
         RETURNING hold_id::text AS line",
    ),
    breach(
        &["funnel.converted_hold_is_one_booking"],
        "WITH astray AS (
             UPDATE holds SET booking_id = gen_random_uuid() WHERE hold_id = {later} RETURNING booking_id
         )
         SELECT booking_id::text AS line FROM astray
         UNION ALL SELECT booking_id::text FROM bookings WHERE hold_id = {later}",
    ),
    breach(
        &["funnel.booked_rooms_are_the_quotes"],
        "UPDATE booking_rooms r SET adults = adults + 1 FROM bookings b
         WHERE r.booking_id = b.booking_id AND hold_id = {later}
         RETURNING concat_ws(' ', r.booking_id, quote_id) AS line",
    ),
    breach(
        &["funnel.booking_is_its_rooms"],
        "UPDATE bookings SET check_out = check_out + 1 WHERE hold_id = {later} RETURNING booking_id::text AS line",
    ),
    breach(
        &["funnel.booking_is_its_rooms"],
        "UPDATE bookings SET total = total + 1, due_at_property = due_at_property + 1 WHERE hold_id = {later}
         RETURNING booking_id::text AS line",
    ),
    breach(
        &["funnel.code_names_one_booking"],
        "UPDATE bookings SET confirmation_code = 'OUIOUIOUI1' WHERE hold_id = {later} RETURNING booking_id::text AS line",
    ),
    unguarded(
        &["funnel.code_names_one_booking"],
        "ALTER TABLE bookings DROP CONSTRAINT bookings_confirmation_code_key",
        "UPDATE bookings SET confirmation_code = 'AAAAAAAAAA' WHERE hold_id IN ({later}, {cancelled})
         RETURNING booking_id::text AS line",
    ),
    breach(
        &["funnel.one_owner"],
        "UPDATE quotes SET user_id = {bob} WHERE quote_id = (SELECT quote_id FROM hold_items WHERE hold_id = {live})
         RETURNING concat_ws(' ', 'quote', quote_id) AS line",
    ),
    // The guest's key no longer answers with something of the guest's.
    breach(
        &["funnel.one_owner", "trail.answer_names_one_thing"],
        "UPDATE payments SET user_id = {bob} WHERE hold_id = {given_back}
         RETURNING concat_ws(' ', 'payment', payment_id) AS line",
    ),
    breach(
        &["funnel.deleted_hotel_expects_nobody"],
        "UPDATE hotels SET deleted_at = now() WHERE hotel_id = {other_hotel} RETURNING hotel_id::text AS line",
    ),
    // Money.
    breach(
        &["money.payment_is_what_is_due"],
        "UPDATE payments SET currency = 'USD' WHERE hold_id = {paying} RETURNING payment_id::text AS line",
    ),
    breach(
        &["money.payment_has_one_attempt"],
        "INSERT INTO payment_attempts (hotel_id, attempt_id, payment_id, provider, provider_key, payment_method,
                                       intent_id, recovery_point, lease_until)
         SELECT hotel_id, gen_random_uuid(), payment_id, 'other', 'other', 'card', 'other', 'settled', now()
         FROM payments WHERE hold_id = {given_back} RETURNING payment_id::text AS line",
    ),
    unguarded(
        &["money.one_payment_counts", "money.current_attempt_is_the_holds", "money.authorised_is_awaited"],
        "DROP INDEX payments_one_in_force_key",
        "UPDATE payments SET hold_id = {taken} WHERE hold_id = {paid} RETURNING hold_id::text AS line",
    ),
    breach(
        &["money.at_most_five_declines", "money.payment_is_what_is_due", "ledger.tax_is_the_quotes"],
        "UPDATE payments SET hold_id = {declined} WHERE hold_id = {booked} AND status = 'failed'
         RETURNING hold_id::text AS line",
    ),
    breach(
        &["money.current_attempt_is_the_holds"],
        "UPDATE holds h SET current_attempt = a.attempt_id
         FROM payment_attempts a JOIN payments p USING (hotel_id, payment_id)
         WHERE h.hold_id = {lapsed} AND p.hold_id = {given_back} RETURNING h.hold_id::text AS line",
    ),
    breach(
        &["money.open_payment_is_finished_by_somebody"],
        "UPDATE payment_attempts a SET recovery_point = 'settled' FROM payments p
         WHERE a.payment_id = p.payment_id AND hold_id = {paying} RETURNING a.payment_id::text AS line",
    ),
    breach(
        &["money.open_payment_is_finished_by_somebody"],
        "UPDATE payment_attempts a SET recovery_point = 'intent_stored' FROM payments p
         WHERE a.payment_id = p.payment_id AND hold_id = {paid} RETURNING a.payment_id::text AS line",
    ),
    breach(
        &["money.authorised_is_awaited"],
        "UPDATE jobs j SET done_at = now() FROM payments p
         WHERE j.subject_id = {returning} AND p.hold_id = j.subject_id RETURNING payment_id::text AS line",
    ),
    breach(
        &["money.booking_is_paid"],
        "UPDATE payments p SET capture_amount = capture_amount - 1 FROM bookings b
         WHERE p.hold_id = b.hold_id AND b.hold_id = {taking} RETURNING booking_id::text AS line",
    ),
    breach(
        &["money.penalty_is_by_the_terms"],
        "UPDATE bookings SET penalty = penalty - 1 WHERE hold_id = {penalised} RETURNING booking_id::text AS line",
    ),
    breach(
        &["money.penalty_is_by_the_terms"],
        "UPDATE bookings SET penalty = 0 WHERE hold_id = {absent} RETURNING booking_id::text AS line",
    ),
    // Cancelled in time, by the clock, and penalised all the same.
    breach(
        &["money.penalty_is_by_the_terms"],
        "UPDATE bookings SET cancelled_at = check_in + interval '1 day' WHERE hold_id = {penalised}
         RETURNING booking_id::text AS line",
    ),
    breach(
        &["money.captured_has_a_home"],
        "UPDATE holds h SET current_attempt = NULL FROM payments p
         WHERE h.hold_id = {taken} AND p.hold_id = h.hold_id RETURNING payment_id::text AS line",
    ),
    breach(
        &["money.captured_has_a_home", "ledger.refund_has_its_movements", "ledger.accounts_stand_as_they_may"],
        "UPDATE refunds r SET amount = r.amount - 1 FROM payments p
         WHERE r.payment_id = p.payment_id AND hold_id = {refunding} RETURNING r.payment_id::text AS line",
    ),
    breach(
        &[
            "money.refunds_are_within_the_capture",
            "money.captured_has_a_home",
            "ledger.refund_has_its_movements",
            "ledger.accounts_stand_as_they_may",
        ],
        "UPDATE refunds r SET amount = r.amount + 1 FROM payments p
         WHERE r.payment_id = p.payment_id AND hold_id = {refunding} RETURNING r.payment_id::text AS line",
    ),
    breach(
        &["money.what_is_pending_is_owed"],
        "UPDATE jobs SET done_at = now() WHERE kind <> 'give_back' AND done_at IS NULL
         RETURNING concat_ws(' ', kind, subject_id) AS line",
    ),
    breach(
        &["money.intent_is_the_attempts"],
        "UPDATE simulator_intents SET amount = amount + 1 WHERE metadata ->> 'hold_id' = {paid}
         RETURNING intent_id AS line",
    ),
    breach(
        &["money.intent_is_the_attempts"],
        "INSERT INTO simulator_intents (intent_id, status, amount, currency, payment_method, metadata)
         VALUES ('pi_stray', 'authorized', 1, 'EUR', 'pm_card_visa', '{}') RETURNING intent_id AS line",
    ),
    // Asked twice: of two intents of one payment the second is nobody's.
    breach(
        &["money.intent_is_the_attempts"],
        "WITH again AS (
             INSERT INTO simulator_intents (intent_id, status, amount, currency, payment_method, metadata)
             SELECT 'pi_again', status, amount, currency, payment_method, metadata
             FROM simulator_intents WHERE metadata ->> 'hold_id' = {paid} RETURNING intent_id
         )
         SELECT intent_id AS line FROM again
         UNION ALL SELECT intent_id FROM simulator_intents WHERE metadata ->> 'hold_id' = {paid}",
    ),
    breach(
        &["money.ledgers_agree"],
        "UPDATE simulator_intents i SET status = 'authorized' FROM payments p
         WHERE metadata ->> 'hold_id' = {given_back} AND hold_id = {given_back} RETURNING payment_id::text AS line",
    ),
    breach(
        &["money.ledgers_agree", "ledger.provider_is_the_providers_books"],
        "UPDATE simulator_intents i SET captured_amount = i.captured_amount - 1 FROM payments p
         WHERE metadata ->> 'hold_id' = {taken} AND hold_id = {taken} RETURNING payment_id::text AS line",
    ),
    // Declined for another reason; forgotten while the provider may still take it; refused, and taken all the same.
    breach(
        &["money.ledgers_agree"],
        "UPDATE payments SET failure_code = 'mood' WHERE hold_id = {booked} AND status = 'failed'
         RETURNING payment_id::text AS line",
    ),
    breach(
        &["money.ledgers_agree"],
        "UPDATE payment_attempts a SET recovery_point = 'settled' FROM payments p
         WHERE a.payment_id = p.payment_id AND hold_id = {abandoned} RETURNING a.payment_id::text AS line",
    ),
    breach(
        &["money.ledgers_agree"],
        "UPDATE simulator_intents i SET status = 'captured', captured_amount = 1 FROM payments p
         WHERE metadata ->> 'hold_id' = {refused} AND hold_id = {refused} RETURNING payment_id::text AS line",
    ),
    breach(
        &["money.ledgers_agree_on_refunds", "ledger.provider_is_the_providers_books"],
        "DELETE FROM simulator_refunds RETURNING idempotency_key AS line",
    ),
    breach(
        &["money.ledgers_agree_on_refunds"],
        "INSERT INTO simulator_refunds SELECT 'stray', intent_id, 1 FROM simulator_refunds LIMIT 1
         RETURNING idempotency_key AS line",
    ),
    // The ledger.
    breach(
        &["ledger.movement_balances"],
        "UPDATE ledger_lines l SET currency = 'USD' FROM payments p
         WHERE l.payment_id = p.payment_id AND hold_id = {taken} AND account = 'guest' RETURNING movement_id::text AS line",
    ),
    breach(
        &["ledger.movement_balances"],
        "UPDATE ledger_lines l SET amount = l.amount + 1 FROM payments p
         WHERE l.payment_id = p.payment_id AND hold_id = {taken} AND account = 'guest' RETURNING movement_id::text AS line",
    ),
    breach(
        &["ledger.payment_has_its_movements"],
        "WITH lost AS (
             DELETE FROM ledger_lines l USING payments p WHERE l.payment_id = p.payment_id AND hold_id = {taken}
         )
         SELECT payment_id::text AS line FROM payments WHERE hold_id = {taken}",
    ),
    // Not earned, and so still the guest's.
    breach(
        &["ledger.payment_has_its_movements", "ledger.accounts_stand_as_they_may"],
        "WITH lost AS (
             DELETE FROM ledger_lines l USING payments p
             WHERE l.payment_id = p.payment_id AND hold_id = {booked} AND kind = 'earned'
         )
         SELECT payment_id::text AS line FROM payments WHERE hold_id = {booked} AND status = 'captured'",
    ),
    breach(
        &["ledger.refund_has_its_movements", "ledger.provider_is_the_providers_books", "ledger.accounts_stand_as_they_may"],
        "WITH lost AS (
             DELETE FROM ledger_lines l USING payments p
             WHERE l.payment_id = p.payment_id AND hold_id = {refunded} AND kind = 'refunded' RETURNING refund_id
         )
         SELECT DISTINCT refund_id::text AS line FROM lost",
    ),
    // Taxes kept by the hotel.
    breach(
        &["ledger.accounts_stand_as_they_may"],
        "WITH moved AS (
             UPDATE ledger_lines l SET amount = l.amount + CASE account WHEN 'tax' THEN 1 ELSE -1 END FROM payments p
             WHERE l.payment_id = p.payment_id AND hold_id = {booked} AND kind = 'earned' AND account IN ('tax', 'hotel')
             RETURNING l.payment_id
         )
         SELECT DISTINCT payment_id::text AS line FROM moved",
    ),
    breach(
        &["ledger.provider_is_the_providers_books", "money.ledgers_agree_on_refunds"],
        "WITH lost AS (DELETE FROM simulator_refunds RETURNING intent_id)
         SELECT payment_id::text AS line FROM lost JOIN payment_attempts USING (intent_id)",
    ),
    breach(
        &["ledger.tax_is_the_quotes"],
        "UPDATE payments SET tax_amount = tax_amount + 1 WHERE hold_id = {paid} RETURNING payment_id::text AS line",
    ),
    // The trail.
    unguarded(
        &["trail.finished_key_has_its_answer"],
        "ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_finished_has_answer",
        "UPDATE idempotency_keys SET body = NULL WHERE location = '/api/v1/holds/' || {live}
         RETURNING concat_ws(' ', user_id, scope, key) AS line",
    ),
    unguarded(
        &["trail.finished_key_has_its_answer"],
        "ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_running_has_lease",
        "UPDATE idempotency_keys SET lease_until = NULL WHERE finished_at IS NULL
         RETURNING concat_ws(' ', user_id, scope, key) AS line",
    ),
    breach(
        &["trail.running_payment_key_has_its_attempt"],
        "UPDATE idempotency_keys SET resource_id = gen_random_uuid() WHERE finished_at IS NULL
         RETURNING concat_ws(' ', user_id, scope, key) AS line",
    ),
    breach(
        &["trail.answer_names_one_thing"],
        "UPDATE idempotency_keys SET location = '/api/v1/holds/' || gen_random_uuid()
         WHERE location = '/api/v1/holds/' || {live} RETURNING concat_ws(' ', user_id, scope, key) AS line",
    ),
    breach(
        &["trail.answer_names_one_thing"],
        "WITH again AS (
             INSERT INTO idempotency_keys
             SELECT user_id, scope, 'another key', body_hash, status, body, location, lease_until, epoch, hotel_id,
                 resource_id, created_at, finished_at
             FROM idempotency_keys WHERE location = '/api/v1/holds/' || {live} RETURNING user_id, scope, key
         )
         SELECT concat_ws(' ', user_id, scope, key) AS line FROM again
         UNION ALL SELECT concat_ws(' ', user_id, scope, key) FROM idempotency_keys
         WHERE location = '/api/v1/holds/' || {live}",
    ),
    breach(
        &["trail.hold_has_its_events"],
        "DELETE FROM outbox_events WHERE topic = 'hold.released' AND subject_id = {given_back}
         RETURNING subject_id::text AS line",
    ),
    breach(
        &["trail.hold_has_its_events"],
        "UPDATE outbox_events SET topic = 'hold.active' WHERE topic = 'hold.paying' AND subject_id = {paid}
         RETURNING subject_id::text AS line",
    ),
    breach(
        &["trail.hold_has_its_events"],
        "UPDATE holds SET version = 1 WHERE hold_id = {paid} RETURNING hold_id::text AS line",
    ),
    breach(
        &["trail.payment_has_its_events"],
        "DELETE FROM outbox_events WHERE topic = 'payment.initiated'
            AND subject_id = (SELECT payment_id FROM payments WHERE hold_id = {given_back})
         RETURNING subject_id::text AS line",
    ),
    breach(
        &["trail.payment_has_its_events"],
        "UPDATE outbox_events SET topic = 'payment.authorized' WHERE topic = 'payment.voided'
            AND subject_id = (SELECT payment_id FROM payments WHERE hold_id = {given_back})
         RETURNING subject_id::text AS line",
    ),
    breach(
        &["trail.refund_has_its_events"],
        "DELETE FROM outbox_events WHERE topic = 'refund.pending' RETURNING subject_id::text AS line",
    ),
    breach(
        &["trail.booking_has_its_events"],
        "DELETE FROM outbox_events WHERE topic = 'booking.cancelled' RETURNING subject_id::text AS line",
    ),
    breach(
        &["trail.event_has_its_subject"],
        "INSERT INTO outbox_events (hotel_id, event_id, topic, subject_id, payload)
         VALUES ({other_hotel}, gen_random_uuid(), 'hold.active', gen_random_uuid(), '{}')
         RETURNING event_id::text AS line",
    ),
    breach(
        &["trail.job_has_its_subject"],
        "UPDATE jobs SET subject_id = gen_random_uuid() WHERE done_at IS NOT NULL AND kind = 'capture'
         RETURNING job_id::text AS line",
    ),
    unguarded(
        &["trail.job_has_its_subject"],
        "DROP INDEX jobs_open_key",
        "WITH again AS (
             INSERT INTO jobs (hotel_id, job_id, kind, subject_id, lane)
             SELECT hotel_id, gen_random_uuid(), kind, subject_id, lane FROM jobs WHERE subject_id = {returning}
             RETURNING job_id
         )
         SELECT job_id::text AS line FROM again
         UNION ALL SELECT job_id::text FROM jobs WHERE subject_id = {returning}",
    ),
    breach(
        &["trail.session_has_its_tokens"],
        "UPDATE sessions SET generation = generation + 1 RETURNING session_id::text AS line",
    ),
    breach(
        &["trail.user_is_there"],
        "INSERT INTO hotel_members (hotel_id, user_id) VALUES ({other_hotel}, gen_random_uuid())
         RETURNING user_id::text AS line",
    ),
    breach(
        &["audit.seal_follows_the_one_before"],
        "UPDATE audit_entries e SET after = jsonb_set(after, '{amount}', '1') FROM audit_seals s
         WHERE e.resource = 'refund' AND s.audit_id = e.audit_id RETURNING concat_ws(' ', s.hotel_id, s.seq) AS line",
    ),
    // Not even when, by whom, or from where; and not by a word moved from one field to another.
    breach(
        &["audit.seal_follows_the_one_before"],
        "UPDATE audit_entries e SET created_at = created_at + interval '1 microsecond' FROM audit_seals s
         WHERE e.resource = 'booking' AND s.audit_id = e.audit_id RETURNING concat_ws(' ', s.hotel_id, s.seq) AS line",
    ),
    breach(
        &["audit.seal_follows_the_one_before"],
        "UPDATE audit_entries e SET action = action || left(e.resource, 1), resource = substr(e.resource, 2)
         FROM audit_seals s WHERE e.resource = 'booking' AND s.audit_id = e.audit_id
         RETURNING concat_ws(' ', s.hotel_id, s.seq) AS line",
    ),
    breach(
        &["audit.seal_follows_the_one_before"],
        "UPDATE audit_entries e SET actor_id = NULL FROM audit_seals s
         WHERE e.action = 'signed_in' AND s.seq = 2 AND s.audit_id = e.audit_id
         RETURNING concat_ws(' ', s.hotel_id, s.seq) AS line",
    ),
    // An entry is missing, its seal is not.
    breach(
        &["audit.seal_follows_the_one_before"],
        "DELETE FROM audit_entries e USING audit_seals s WHERE e.resource = 'refund' AND s.audit_id = e.audit_id
         RETURNING concat_ws(' ', s.hotel_id, s.seq) AS line",
    ),
    // It is missing with its seal: the next one follows nothing.
    breach(
        &["audit.seal_follows_the_one_before"],
        "WITH lost AS (
             DELETE FROM audit_seals WHERE hotel_id = {no_hotel} AND seq = 1 RETURNING hotel_id, audit_id
         ), unsaid AS (
             DELETE FROM audit_entries e USING lost WHERE e.hotel_id = lost.hotel_id AND e.audit_id = lost.audit_id
         )
         SELECT concat_ws(' ', hotel_id, 2) AS line FROM lost",
    ),
    // It was put in the place of another.
    breach(
        &["audit.seal_follows_the_one_before"],
        "WITH put AS (UPDATE audit_seals SET hash = sha256('') WHERE hotel_id = {no_hotel} AND seq = 1 RETURNING hotel_id)
         SELECT concat_ws(' ', hotel_id, generate_series(1, 2)) AS line FROM put",
    ),
    breach(
        &["audit.head_is_the_last_seal"],
        "WITH cut AS (
             DELETE FROM audit_seals s USING audit_heads h
             WHERE s.hotel_id = {no_hotel} AND h.hotel_id = s.hotel_id AND s.seq = h.seq RETURNING s.hotel_id, s.audit_id
         ), unsaid AS (
             DELETE FROM audit_entries e USING cut WHERE e.hotel_id = cut.hotel_id AND e.audit_id = cut.audit_id
         )
         SELECT hotel_id::text AS line FROM cut",
    ),
    breach(
        &["audit.head_is_the_last_seal"],
        "DELETE FROM audit_heads WHERE hotel_id = {no_hotel} RETURNING hotel_id::text AS line",
    ),
    // The whole chain is gone.
    breach(
        &["audit.head_is_the_last_seal"],
        "WITH seals AS (DELETE FROM audit_seals WHERE hotel_id = {no_hotel}),
         entries AS (DELETE FROM audit_entries WHERE hotel_id = {no_hotel})
         SELECT {no_hotel} AS line",
    ),
    // Slipped in past the log.
    breach(
        &["audit.entry_is_sealed"],
        "INSERT INTO audit_entries (hotel_id, audit_id, action, resource)
         VALUES ({other_hotel}, gen_random_uuid(), 'changed', 'hotel')
         RETURNING concat_ws(' ', hotel_id, audit_id) AS line",
    ),
    breach(
        &["audit.entry_is_sealed"],
        "INSERT INTO audit_unsealed SELECT hotel_id, audit_id FROM audit_seals WHERE hotel_id = {no_hotel} AND seq = 1
         RETURNING concat_ws(' ', hotel_id, audit_id) AS line",
    ),
    breach(
        &["audit.entry_is_sealed"],
        "INSERT INTO audit_unsealed VALUES ({other_hotel}, gen_random_uuid())
         RETURNING concat_ws(' ', hotel_id, audit_id) AS line",
    ),
    // The sealer is not there.
    breach(
        &["audit.entry_is_sealed_in_time"],
        "WITH entry AS (
             INSERT INTO audit_entries (hotel_id, audit_id, action, resource, created_at)
             VALUES ({other_hotel}, gen_random_uuid(), 'changed', 'hotel', clock_timestamp() - interval '61 minutes')
             RETURNING hotel_id, audit_id
         ), waiting AS (INSERT INTO audit_unsealed SELECT * FROM entry)
         SELECT concat_ws(' ', hotel_id, audit_id) AS line FROM entry",
    ),
    // Nobody is left: each admin is disabled; is an admin no more; may do nothing.
    breach(
        &["access.somebody_administers"],
        "WITH gone AS (
             UPDATE users u SET disabled_at = clock_timestamp() FROM user_roles r
             WHERE r.user_id = u.user_id AND role = 'admin' RETURNING u.user_id
         )
         SELECT unnest(ARRAY['role admin', 'permission users:write']) AS line FROM gone",
    ),
    breach(
        &["access.somebody_administers"],
        "WITH gone AS (DELETE FROM user_roles WHERE role = 'admin' RETURNING user_id)
         SELECT unnest(ARRAY['role admin', 'permission users:write']) AS line FROM gone",
    ),
    breach(
        &["access.somebody_administers"],
        "DELETE FROM role_permissions WHERE permission = 'users:write' RETURNING 'permission ' || permission AS line",
    ),
    breach(
        &["trail.id_is_of_one_hotel"],
        "INSERT INTO quotes
         SELECT {other_hotel}, quote_id, user_id, room_type_id, rate_plan_id, check_in, check_out, adults, children_ages,
             rooms, currency, total, due_now, due_at_property, price, priced_from, expires_at, created_at
         FROM quotes WHERE quote_id = (SELECT quote_id FROM hold_items WHERE hold_id = {live})
         RETURNING quote_id::text AS line",
    ),
];
