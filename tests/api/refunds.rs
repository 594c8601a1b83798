//! Staff give captured money back, and mark who did not come.

use serde_json::{Value, json};

use crate::support::{Answer, Guest, Hotel, Start, Terms, TestApp, key};

/// A payment of 200.00 EUR, captured for a booking.
pub async fn captured(app: &TestApp, guest: &Guest, hotel: &Hotel) -> (Value, Value) {
    let hold = guest.held(&hotel.id(), &hotel.stay(10, 12)).await;
    let payment = guest.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    let booking = guest.confirm(&hold["hold_id"]).await.ok(201);
    app.eventually("SELECT count(*) FROM jobs WHERE done_at IS NULL", "0").await;
    (payment["payment_id"].clone(), booking)
}

async fn refund(staff: &Guest, payment_id: &Value, amount: Value) -> Answer {
    let path = format!("/payments/{}/refunds", payment_id.as_str().expect("an id"));
    staff.post_keyed(&path, &key(), json!({ "amount": amount })).await
}

fn eur(amount: i64) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_give_back_in_parts_and_never_too_much() {
    let app = TestApp::start().await;
    let (admin, ada) = (app.admin(), app.guest());
    let hotel = Hotel::one_room(&app);
    let (payment_id, booking) = captured(&app, &ada, &hotel).await;
    let first = refund(&admin, &payment_id, eur(5_000)).await.ok(201);
    assert_eq!(
        (&first["status"], &first["amount"], &first["reason"]),
        (&json!("pending"), &eur(5_000), &json!("staff"))
    );
    let much = refund(&admin, &payment_id, eur(15_001)).await.problem(409, "refund_exceeds_captured");
    assert_eq!(much["refundable"], eur(15_000));
    refund(&admin, &payment_id, eur(15_000)).await.ok(201);
    refund(&admin, &payment_id, eur(1)).await.problem(409, "refund_exceeds_captured");
    app.eventually("SELECT string_agg(status, ' ') FROM refunds", "succeeded succeeded").await;
    assert_eq!(app.number("SELECT sum(amount) FROM simulator_refunds"), 20_000);
    assert_eq!(
        app.number("SELECT count(*) FROM (SELECT account FROM ledger_lines GROUP BY 1 HAVING sum(amount) <> 0) l"),
        0
    );
    let seen = ada.get(&format!("/payments/{}", payment_id.as_str().expect("an id"))).await.ok(200);
    assert_eq!((&seen["captured"], &seen["refunded"]), (&eur(20_000), &eur(20_000)));
    let audited = "SELECT string_agg(resource || ' ' || action || ' ' || (after->>'amount'), ', ' ORDER BY audit_id)
                   FROM audit_entries WHERE hotel_id IN (SELECT hotel_id FROM hotels)";
    assert_eq!(app.text(audited), "refund created 5000, refund created 15000");
    // What staff gave back is not given back again.
    let path = format!("/bookings/{}/cancel", booking["booking_id"].as_str().expect("an id"));
    let cancelled = ada.post_keyed(&path, &key(), json!({})).await.ok(200);
    assert_eq!((&cancelled["penalty"], &cancelled["refund"]), (&eur(0), &eur(0)));
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_at_once_give_back_what_was_captured_and_no_more() {
    let app = TestApp::start().await;
    let (admin, ada) = (app.admin(), app.guest());
    let hotel = Hotel::one_room(&app);
    let (payment_id, _) = captured(&app, &ada, &hotel).await;
    let answers = futures_util::future::join_all((0..20).map(|_| refund(&admin, &payment_id, eur(3_000)))).await;
    let given = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(given, 6, "of 200.00, 30.00 go back six times");
    assert!(answers.iter().all(|answer| answer.status == 201 || answer.status == 409), "{answers:?}");
    app.eventually("SELECT count(*) FROM refunds WHERE status = 'succeeded'", "6").await;
    assert_eq!(app.number("SELECT sum(amount) FROM simulator_refunds"), 18_000);
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_is_wrong_changes_nothing() {
    let app = TestApp::start().await;
    let (admin, ada, manager) = (app.admin(), app.guest(), app.manager());
    let (hotel, other) = (Hotel::one_room(&app), Hotel::one_room(&app));
    let (payment_id, _) = captured(&app, &ada, &hotel).await;
    app.grant(&manager, &[other.id()]);
    refund(&ada, &payment_id, eur(1)).await.problem(403, "forbidden");
    refund(&manager, &payment_id, eur(1)).await.problem(404, "not_found");
    for (amount, field) in [
        (eur(0), "amount"),
        (eur(-5), "amount"),
        (json!({ "amount": 1, "currency": "USD" }), "amount.currency"),
        (json!({ "amount": 1.5, "currency": "EUR" }), "amount.amount"),
        (json!({ "amount": "1", "currency": "EUR" }), "amount.amount"),
        (json!({ "amount": 1e30, "currency": "EUR" }), "amount.amount"),
        (json!({ "amount": 1, "currency": "euro" }), "amount.currency"),
        (json!(100), "amount"),
    ] {
        refund(&admin, &payment_id, amount).await.invalid(field);
    }
    refund(&admin, &payment_id, eur(i64::MAX)).await.problem(409, "refund_exceeds_captured");
    let path = format!("/payments/{}/refunds", payment_id.as_str().expect("an id"));
    admin.post(&path, json!({ "amount": eur(1) })).await.problem(400, "idempotency_key_missing");
    admin.post_keyed(&path, &key(), json!({ "amount": eur(1), "hotel_id": other.id() })).await.invalid("hotel_id");
    assert_eq!((app.rows("refunds"), app.entries()), (0, 0));

    let hold = ada.held(&other.id(), &other.stay(10, 12)).await;
    let authorised = ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    let refused = refund(&manager, &authorised["payment_id"], eur(1)).await.problem(409, "not_captured");
    assert_eq!(refused["payment_status"], "authorized");
    app.grant(&manager, &[hotel.id()]);
    refund(&manager, &payment_id, eur(1)).await.ok(201);
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_waits_for_a_booking_is_not_given_back_in_parts() {
    let app = TestApp::start().await;
    let (admin, ada) = (app.admin(), app.guest());
    let hotel = Hotel::one_room(&app);
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    let payment = ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    // The provider captured unasked, and the worker heard it before the guest confirmed.
    app.execute(
        "UPDATE simulator_intents SET status = 'captured', captured_amount = amount;
         UPDATE payments SET status = 'captured', captured_amount = amount;
         UPDATE outbox_events SET topic = 'payment.captured' WHERE topic = 'payment.authorized';
         INSERT INTO ledger_lines (hotel_id, movement_id, account, kind, amount, currency, payment_id)
             SELECT hotel_id, payment_id, account, 'captured', sign * amount, currency, payment_id
             FROM payments, (VALUES ('provider', 1), ('guest', -1)) line (account, sign)",
    );
    app.verified();
    refund(&admin, &payment["payment_id"], eur(5_000)).await.problem(409, "not_booked");
    ada.confirm(&hold["hold_id"]).await.ok(201);
    refund(&admin, &payment["payment_id"], eur(5_000)).await.ok(201);
    app.eventually("SELECT count(*) FROM jobs WHERE done_at IS NULL", "0").await;
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_who_does_not_come_pays_what_the_policy_says() {
    for (policy, penalty) in [("prepaid", "20000"), ("pay_at_property", "20000")] {
        let app = TestApp::start_with(Start::Migrated, |_| {}).await;
        let (ada, manager) = (app.guest(), app.manager());
        let hotel = Hotel::with(&app, &Terms { payment_policy: policy, ..Terms::default() });
        app.grant(&manager, &[hotel.id()]);
        let hold = ada.held(&hotel.id(), &hotel.stay(1, 3)).await;
        if policy == "prepaid" {
            ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
        }
        let booking = ada.confirm(&hold["hold_id"]).await.ok(201);
        let path =
            format!("/admin/hotels/{}/bookings/{}/no-show", hotel.id(), booking["booking_id"].as_str().expect("an id"));
        manager.post(&path, json!({})).await.problem(409, "not_arrival_day");
        ada.post(&path, json!({})).await.problem(403, "forbidden");
        app.execute("UPDATE bookings SET check_in = check_in - 1");
        let marked = manager.post(&path, json!({})).await.ok(200);
        assert_eq!(
            (&marked["status"], marked["penalty"]["amount"].to_string()),
            (&json!("no_show"), penalty.to_owned())
        );
        assert_eq!(hotel.stock(&app, hotel.day(1)), (0, 1), "the nights stay sold");
        let again = manager.post(&path, json!({})).await.problem(409, "booking_status");
        assert_eq!(again["booking_status"], "no_show");
        app.eventually("SELECT count(*) FROM jobs WHERE done_at IS NULL", "0").await;
        let kept = if policy == "prepaid" { 20_000 } else { 0 };
        assert_eq!(app.number("SELECT coalesce(sum(captured_amount), 0) FROM payments"), kept);
        assert_eq!(app.rows("refunds"), 0);
        assert_eq!(app.number("SELECT count(*) FROM audit_entries WHERE action = 'no_show'"), 1);
        let stranger = app.manager();
        stranger.post(&path, json!({})).await.problem(404, "not_found");
    }
}
