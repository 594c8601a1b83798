//! Money that the provider takes without being asked: it ends in a booking, or is given back once.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Guest, Hotel, Start, TestApp};

/// What the provider captures of its own accord.
const ALL: &str = "amount";
const HALF: &str = "amount / 2";

/// What was told of an answer that is waited for again.
const UNTOLD: &str = "
    UPDATE outbox_events SET topic = 'payment.processing' WHERE topic = 'payment.authorized';
    DELETE FROM outbox_events WHERE event_id = (
        SELECT event_id FROM outbox_events WHERE topic = 'hold.active' ORDER BY created_at DESC LIMIT 1);
    UPDATE holds SET version = version - 1;";

const DEAD_CALL: &str = "a-key-of-a-dead-call";

/// No answer was stored under its key, and its lease has run out.
const UNANSWERED: &str = "
    UPDATE idempotency_keys SET status = NULL, body = NULL, location = NULL, finished_at = NULL,
        lease_until = clock_timestamp() - interval '1 second' WHERE key = 'a-key-of-a-dead-call';";

async fn paid(app: &TestApp, ada: &Guest) -> Value {
    let hotel = Hotel::one_room(app);
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    app.all_told().await;
    hold["hold_id"].clone()
}

/// A payment under a key whose caller got no answer; what was sent.
async fn paid_by_a_dead_call(app: &TestApp, ada: &Guest) -> Value {
    let hotel = Hotel::one_room(app);
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    let body = json!({ "hold_id": hold["hold_id"], "payment_method": "pm_card_visa" });
    ada.post_keyed("/payments", DEAD_CALL, body.clone()).await.ok(201);
    app.all_told().await;
    body
}

/// The payment, its hold and its attempt put back to where the provider's answer is waited for.
fn await_answer(app: &TestApp, captured: &str, paying_until: &str, lease: &str) {
    app.execute(&format!(
        "BEGIN;
         UPDATE simulator_intents SET status = 'captured', captured_amount = {captured};
         {UNTOLD}
         UPDATE payments SET status = 'processing';
         UPDATE holds SET status = 'paying', paying_until = clock_timestamp() + interval '{paying_until}';
         UPDATE payment_attempts SET recovery_point = 'intent_stored', lease_until = clock_timestamp() + interval '{lease}';
         COMMIT;"
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_that_the_hold_waits_for_pays_it() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hold_id = paid(&app, &ada).await;
    await_answer(&app, ALL, "2 minutes", "-1 second");
    app.eventually("SELECT status FROM payments", "captured").await;
    assert_eq!(app.text("SELECT status FROM holds"), "active");
    app.verified();
    ada.pay(&hold_id, "pm_card_visa").await.problem(409, "already_paid");
    ada.confirm(&hold_id).await.ok(201);
    assert_eq!((app.rows("payments"), app.rows("refunds")), (1, 0));
    assert_eq!(app.number("SELECT count(*) FROM jobs WHERE done_at IS NULL"), 0);
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_for_a_hold_that_was_given_back_is_refunded_once() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hold_id = paid(&app, &ada).await;
    app.execute("UPDATE simulator_intents SET status = 'captured', captured_amount = amount");
    let path = format!("/holds/{}", hold_id.as_str().expect("an id"));
    ada.delete(&path).await.ok(204);
    app.eventually("SELECT coalesce(string_agg(status, ','), '') FROM refunds", "succeeded").await;
    assert_eq!(app.text("SELECT status FROM payments"), "captured");
    ada.delete(&path).await.ok(204);
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(app.number("SELECT sum(amount)::bigint FROM simulator_refunds"), 20_000);
    assert_eq!(app.rows("simulator_refunds"), 1);
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_capture_is_refunded_and_the_hold_can_be_paid_anew() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hold_id = paid(&app, &ada).await;
    // Whoever had the attempt still has its lease, so no worker finds the money before the guest pays again.
    await_answer(&app, ALL, "-1 second", "1 hour");
    ada.pay(&hold_id, "pm_card_visa").await.ok(201);
    app.execute("UPDATE payment_attempts SET lease_until = clock_timestamp() WHERE recovery_point <> 'settled'");
    app.eventually("SELECT coalesce(string_agg(status, ','), '') FROM refunds", "succeeded").await;
    ada.confirm(&hold_id).await.ok(201);
    app.eventually("SELECT string_agg(status, ',' ORDER BY payment_id) FROM payments", "captured,captured").await;
    assert_eq!(app.number("SELECT sum(captured_amount)::bigint FROM payments"), 40_000);
    assert_eq!(app.number("SELECT sum(amount)::bigint FROM simulator_refunds"), 20_000);
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_after_an_abandoned_attempt_is_told_that_the_hold_goes_on() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let body = paid_by_a_dead_call(&app, &ada).await;
    app.execute(&format!(
        "BEGIN;
         {UNTOLD}
         {UNANSWERED}
         UPDATE simulator_intents SET status = 'requires_confirmation';
         UPDATE payments SET status = 'processing';
         UPDATE holds SET status = 'paying', paying_until = clock_timestamp() - interval '1 second';
         UPDATE payment_attempts SET recovery_point = 'intent_stored', lease_until = clock_timestamp() + interval '1 hour';
         COMMIT;"
    ));
    ada.post_keyed("/payments", DEAD_CALL, body.clone()).await.problem(409, "payment_abandoned");
    assert_eq!(app.text("SELECT status FROM simulator_intents"), "voided");
    ada.pay(&body["hold_id"], "pm_card_visa").await.ok(201);
    ada.confirm(&body["hold_id"]).await.ok(201);
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_what_is_due_pays_no_hold() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hold_id = paid(&app, &ada).await;
    await_answer(&app, HALF, "2 minutes", "-1 second");
    app.eventually("SELECT count(*) FROM payment_attempts WHERE epoch > 1", "1").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(app.text("SELECT status FROM payments"), "processing");
    ada.confirm(&hold_id).await.problem(409, "payment_in_progress");
    app.execute(
        "UPDATE simulator_intents SET captured_amount = amount;
         UPDATE payment_attempts SET lease_until = clock_timestamp()",
    );
    app.eventually("SELECT status FROM payments", "captured").await;
    ada.confirm(&hold_id).await.ok(201);
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_that_is_refused_for_good_leaves_the_booking_and_is_for_staff() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hold_id = paid(&app, &ada).await;
    // Another request was made under its key.
    app.execute(
        "INSERT INTO simulator_requests (idempotency_key, intent_id, request, answer)
         SELECT 'lastroom:' || intent_id || ':capture:' || amount, intent_id, '{}', '{}' FROM simulator_intents",
    );
    let booking = ada.confirm(&hold_id).await.ok(201);
    app.eventually("SELECT status FROM payments", "capture_failed").await;
    assert_eq!(app.text("SELECT status FROM simulator_intents"), "authorized");
    let path = format!("/bookings/{}", booking["booking_id"].as_str().expect("an id"));
    assert_eq!(ada.get(&path).await.ok(200)["status"], "confirmed");
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_after_the_hold_has_lapsed_is_told_so_though_the_money_is_reserved() {
    let app = TestApp::start_with(Start::Migrated, |given| given.sweep_interval_ms = Some("3600000".to_owned())).await;
    let ada = app.guest();
    let body = paid_by_a_dead_call(&app, &ada).await;
    app.execute(&format!("{UNANSWERED} UPDATE holds SET expires_at = clock_timestamp()"));
    assert_eq!(app.text("SELECT status FROM payments"), "authorized");
    ada.post_keyed("/payments", DEAD_CALL, body).await.problem(410, "hold_expired");
}
