//! The database's own refusals: every named CHECK and unique rule, breached once.

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::Error;

use crate::migrations::lines;
use crate::support::{Guest, Hotel, TestApp};

/// Rows that a guest's walk leaves no trace in, and a state of the payment that no background job changes.
const MORE_ROWS: &str = "
    INSERT INTO rooms (hotel_id, room_id, room_type_id, number)
        SELECT hotel_id, gen_random_uuid(), room_type_id, '101' FROM room_types;
    UPDATE booking_nights b SET room_id = r.room_id FROM rooms r;
    INSERT INTO rate_plans (hotel_id, rate_plan_id, name, meal_plan, payment_policy, derived_from, derived_percent)
        SELECT hotel_id, gen_random_uuid(), 'Derived', meal_plan, payment_policy, rate_plan_id, -10 FROM rate_plans;
    INSERT INTO child_bands SELECT hotel_id, rate_plan_id, 5, 100 FROM rate_plans;
    INSERT INTO taxes (hotel_id, tax_id, name, percent, kind, included, due)
        SELECT hotel_id, gen_random_uuid(), 'VAT', 10, 'percent', true, 'now' FROM hotels;
    UPDATE payments SET status = 'capture_pending', capture_amount = amount, captured_amount = 0;
    INSERT INTO refunds (hotel_id, refund_id, payment_id, amount, reason, provider_key)
        SELECT hotel_id, gen_random_uuid(), payment_id, 1, 'staff', 'key' FROM payments;
    INSERT INTO ledger_lines (hotel_id, movement_id, account, kind, amount, currency, payment_id)
        SELECT hotel_id, gen_random_uuid(), 'guest', 'captured', 1, currency, payment_id FROM payments;
    INSERT INTO ledger_lines (hotel_id, movement_id, account, kind, amount, currency, payment_id, refund_id)
        SELECT hotel_id, gen_random_uuid(), 'guest', 'refunded', 1, 'EUR', payment_id, refund_id FROM refunds;
    INSERT INTO simulator_refunds (idempotency_key, intent_id, amount)
        SELECT 'key', intent_id, 1 FROM simulator_intents;
    INSERT INTO jobs (hotel_id, job_id, kind, subject_id, lane)
        SELECT hotel_id, gen_random_uuid(), 'refund', gen_random_uuid(), gen_random_uuid() FROM hotels;
    UPDATE simulator_intents SET action_token = 'token';
    INSERT INTO webhook_events (provider, event_id, event_type, body, status) VALUES ('test', 'evt', 'test', '{}', 'applied');
    INSERT INTO audit_entries (hotel_id, audit_id, action, resource)
        SELECT hotel_id, gen_random_uuid(), 'test', 'hotel' FROM hotels;
    INSERT INTO audit_seals SELECT hotel_id, audit_id, 1, sha256('') FROM audit_entries WHERE resource = 'hotel';
    INSERT INTO audit_heads SELECT hotel_id, seq, hash FROM audit_seals ON CONFLICT DO NOTHING;";

/// A rule, and a statement that it refuses.
const BREACHES: &[(&str, &str)] = &[
    ("audit_heads_hash_length", "UPDATE audit_heads SET hash = 'short'"),
    ("audit_heads_seq_natural", "UPDATE audit_heads SET seq = -1"),
    ("audit_seals_entry_key", "INSERT INTO audit_seals SELECT hotel_id, audit_id, seq + 1000, hash FROM audit_seals"),
    ("audit_seals_hash_length", "UPDATE audit_seals SET hash = 'short'"),
    ("audit_seals_seq_positive", "UPDATE audit_seals SET seq = 0"),
    ("booking_nights_room_key", ANOTHER_ROOM_IN_THE_SAME_BED),
    ("booking_rooms_stay_range", "UPDATE booking_rooms SET check_out = check_in"),
    ("bookings_amounts_add_up", "UPDATE bookings SET total = total + 1"),
    ("bookings_cancelled_has_time", "UPDATE bookings SET cancelled_at = now()"),
    ("bookings_confirmation_code_key", ANOTHER_BOOKING_OF_THE_SAME_CODE),
    ("bookings_hold_key", ANOTHER_BOOKING_OF_THE_SAME_HOLD),
    ("bookings_penalty_has_reason", "UPDATE bookings SET penalty = 0"),
    ("bookings_penalty_range", "UPDATE bookings SET status = 'no_show', penalty = total + 1"),
    ("bookings_status_known", "UPDATE bookings SET status = 'paid'"),
    ("bookings_stay_range", "UPDATE bookings SET check_out = check_in"),
    ("cancellation_tiers_amount_range", "UPDATE cancellation_tiers SET penalty_percent = NULL, penalty_amount = -1"),
    ("cancellation_tiers_hours_range", "UPDATE cancellation_tiers SET until_hours_before_check_in = -1"),
    ("cancellation_tiers_nights_range", "UPDATE cancellation_tiers SET penalty_percent = NULL, penalty_nights = 100"),
    ("cancellation_tiers_one_penalty", "UPDATE cancellation_tiers SET penalty_amount = 1"),
    ("cancellation_tiers_percent_range", "UPDATE cancellation_tiers SET penalty_percent = 101"),
    ("child_bands_age_range", "UPDATE child_bands SET max_age = 18"),
    ("child_bands_amount_range", "UPDATE child_bands SET amount = -1"),
    ("hold_items_quote_key", "INSERT INTO hold_items SELECT hotel_id, hold_id, 2, quote_id FROM hold_items"),
    ("hold_items_range", "UPDATE hold_items SET item_no = 10"),
    ("hold_nights_rooms_positive", "UPDATE hold_nights SET rooms = 0"),
    ("holds_amounts_add_up", "UPDATE holds SET total = total + 1"),
    ("holds_converted_has_booking", "UPDATE holds SET booking_id = NULL"),
    ("holds_converted_has_booking", "UPDATE holds SET status = 'active'"),
    ("holds_extended_once", "UPDATE holds SET extensions = 2"),
    (
        "holds_paying_has_attempt",
        "UPDATE holds SET status = 'paying', booking_id = NULL, paying_until = now(), current_attempt = NULL",
    ),
    ("holds_paying_has_deadline", "UPDATE holds SET status = 'active', booking_id = NULL, paying_until = now()"),
    ("holds_status_known", "UPDATE holds SET status = 'lost', booking_id = NULL"),
    ("hotels_country_iso", "UPDATE hotels SET country = 'fr'"),
    ("hotels_currency_iso", "UPDATE hotels SET currency = 'euro'"),
    ("hotels_horizon_range", "UPDATE hotels SET horizon_days = 751"),
    ("hotels_lat_range", "UPDATE hotels SET lat = 91"),
    ("hotels_location_whole", "UPDATE hotels SET lat = NULL"),
    ("hotels_lon_range", "UPDATE hotels SET lon = -181"),
    ("hotels_stars_range", "UPDATE hotels SET stars = 6"),
    ("idempotency_keys_finished_has_answer", "UPDATE idempotency_keys SET body = NULL"),
    (
        "idempotency_keys_running_has_lease",
        "UPDATE idempotency_keys SET finished_at = NULL, status = NULL, body = NULL, lease_until = NULL",
    ),
    ("idempotency_keys_status_range", "UPDATE idempotency_keys SET status = 503"),
    ("inventory_allowance_range", "UPDATE inventory SET allowance = -1"),
    ("inventory_capacity_range", "UPDATE inventory SET capacity = -1"),
    ("inventory_never_oversold", "UPDATE inventory SET sold = capacity - out_of_service + allowance + 1"),
    ("inventory_never_oversold", "UPDATE inventory SET held = held + 1 WHERE sold = capacity"),
    ("inventory_never_oversold", "UPDATE inventory SET capacity = sold - 1 WHERE sold > 0"),
    ("inventory_never_oversold", "UPDATE inventory SET out_of_service = 1 WHERE sold > 0"),
    ("inventory_never_oversold", "UPDATE inventory SET held = -1"),
    ("inventory_never_oversold", "UPDATE inventory SET held = 2, sold = -1"),
    ("inventory_out_of_service_natural", "UPDATE inventory SET out_of_service = -1"),
    ("jobs_kind_known", "UPDATE jobs SET kind = 'dance'"),
    (
        "jobs_open_key",
        "INSERT INTO jobs (hotel_id, job_id, kind, subject_id, lane)
         SELECT hotel_id, gen_random_uuid(), kind, subject_id, lane FROM jobs WHERE done_at IS NULL",
    ),
    ("payment_attempts_intent_known", "UPDATE payment_attempts SET recovery_point = 'intent_stored', intent_id = NULL"),
    (
        "payment_attempts_provider_key",
        "INSERT INTO payment_attempts (hotel_id, attempt_id, payment_id, provider, provider_key, payment_method, lease_until)
         SELECT hotel_id, gen_random_uuid(), payment_id, provider, provider_key, payment_method, now() FROM payment_attempts",
    ),
    ("payment_attempts_recovery_point_known", "UPDATE payment_attempts SET recovery_point = 'lost'"),
    ("payments_amount_positive", "UPDATE payments SET amount = 0"),
    ("ledger_lines_account_known", "UPDATE ledger_lines SET account = 'nobody'"),
    ("ledger_lines_amount_nonzero", "UPDATE ledger_lines SET amount = 0"),
    ("ledger_lines_kind_known", "UPDATE ledger_lines SET kind = 'lost'"),
    ("ledger_lines_payment_key", ANOTHER_LEDGER_LINE),
    ("ledger_lines_refund_key", ANOTHER_LEDGER_LINE_OF_A_REFUND),
    ("ledger_lines_refund_named", "UPDATE ledger_lines SET refund_id = NULL"),
    ("payments_capture_has_amount", "UPDATE payments SET capture_amount = NULL"),
    ("payments_capture_range", "UPDATE payments SET capture_amount = amount + 1"),
    ("payments_captured_has_amount", "UPDATE payments SET status = 'captured'"),
    ("payments_captured_range", "UPDATE payments SET captured_amount = -1"),
    (
        "payments_one_in_force_key",
        "INSERT INTO payments (hotel_id, payment_id, hold_id, user_id, amount, tax_amount, currency)
         SELECT hotel_id, gen_random_uuid(), hold_id, user_id, amount, 0, currency FROM payments",
    ),
    ("payments_tax_range", "UPDATE payments SET tax_amount = amount + 1"),
    ("payments_status_known", "UPDATE payments SET status = 'lost'"),
    ("quotes_amounts_add_up", "UPDATE quotes SET due_now = due_now + 1"),
    ("quotes_rooms_range", "UPDATE quotes SET rooms = 10"),
    ("quotes_stay_range", "UPDATE quotes SET check_out = check_in + 100"),
    ("rate_plans_advance_range", "UPDATE rate_plans SET min_advance_days = 5, max_advance_days = 4"),
    ("rate_plans_derivation_whole", "UPDATE rate_plans SET derived_amount = 1"),
    (
        "rate_plans_derived_from_base",
        "INSERT INTO rate_plans (hotel_id, rate_plan_id, name, meal_plan, payment_policy, derived_from, derived_percent)
         SELECT hotel_id, gen_random_uuid(), 'Chain', meal_plan, payment_policy, rate_plan_id, 1
         FROM rate_plans WHERE is_derived",
    ),
    ("rate_plans_derived_percent_range", "UPDATE rate_plans SET derived_percent = -100 WHERE is_derived"),
    (
        "rate_plans_derived_amount_range",
        "INSERT INTO rate_plans (hotel_id, rate_plan_id, name, meal_plan, payment_policy, derived_from, derived_amount)
         SELECT hotel_id, gen_random_uuid(), 'x', meal_plan, payment_policy, rate_plan_id, 100000000001 FROM rate_plans",
    ),
    ("rate_plans_max_advance_natural", "UPDATE rate_plans SET max_advance_days = -1"),
    ("rate_plans_max_stay_range", "UPDATE rate_plans SET max_stay = 100"),
    ("rate_plans_meal_plan_known", "UPDATE rate_plans SET meal_plan = 'crumbs'"),
    ("rate_plans_min_advance_natural", "UPDATE rate_plans SET min_advance_days = -1"),
    ("rate_plans_min_stay_range", "UPDATE rate_plans SET min_stay = 0"),
    ("rate_plans_payment_policy_known", "UPDATE rate_plans SET payment_policy = 'never'"),
    ("rate_plans_stay_range", "UPDATE rate_plans SET min_stay = 5, max_stay = 4"),
    ("rates_max_stay_range", "UPDATE rates SET max_stay = 100"),
    ("rates_min_stay_range", "UPDATE rates SET min_stay = 0"),
    ("rates_price_range", "UPDATE rates SET price = -1"),
    (
        "refresh_tokens_hash_key",
        "INSERT INTO refresh_tokens SELECT user_id, session_id, generation + 9, token_hash FROM refresh_tokens",
    ),
    ("refunds_amount_positive", "UPDATE refunds SET amount = 0"),
    ("refunds_failed_has_code", "UPDATE refunds SET failure_code = 'none'"),
    (
        "refunds_provider_key",
        "INSERT INTO refunds (hotel_id, refund_id, payment_id, amount, reason, provider_key)
         SELECT hotel_id, gen_random_uuid(), payment_id, 1, 'staff', provider_key FROM refunds",
    ),
    ("refunds_reason_known", "UPDATE refunds SET reason = 'whim'"),
    ("refunds_status_known", "UPDATE refunds SET status = 'lost'"),
    ("room_types_max_adults_positive", "UPDATE room_types SET max_adults = 0"),
    ("room_types_max_children_natural", "UPDATE room_types SET max_children = -1"),
    ("room_types_max_occupancy_positive", "UPDATE room_types SET max_occupancy = 0"),
    (
        "rooms_number_key",
        "INSERT INTO rooms (hotel_id, room_id, room_type_id, number)
         SELECT hotel_id, gen_random_uuid(), room_type_id, number FROM rooms",
    ),
    ("rooms_status_known", "UPDATE rooms SET status = 'haunted'"),
    ("sessions_generation_positive", "UPDATE sessions SET generation = 0"),
    ("sessions_revocation_has_reason", "UPDATE sessions SET revoked_at = now()"),
    ("sessions_revoked_because_known", "UPDATE sessions SET revoked_at = now(), revoked_because = 'mood'"),
    ("simulator_intents_amount_positive", "UPDATE simulator_intents SET amount = 0"),
    ("simulator_intents_captured_range", "UPDATE simulator_intents SET captured_amount = amount + 1"),
    (
        "simulator_intents_action_token_key",
        "INSERT INTO simulator_intents (intent_id, status, amount, currency, payment_method, metadata, action_token)
         SELECT 'other', status, amount, currency, payment_method, metadata, action_token FROM simulator_intents",
    ),
    ("simulator_intents_status_known", "UPDATE simulator_intents SET status = 'lost'"),
    ("simulator_refunds_amount_positive", "UPDATE simulator_refunds SET amount = 0"),
    ("simulator_requests_running_is_due", "UPDATE simulator_requests SET answer = NULL"),
    ("taxes_amount_range", "UPDATE taxes SET kind = 'per_night', percent = NULL, amount = -1"),
    ("taxes_due_known", "UPDATE taxes SET due = 'never'"),
    ("taxes_kind_known", "UPDATE taxes SET kind = 'flat'"),
    ("taxes_percent_range", "UPDATE taxes SET percent = 101"),
    ("taxes_value_fits_kind", "UPDATE taxes SET amount = 1"),
    ("token_keys_generation_positive", "UPDATE token_keys SET generation = 0"),
    ("token_keys_one_lasting", "INSERT INTO token_keys (generation) VALUES (2)"),
    ("throttles_failures_natural", "UPDATE throttles SET failures = -1"),
    ("throttles_subject_known", "UPDATE throttles SET subject = 'mood'"),
    (
        "users_email_key",
        "INSERT INTO users (user_id, email, email_key, full_name, password_hash)
         SELECT gen_random_uuid(), 'other', email_key, full_name, password_hash FROM users",
    ),
    ("webhook_events_kept_has_reason", "UPDATE webhook_events SET status = 'quarantined', reason = NULL"),
    ("webhook_events_parked_is_retried", "UPDATE webhook_events SET status = 'parked', reason = 'test'"),
    ("webhook_events_status_known", "UPDATE webhook_events SET status = 'lost'"),
];

const ANOTHER_ROOM_IN_THE_SAME_BED: &str = "
    WITH another AS (
        INSERT INTO booking_rooms SELECT hotel_id, gen_random_uuid(), booking_id, quote_id, room_type_id, rate_plan_id,
                                         check_in, check_out, adults, children_ages, price FROM booking_rooms
        RETURNING hotel_id, booking_room_id)
    INSERT INTO booking_nights SELECT hotel_id, a.booking_room_id, stay_date, room_type_id, room_id
                               FROM booking_nights JOIN another a USING (hotel_id)";

const ANOTHER_LEDGER_LINE: &str = "
    INSERT INTO ledger_lines SELECT hotel_id, gen_random_uuid(), account, kind, amount, currency, payment_id, refund_id
                             FROM ledger_lines WHERE refund_id IS NULL";

const ANOTHER_LEDGER_LINE_OF_A_REFUND: &str = "
    INSERT INTO ledger_lines SELECT hotel_id, gen_random_uuid(), account, kind, amount, currency, payment_id, refund_id
                             FROM ledger_lines WHERE refund_id IS NOT NULL";

const ANOTHER_BOOKING_OF_THE_SAME_HOLD: &str = "
    INSERT INTO bookings (hotel_id, booking_id, hold_id, user_id, confirmation_code, guest_full_name, guest_email,
                          guest_email_key, check_in, check_out, currency, total, due_now, due_at_property)
    SELECT hotel_id, gen_random_uuid(), hold_id, user_id, 'OTHER', guest_full_name, guest_email,
           guest_email_key, check_in, check_out, currency, total, due_now, due_at_property FROM bookings";

const ANOTHER_BOOKING_OF_THE_SAME_CODE: &str = "
    WITH another AS (
        INSERT INTO holds (hotel_id, hold_id, user_id, currency, total, due_now, due_at_property, expires_at)
        SELECT hotel_id, gen_random_uuid(), user_id, currency, total, due_now, due_at_property, expires_at FROM holds
        RETURNING hotel_id, hold_id)
    INSERT INTO bookings (hotel_id, booking_id, hold_id, user_id, confirmation_code, guest_full_name, guest_email,
                          guest_email_key, check_in, check_out, currency, total, due_now, due_at_property)
    SELECT hotel_id, gen_random_uuid(), a.hold_id, user_id, confirmation_code, guest_full_name, guest_email,
           guest_email_key, check_in, check_out, currency, total, due_now, due_at_property
    FROM bookings JOIN another a USING (hotel_id)";

/// Cannot be breached alone, and why.
const UNBREACHABLE: &[(&str, &str)] = &[
    ("rate_plans_derivation_key", "contains the primary key; it is there to be referred to"),
    ("hotels_time_zone_known", "an unknown zone ends its evaluation with an error of its own, which refuses as well"),
];

/// A database in which every table with a rule has a row.
async fn walked() -> TestApp {
    let mut app = TestApp::start().await;
    let hotel = Hotel::one_room(&app);
    let ada = Guest::register(&app, "ada@example.com").await;
    let hold = ada.held(&hotel.id(), &hotel.stay(3, 5)).await;
    ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    ada.confirm(&hold["hold_id"]).await.ok(201);
    app.stop();
    app.connect().batch_execute(MORE_ROWS).expect("more rows");
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn every_named_rule_refuses_its_breach() {
    let app = walked().await;
    let mut conn = app.connect();
    let mut wrong = Vec::new();
    for (rule, breach) in BREACHES {
        let outcome = conn.transaction::<(), Error, _>(|conn| {
            let touched = diesel::sql_query(*breach).execute(conn)?;
            panic!("{rule} let {touched} rows through: {breach}");
        });
        match outcome {
            Err(Error::DatabaseError(_, info)) if info.constraint_name() == Some(rule) => {}
            other => wrong.push(format!("{rule}: {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "refused by something else:\n{}", wrong.join("\n"));
}

#[test]
fn no_rule_is_without_a_breach() {
    let database = crate::support::database::Database::create(crate::support::database::Start::Migrated);
    let rules = lines(
        &mut database.connect(),
        "SELECT conname::text AS line FROM pg_constraint
         WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'u', 'x')
         UNION SELECT relname::text FROM pg_index JOIN pg_class ON oid = indexrelid
         WHERE indisunique AND NOT indisprimary AND relnamespace = 'public'::regnamespace",
    );
    let known: BTreeSet<&str> = BREACHES.iter().chain(UNBREACHABLE).map(|(rule, _)| *rule).collect();
    let untried: Vec<_> = rules.iter().filter(|rule| !known.contains(rule.as_str())).collect();
    assert!(untried.is_empty(), "add a breach to BREACHES for {untried:?}");
}
