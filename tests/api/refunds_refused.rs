//! A refund that the provider refuses for good: it ends, the money is the guest's on the books, and staff may ask again.

use serde_json::{Value, json};

use crate::support::{Guest, Hotel, TestApp, key};

fn id(value: &Value) -> &str {
    value.as_str().expect("an id")
}

fn eur(amount: i64) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

async fn refund(staff: &Guest, payment: &Value, amount: i64) -> Value {
    let path = format!("/payments/{}/refunds", id(&payment["payment_id"]));
    staff.post_keyed(&path, &key(), json!({ "amount": eur(amount) })).await.ok(201)
}

/// Somebody has refunded all of it at the provider's own desk: it refuses what it is asked for from now on.
fn refuse_refunds(app: &TestApp) {
    app.execute(
        "INSERT INTO simulator_refunds (idempotency_key, intent_id, amount)
         SELECT 'at the desk ' || intent_id, intent_id, captured_amount FROM simulator_intents",
    );
}

fn allow_refunds(app: &TestApp) {
    app.execute("DELETE FROM simulator_refunds WHERE idempotency_key LIKE 'at the desk %'");
}

async fn all_done(app: &TestApp) {
    app.eventually("SELECT count(*) FROM jobs WHERE done_at IS NULL", "0").await;
}

/// A payment that was captured for a booking.
async fn captured(app: &TestApp, ada: &Guest, hotel: &Hotel) -> (Value, Value) {
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    let payment = ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    let booking = ada.confirm(&hold["hold_id"]).await.ok(201);
    all_done(app).await;
    (payment, booking)
}

async fn guest_is_owed(app: &TestApp, amount: i64) {
    all_done(app).await;
    assert_eq!(app.text("SELECT status || ' ' || failure_code FROM refunds"), "failed amount_invalid");
    assert_eq!(app.number("SELECT -sum(amount) FROM ledger_lines WHERE account = 'guest'"), amount);
    assert_eq!(app.number("SELECT sum(amount) FROM ledger_lines WHERE account = 'refund'"), 0);
    assert_eq!(app.number("SELECT count(*) FROM outbox_events WHERE topic = 'refund.failed'"), 1);
    allow_refunds(app);
    app.verified();
}

async fn nobody_is_owed_anything(app: &TestApp) {
    all_done(app).await;
    assert_eq!(app.text("SELECT string_agg(status, ' ' ORDER BY refund_id) FROM refunds"), "failed succeeded");
    assert_eq!(app.number("SELECT coalesce(sum(amount), 0) FROM ledger_lines WHERE account IN ('guest', 'refund')"), 0);
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellations_refund_that_is_refused_may_be_asked_for_again() {
    let app = TestApp::start().await;
    let (staff, ada) = (app.admin(), app.guest());
    let hotel = Hotel::one_room(&app);
    let (payment, booking) = captured(&app, &ada, &hotel).await;
    refuse_refunds(&app);
    let cancelled =
        ada.post_keyed(&format!("/bookings/{}/cancel", id(&booking["booking_id"])), &key(), json!({})).await;
    assert_eq!(cancelled.ok(200)["refund"], eur(20_000));
    guest_is_owed(&app, 20_000).await;
    let seen = ada.get(&format!("/payments/{}", id(&payment["payment_id"]))).await.ok(200);
    assert_eq!((&seen["captured"], &seen["refunded"]), (&eur(20_000), &eur(0)));
    refund(&staff, &payment, 20_000).await;
    nobody_is_owed_anything(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_without_a_booking_that_could_not_be_given_back_may_be_given_back_by_staff() {
    let app = TestApp::start().await;
    let (staff, ada) = (app.admin(), app.guest());
    let hotel = Hotel::one_room(&app);
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    let payment = ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    app.all_told().await;
    app.execute("UPDATE simulator_intents SET status = 'captured', captured_amount = amount");
    refuse_refunds(&app);
    ada.delete(&format!("/holds/{}", id(&hold["hold_id"]))).await.ok(204);
    guest_is_owed(&app, 20_000).await;
    refund(&staff, &payment, 20_000).await;
    nobody_is_owed_anything(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_of_staff_that_is_refused_takes_nothing_from_what_may_be_refunded() {
    let app = TestApp::start().await;
    let (staff, ada) = (app.admin(), app.guest());
    let hotel = Hotel::one_room(&app);
    let (payment, _) = captured(&app, &ada, &hotel).await;
    refuse_refunds(&app);
    refund(&staff, &payment, 15_000).await;
    guest_is_owed(&app, 15_000).await;
    refund(&staff, &payment, 20_000).await;
    nobody_is_owed_anything(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_was_made_is_not_asked_for_again_though_its_key_is_forgotten() {
    let app = TestApp::start().await;
    let (staff, ada) = (app.admin(), app.guest());
    let hotel = Hotel::one_room(&app);
    let (payment, _) = captured(&app, &ada, &hotel).await;
    refund(&staff, &payment, 5_000).await;
    app.eventually("SELECT status FROM refunds", "succeeded").await;
    app.all_told().await;
    all_done(&app).await;
    // It died before it recorded that the money went back, and came back when the provider's keys were gone.
    app.execute(
        "BEGIN;
         DELETE FROM simulator_requests;
         DELETE FROM ledger_lines WHERE kind = 'refunded';
         DELETE FROM outbox_events WHERE topic = 'refund.succeeded';
         UPDATE refunds SET status = 'pending';
         UPDATE jobs SET done_at = NULL, leased_until = NULL, run_at = clock_timestamp() WHERE kind = 'refund';
         COMMIT;",
    );
    app.eventually("SELECT status FROM refunds", "succeeded").await;
    assert_eq!(app.number("SELECT sum(amount) FROM simulator_refunds"), 5_000);
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_keeps_its_penalty_of_the_payment_that_the_booking_rests_on() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    app.execute("UPDATE cancellation_tiers SET penalty_percent = 50");
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    let late = ada.pay(&hold["hold_id"], "pm_card_authenticationRequired").await.ok(202);
    app.all_told().await;
    app.execute(
        "UPDATE holds SET paying_until = clock_timestamp();
         UPDATE payment_attempts SET lease_until = clock_timestamp() + interval '1 hour'",
    );
    ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    let booking = ada.confirm(&hold["hold_id"]).await.ok(201);
    app.eventually("SELECT count(*) FROM payments WHERE status = 'captured'", "1").await;
    // The other is found taken after all, and cannot be given back.
    app.all_told().await;
    all_done(&app).await;
    app.execute(&format!(
        "UPDATE simulator_intents SET status = 'captured', captured_amount = amount
         WHERE metadata ->> 'payment_id' = '{}'",
        id(&late["payment_id"])
    ));
    refuse_refunds(&app);
    app.execute("UPDATE payment_attempts SET lease_until = clock_timestamp() WHERE recovery_point <> 'settled'");
    app.eventually("SELECT coalesce(string_agg(status, ' '), '') FROM refunds", "failed").await;
    allow_refunds(&app);
    app.verified();
    let path = format!("/bookings/{}/cancel", id(&booking["booking_id"]));
    for body in [json!({ "dry_run": true }), json!({})] {
        let cancelled = ada.post_keyed(&path, &key(), body).await.ok(200);
        assert_eq!((&cancelled["penalty"], &cancelled["refund"]), (&eur(10_000), &eur(10_000)));
    }
    all_done(&app).await;
    assert_eq!(app.number("SELECT sum(amount) FROM refunds WHERE status = 'succeeded'"), 10_000);
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_of_staff_that_fails_after_the_cancellation_is_no_breach() {
    let app = TestApp::start().await;
    let (staff, ada) = (app.admin(), app.guest());
    let hotel = Hotel::one_room(&app);
    let (payment, booking) = captured(&app, &ada, &hotel).await;
    refuse_refunds(&app);
    // Its job waits until the booking is cancelled.
    app.execute(
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN NEW.run_at = clock_timestamp() + interval '2 seconds'; RETURN NEW; END $$;
         CREATE TRIGGER wait BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION wait()",
    );
    refund(&staff, &payment, 15_000).await;
    let path = format!("/bookings/{}/cancel", id(&booking["booking_id"]));
    let cancelled = ada.post_keyed(&path, &key(), json!({})).await.ok(200);
    assert_eq!(cancelled["refund"], eur(5_000));
    all_done(&app).await;
    assert_eq!(
        app.text("SELECT string_agg(status || ' ' || amount, ', ' ORDER BY amount) FROM refunds"),
        "failed 5000, failed 15000"
    );
    allow_refunds(&app);
    app.verified();
    refund(&staff, &payment, 20_000).await;
    all_done(&app).await;
    assert_eq!(app.number("SELECT coalesce(sum(amount), 0) FROM ledger_lines WHERE account IN ('guest', 'refund')"), 0);
    app.verified();
}
