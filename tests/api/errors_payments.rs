//! Refusals on the way from a hold to a booking.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Hotel, Start, TestApp, key};

fn id(value: &Value) -> &str {
    value.as_str().expect("an id")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_hold_takes_no_payment_and_becomes_no_booking() {
    let app = TestApp::start_with(Start::Migrated, |given| given.hold_ttl_s = Some("1".to_owned())).await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    ada.pay(&hold["hold_id"], "pm_card_visa").await.problem(410, "hold_expired");
    ada.confirm(&hold["hold_id"]).await.problem(410, "hold_expired");
    assert_eq!((app.rows("payments"), app.rows("bookings"), app.rows("simulator_intents")), (0, 0, 0));
    ada.delete(&format!("/holds/{}", id(&hold["hold_id"]))).await.ok(204);
    assert_eq!(hotel.stock(&app, hotel.day(10)), (0, 0));
    assert_eq!(app.text("SELECT status FROM holds"), "expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_released_hold_takes_no_payment_and_becomes_no_booking() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    let path = format!("/holds/{}", id(&hold["hold_id"]));
    for _ in 0..2 {
        ada.delete(&path).await.ok(204);
        assert_eq!(hotel.stock(&app, hotel.day(10)), (0, 0));
    }
    ada.pay(&hold["hold_id"], "pm_card_visa").await.problem(410, "hold_released");
    ada.confirm(&hold["hold_id"]).await.problem(410, "hold_released");
    assert_eq!(ada.get(&path).await.ok(200)["status"], "released");
    assert_eq!((app.rows("payments"), app.rows("bookings")), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_became_a_booking_stays_one() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    let again = ada.pay(&hold["hold_id"], "pm_card_visa").await;
    again.problem(409, "already_paid");
    let booking = ada.confirm(&hold["hold_id"]).await.ok(201);
    let path = format!("/holds/{}", id(&hold["hold_id"]));
    for refused in
        [ada.pay(&hold["hold_id"], "pm_card_visa").await, ada.confirm(&hold["hold_id"]).await, ada.delete(&path).await]
    {
        assert_eq!(refused.problem(409, "hold_converted")["booking_id"], booking["booking_id"]);
    }
    assert_eq!((app.rows("payments"), app.rows("bookings"), app.rows("simulator_intents")), (1, 1, 1));
    assert_eq!(hotel.stock(&app, hotel.day(10)), (0, 1));
}

/// An attempt that somebody else works on: the hold's current one, under a lease that lasts.
const UNDER_WAY: &str = "
    INSERT INTO payments (hotel_id, payment_id, hold_id, user_id, amount, tax_amount, currency)
    SELECT hotel_id, '019a0000-0000-7000-8000-000000000001', hold_id, user_id, due_now, 0, currency FROM holds;
    INSERT INTO payment_attempts (hotel_id, attempt_id, payment_id, provider, provider_key, payment_method, lease_until)
    SELECT hotel_id, '019a0000-0000-7000-8000-000000000002', payment_id, 'simulator', 'test', 'pm_card_visa', clock_timestamp() + interval '1 hour'
    FROM payments;
    UPDATE holds SET status = 'paying', paying_until = clock_timestamp() + interval '2 minutes',
                     current_attempt = '019a0000-0000-7000-8000-000000000002';
";

#[tokio::test(flavor = "multi_thread")]
async fn while_a_payment_is_under_way_nothing_else_happens_to_its_hold() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    app.execute(UNDER_WAY);
    let path = format!("/holds/{}", id(&hold["hold_id"]));
    ada.pay(&hold["hold_id"], "pm_card_visa").await.problem(409, "payment_in_progress");
    ada.confirm(&hold["hold_id"]).await.problem(409, "payment_in_progress");
    ada.delete(&path).await.problem(409, "payment_in_progress");
    assert_eq!(ada.get(&path).await.ok(200)["status"], "paying");
    assert_eq!((app.rows("payments"), app.rows("bookings")), (1, 0));
    assert_eq!(hotel.stock(&app, hotel.day(10)), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_card_leaves_the_hold_as_it_was_five_times() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    let path = format!("/holds/{}", id(&hold["hold_id"]));
    for (times, (method, code)) in [
        ("pm_card_chargeDeclined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("pm_card_chargeDeclined", "generic_decline"),
        ("pm_card_chargeDeclined", "generic_decline"),
        ("pm_card_chargeDeclined", "generic_decline"),
    ]
    .into_iter()
    .enumerate()
    {
        let declined = ada.pay(&hold["hold_id"], method).await.problem(402, "card_declined");
        assert_eq!(declined["decline_code"], code);
        let payment = ada.get(&format!("/payments/{}", id(&declined["payment_id"]))).await.ok(200);
        assert_eq!((&payment["status"], &payment["failure_code"]), (&json!("failed"), &json!(code)));
        let now = ada.get(&path).await.ok(200);
        assert_eq!((&now["status"], &now["expires_at"]), (&json!("active"), &hold["expires_at"]), "{times}");
        ada.confirm(&hold["hold_id"]).await.problem(409, "payment_required");
    }
    let key = key();
    let refused = ada
        .post_keyed("/payments", &key, json!({ "hold_id": hold["hold_id"], "payment_method": "pm_card_visa" }))
        .await;
    refused.problem(429, "payment_attempts");
    assert!(refused.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok_and(|s| s > 0)));
    assert_eq!(app.number(&format!("SELECT count(*) FROM idempotency_keys WHERE key = '{key}'")), 0, "not stored");
    assert_eq!((app.rows("payments"), app.rows("simulator_intents"), app.rows("bookings")), (5, 5, 0));
    assert_eq!(hotel.stock(&app, hotel.day(10)), (1, 0));
    ada.delete(&path).await.ok(204);
    assert_eq!(hotel.stock(&app, hotel.day(10)), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_card_pays_after_the_first_was_declined() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    ada.pay(&hold["hold_id"], "pm_card_chargeDeclined").await.problem(402, "card_declined");
    let payment = ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    assert_eq!(payment["status"], "authorized");
    ada.confirm(&hold["hold_id"]).await.ok(201);
    assert_eq!(
        app.text("SELECT string_agg(status, ',' ORDER BY payment_id) FROM payments").split(',').next(),
        Some("failed")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_somebody_elses_is_unknown() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let eve = app.guest();
    let hotel = Hotel::one_room(&app);
    let offer = ada.offer(&hotel.id(), &hotel.stay(10, 12)).await;
    let quote = ada.quote(&offer["offer_id"]).await;
    eve.hold(&quote["quote_id"]).await.problem(404, "not_found");
    eve.get(&format!("/quotes/{}", id(&quote["quote_id"]))).await.problem(404, "not_found");
    let hold = ada.hold(&quote["quote_id"]).await.ok(201);
    let hold_path = format!("/holds/{}", id(&hold["hold_id"]));
    eve.get(&hold_path).await.problem(404, "not_found");
    eve.delete(&hold_path).await.problem(404, "not_found");
    eve.pay(&hold["hold_id"], "pm_card_visa").await.problem(404, "not_found");
    eve.confirm(&hold["hold_id"]).await.problem(404, "not_found");
    assert_eq!(hotel.stock(&app, hotel.day(10)), (1, 0));
    let payment = ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    eve.get(&format!("/payments/{}", id(&payment["payment_id"]))).await.problem(404, "not_found");
    eve.confirm(&hold["hold_id"]).await.problem(404, "not_found");
    let booking = ada.confirm(&hold["hold_id"]).await.ok(201);
    eve.get(&format!("/bookings/{}", id(&booking["booking_id"]))).await.problem(404, "not_found");
    let guess = json!({ "confirmation_code": booking["confirmation_code"], "email": eve.email });
    eve.post("/bookings/lookup", guess).await.problem(404, "not_found");
    for list in ["/holds", "/bookings"] {
        assert_eq!(eve.get(list).await.ok(200)["data"], json!([]), "{list}");
    }
    assert_eq!((app.rows("payments"), app.rows("bookings")), (1, 1));
}
