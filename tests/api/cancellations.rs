//! Cancelling a booking: its price is frozen with the quote, its rooms and its money go back at once.

use serde_json::{Value, json};

use crate::support::{Answer, Guest, Hotel, Terms, TestApp, key};

async fn booked(guest: &Guest, hotel: &Hotel, from: u64, to: u64) -> Value {
    let hold = guest.held(&hotel.id(), &hotel.stay(from, to)).await;
    if hold["due_now"]["amount"] != 0 {
        guest.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    }
    guest.confirm(&hold["hold_id"]).await.ok(201)
}

async fn cancel_keyed(guest: &Guest, booking: &Value, key: &str, body: Value) -> Answer {
    let path = format!("/bookings/{}/cancel", booking["booking_id"].as_str().expect("an id"));
    guest.post_keyed(&path, key, body).await
}

async fn cancel(guest: &Guest, booking: &Value) -> Answer {
    cancel_keyed(guest, booking, &key(), json!({})).await
}

fn eur(amount: i64) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

/// What each account of the ledger has, in the order guest, hotel, provider, refund, tax.
fn accounts(app: &TestApp) -> String {
    let sums = "SELECT string_agg(account || ' ' || amount, ', ' ORDER BY account)
                FROM (SELECT account, sum(amount) AS amount FROM ledger_lines GROUP BY account) sums WHERE amount <> 0";
    app.text(&format!("SELECT coalesce(({sums}), 'nothing')"))
}

async fn all_done(app: &TestApp) {
    app.eventually("SELECT count(*) FROM jobs WHERE done_at IS NULL", "0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_time_it_costs_nothing() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let booking = booked(&ada, &hotel, 10, 12).await;
    all_done(&app).await;
    assert_eq!(accounts(&app), "hotel -20000, provider 20000");
    let cancelled = cancel(&ada, &booking).await;
    let body = cancelled.ok(200);
    assert_eq!((&body["status"], &body["penalty"], &body["refund"]), (&json!("cancelled"), &eur(0), &eur(20_000)));
    assert_eq!(cancelled.header("etag"), Some("\"2\""));
    assert_eq!(hotel.stock(&app, hotel.day(10)), (0, 0), "the rooms are back at once");
    assert_eq!(app.rows("booking_nights"), 0);
    let seen = ada.get(&format!("/bookings/{}", booking["booking_id"].as_str().expect("an id"))).await.ok(200);
    assert_eq!((&seen["status"], &seen["penalty"]), (&json!("cancelled"), &eur(0)));
    assert!(seen["cancelled_at"].is_string());
    all_done(&app).await;
    assert_eq!(app.text("SELECT status || reason FROM refunds"), "succeededcancelled");
    assert_eq!(accounts(&app), "nothing", "whoever had something of it has it no more");
    cancel(&ada, &booking).await.problem(409, "already_cancelled");
    booked(&ada, &hotel, 10, 12).await;
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn too_late_it_costs_the_stay_and_in_between_its_tier() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::with(&app, &Terms { capacity: 3, ..Terms::default() });
    hotel.change(
        &app,
        "INSERT INTO cancellation_tiers (hotel_id, rate_plan_id, until_hours_before_check_in, penalty_nights)
         SELECT hotel_id, rate_plan_id, 2, 1 FROM rate_plans WHERE hotel_id = $1 AND $2 IS NOT NULL",
    );
    hotel.change(
        &app,
        "INSERT INTO taxes (hotel_id, tax_id, name, percent, kind, included, due)
         SELECT hotel_id, gen_random_uuid(), 'VAT', 10, 'percent', true, 'now' FROM hotels WHERE hotel_id = $1 AND $2 IS NOT NULL",
    );
    let late = booked(&ada, &hotel, 0, 2).await;
    let tier = booked(&ada, &hotel, 10, 12).await;
    all_done(&app).await;
    assert_eq!(accounts(&app), "hotel -36364, provider 40000, tax -3636");
    // Its first deadline is over, its second is not.
    app.execute(&format!(
        "UPDATE booking_rooms SET price = jsonb_set(price, '{{cancellation,0,until}}', to_jsonb(now() - interval '1 second'))
         WHERE booking_id = '{}'",
        tier["booking_id"].as_str().expect("an id")
    ));
    // Whatever the clock says in Paris: the deadline of a stay that begins today is made to be over.
    app.execute(&format!(
        "UPDATE booking_rooms SET price = jsonb_set(jsonb_set(price, '{{cancellation,0,until}}', to_jsonb(now())),
                                                    '{{cancellation,1,until}}', to_jsonb(now()))
         WHERE booking_id = '{}'",
        late["booking_id"].as_str().expect("an id")
    ));
    let body = cancel(&ada, &late).await.ok(200);
    assert_eq!((&body["penalty"], &body["refund"]), (&eur(20_000), &eur(0)));
    let body = cancel(&ada, &tier).await.ok(200);
    assert_eq!((&body["penalty"], &body["refund"]), (&eur(10_000), &eur(10_000)));
    all_done(&app).await;
    assert_eq!(app.text("SELECT string_agg(amount::text, ' ') FROM refunds"), "10000");
    assert_eq!(accounts(&app), "hotel -27273, provider 30000, tax -2727", "taxes shrink in proportion");
    assert_eq!(hotel.stock(&app, hotel.day(0)), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_capture_only_the_penalty_is_captured() {
    for (until_hours, sum) in [(24, "0"), (0, "10000")] {
        let app = TestApp::start().await;
        let ada = app.guest();
        let hotel = Hotel::one_room(&app);
        if until_hours == 0 {
            hotel.change(
                &app,
                "UPDATE cancellation_tiers SET penalty_percent = 50 WHERE hotel_id = $1 AND $2 IS NOT NULL",
            );
        }
        // The worker finds no job that is due.
        app.execute(
            "CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN NEW.run_at := clock_timestamp() + interval ''1 hour''; RETURN NEW; END';
             CREATE TRIGGER later BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION later()",
        );
        let booking = booked(&ada, &hotel, 10, 12).await;
        assert_eq!(app.text("SELECT status FROM payments"), "capture_pending");
        let body = cancel(&ada, &booking).await.ok(200);
        assert_eq!(body["refund"]["amount"].as_i64().expect("an amount") + sum.parse::<i64>().expect("a sum"), 20_000);
        app.verified();
        app.execute("DROP TRIGGER later ON jobs; UPDATE jobs SET run_at = clock_timestamp()");
        all_done(&app).await;
        assert_eq!(app.text("SELECT captured_amount FROM simulator_intents"), sum);
        assert_eq!(app.text("SELECT status FROM payments"), if sum == "0" { "voided" } else { "captured" });
        assert_eq!(app.rows("refunds"), 0, "what was never taken is not given back");
        let expected = if sum == "0" { "nothing" } else { "hotel -10000, provider 10000" };
        assert_eq!(accounts(&app), expected);
        app.verified();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_tells_and_changes_nothing() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let booking = booked(&ada, &hotel, 10, 12).await;
    all_done(&app).await;
    let trial = cancel_keyed(&ada, &booking, &key(), json!({ "dry_run": true })).await.ok(200);
    assert_eq!((&trial["status"], &trial["dry_run"]), (&json!("confirmed"), &json!(true)));
    assert_eq!((&trial["penalty"], &trial["refund"]), (&eur(0), &eur(20_000)));
    assert_eq!(hotel.stock(&app, hotel.day(10)), (0, 1));
    assert_eq!((app.rows("refunds"), app.number("SELECT version FROM bookings")), (0, 1));
    let done = cancel(&ada, &booking).await.ok(200);
    assert_eq!((&done["penalty"], &done["refund"]), (&trial["penalty"], &trial["refund"]));
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_to_be_paid_at_the_hotel_has_nothing_to_give_back() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let terms = Terms { payment_policy: "pay_at_property", free_until_hours: None, ..Terms::default() };
    let hotel = Hotel::with(&app, &terms);
    let booking = booked(&ada, &hotel, 10, 12).await;
    let body = cancel(&ada, &booking).await.ok(200);
    assert_eq!((&body["penalty"], &body["refund"]), (&eur(20_000), &eur(0)));
    assert_eq!((app.rows("payments"), app.rows("ledger_lines")), (0, 0));
    assert_eq!(hotel.stock(&app, hotel.day(11)), (0, 0));
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_cancelled_is_refused() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.guest(), app.guest());
    let hotel = Hotel::one_room(&app);
    let booking = booked(&ada, &hotel, 10, 12).await;
    cancel(&bob, &booking).await.problem(404, "not_found");
    let path = format!("/bookings/{}/cancel", booking["booking_id"].as_str().expect("an id"));
    ada.post(&path, json!({})).await.problem(400, "idempotency_key_missing");
    for (body, field) in [
        (json!({ "dry_run": "yes" }), "dry_run"),
        (json!({ "dry_run": null }), "dry_run"),
        (json!({ "refund": 1 }), "refund"),
        (json!({ "penalty": { "amount": 0, "currency": "EUR" } }), "penalty"),
    ] {
        cancel_keyed(&ada, &booking, &key(), body).await.invalid(field);
    }
    cancel(&ada, &json!({ "booking_id": "not-an-id" })).await.problem(404, "not_found");
    for status in ["checked_in", "checked_out"] {
        app.execute(&format!("UPDATE bookings SET status = '{status}'"));
        assert_eq!(cancel(&ada, &booking).await.problem(409, "not_cancellable")["booking_status"], status);
    }
    assert_eq!(hotel.stock(&app, hotel.day(10)), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_at_once_cancel_once_and_one_key_replays() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let booking = booked(&ada, &hotel, 10, 12).await;
    let calls = (0..10).map(|_| cancel(&ada, &booking));
    let answers = futures_util::future::join_all(calls).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| answer.status == 409).count(), 9);
    assert_eq!(hotel.stock(&app, hotel.day(10)), (0, 0));
    all_done(&app).await;
    assert_eq!(accounts(&app), "nothing");

    let booking = booked(&ada, &hotel, 10, 12).await;
    let (key, body) = (key(), json!({ "dry_run": false }));
    let first = cancel_keyed(&ada, &booking, &key, body.clone()).await.ok(200);
    let again = cancel_keyed(&ada, &booking, &key, body).await;
    assert_eq!((again.header("idempotency-replayed"), again.ok(200)), (Some("true"), first));
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_that_meets_the_capture_keeps_nothing() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    for _ in 0..8 {
        let booking = booked(&ada, &hotel, 10, 12).await;
        cancel(&ada, &booking).await.ok(200);
    }
    all_done(&app).await;
    let kept = "SELECT sum(captured_amount) - coalesce((SELECT sum(amount) FROM simulator_refunds), 0)
                FROM simulator_intents";
    assert_eq!(app.text(kept), "0");
    assert_eq!(accounts(&app), "nothing");
    app.verified();
}
