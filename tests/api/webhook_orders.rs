//! Webhooks in any order, too late, and before what they are about.

use serde_json::{Value, json};

use crate::simulator_requests::provider;
use crate::support::{Hotel, Start, Terms, TestApp, key};

/// Every order of `items`.
fn orders<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (at, first) in items.iter().enumerate() {
        let mut rest = items.to_vec();
        rest.remove(at);
        all.extend(orders(&rest).into_iter().map(|order| [vec![first.clone()], order].concat()));
    }
    all
}

/// Many rooms, a guest who may hold them all, and no webhook but the test's own.
async fn roomy() -> (TestApp, Hotel) {
    let app = TestApp::start_with(Start::Migrated, |given| given.hold_limit = Some("100".to_owned())).await;
    app.lose_webhooks();
    let hotel = Hotel::with(&app, &Terms { capacity: 100, ..Terms::default() });
    (app, hotel)
}

/// Payments that the provider has authorised and that wait for its answer: what `change` says is done to them first, and
/// no completer looks at them.
async fn awaited(app: &TestApp, hotel: &Hotel, payments: usize, change: &str) -> Vec<Value> {
    let ada = app.guest();
    let mut ids = Vec::new();
    for _ in 0..payments {
        let hold = ada.held(&hotel.id(), &hotel.stay(10, 11)).await;
        ids.push(ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201)["payment_id"].clone());
    }
    app.execute(&format!(
        "BEGIN;
         UPDATE payments SET status = 'processing';
         UPDATE holds SET status = 'paying', paying_until = clock_timestamp() + interval '2 minutes';
         UPDATE payment_attempts SET recovery_point = 'intent_stored', lease_until = clock_timestamp() + interval '1 hour';
         DELETE FROM outbox_events;
         {change};
         COMMIT;"
    ));
    ids
}

/// The key under which captured money without a booking is refunded.
fn refund_key(payment_id: &Value) -> String {
    format!("lastroom:{}:no_booking", payment_id.as_str().expect("an id"))
}

/// That the payment's captured money was given back.
fn refunded(app: &TestApp, payment_id: &Value) -> Value {
    let mut event = app.event("refund.succeeded", payment_id);
    event["data"]["refund_key"] = json!(refund_key(payment_id));
    event
}

#[tokio::test(flavor = "multi_thread")]
async fn every_order_of_four_events_gives_lost_money_back_once() {
    let (app, hotel) = roomy().await;
    let orders = orders(&["payment_intent.authorized", "payment_intent.captured", "payment_intent.failed", "refund"]);
    assert_eq!(orders.len(), 24);
    // The provider has captured, unasked, what a hold is not waiting for any more, and has given it back already.
    let over = "UPDATE holds SET expires_at = clock_timestamp(), paying_until = clock_timestamp();
                UPDATE simulator_intents SET status = 'captured', captured_amount = amount";
    let payments = awaited(&app, &hotel, orders.len(), over).await;
    let provider = provider(&app.database);
    for (order, payment_id) in orders.iter().zip(&payments) {
        let intent_id = app.event("", payment_id)["data"]["intent_id"].clone();
        let intent_id = intent_id.as_str().expect("an id");
        provider.refund(intent_id, &refund_key(payment_id), 10_000).await.expect("refunded");
        for event_type in order {
            let event = match *event_type {
                "refund" => refunded(&app, payment_id),
                event_type => app.event(event_type, payment_id),
            };
            app.webhook(&event).await.ok(200);
        }
    }
    app.eventually("SELECT count(*) FROM jobs WHERE done_at IS NULL", "0").await;
    app.eventually("SELECT count(*) FROM webhook_events WHERE status <> 'applied'", "0").await;
    assert_eq!(app.number("SELECT count(*) FROM payments WHERE status = 'captured' AND captured_amount = 10000"), 24);
    assert_eq!(app.number("SELECT count(*) FROM refunds WHERE status = 'succeeded' AND amount = 10000"), 24);
    assert_eq!((app.rows("refunds"), app.rows("simulator_refunds")), (24, 24));
    assert_eq!(app.number("SELECT count(*) FROM holds WHERE status = 'expired'"), 24);
    assert_eq!(app.number("SELECT count(*) FROM outbox_events WHERE topic = 'payment.captured'"), 24);
    assert_eq!(app.number("SELECT count(*) FROM outbox_events WHERE topic = 'refund.succeeded'"), 24);
    assert_eq!(hotel.stock(&app, hotel.day(10)), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_order_of_contradicting_events_pays_a_hold_that_waits() {
    let (app, hotel) = roomy().await;
    let types = ["payment_intent.authorized", "payment_intent.failed", "payment_intent.requires_action"];
    let orders = orders(&types);
    let payments = awaited(&app, &hotel, orders.len(), "SELECT 1").await;
    for (order, payment_id) in orders.iter().zip(&payments) {
        for event_type in order {
            app.webhook(&app.event(event_type, payment_id)).await.ok(200);
        }
    }
    assert_eq!(app.text("SELECT string_agg(DISTINCT status, ' ') FROM payments"), "authorized");
    assert_eq!(app.text("SELECT string_agg(DISTINCT status, ' ') FROM holds"), "active");
    assert_eq!(app.number("SELECT count(*) FROM outbox_events WHERE topic = 'payment.authorized'"), 6);
    assert_eq!(hotel.stock(&app, hotel.day(10)), (6, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_failure_undoes_nothing() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    let payment_id = ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201)["payment_id"].clone();
    ada.confirm(&hold["hold_id"]).await.ok(201);
    app.eventually("SELECT status FROM payments", "captured").await;
    app.all_told().await;
    // The event is late; then even the provider says so.
    for change in ["SELECT 1", "UPDATE simulator_intents SET status = 'declined', decline_code = 'late'"] {
        app.execute(change);
        let failed = app.event("payment_intent.failed", &payment_id);
        assert_eq!(app.webhook(&failed).await.ok(200), json!({ "status": "applied" }));
        assert_eq!(app.text("SELECT status || captured_amount FROM payments"), "captured20000");
    }
    assert_eq!((app.rows("refunds"), hotel.stock(&app, hotel.day(10))), (0, (0, 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_waits_for_what_it_is_about() {
    let (app, hotel) = roomy().await;
    let payments = awaited(&app, &hotel, 1, "UPDATE payment_attempts SET recovery_point = 'claimed'").await;
    let payment_id = &payments[0];
    let parked = app.event("payment_intent.authorized", payment_id);
    let stored = app.text("SELECT intent_id FROM payment_attempts");
    app.execute("UPDATE payment_attempts SET intent_id = NULL");
    for _ in 0..2 {
        assert_eq!(app.webhook(&parked).await.ok(200), json!({ "status": "parked" }));
    }
    assert_eq!(app.inbox(&parked), "parked: its payment has no intent yet");
    app.eventually("SELECT tries > 0 FROM webhook_events", "true").await;
    assert_eq!(app.text("SELECT status FROM payments"), "processing");
    app.execute(&format!("UPDATE payment_attempts SET intent_id = '{stored}'"));
    app.eventually("SELECT status FROM payments", "authorized").await;
    assert_eq!(app.inbox(&parked), "applied");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_waits_in_vain_is_for_staff() {
    let (app, hotel) = roomy().await;
    let payments = awaited(&app, &hotel, 1, "SELECT 1").await;
    let mut unknown = app.event("payment_intent.authorized", &payments[0]);
    unknown["data"]["metadata"]["payment_id"] = json!(uuid::Uuid::now_v7());
    let mut nameless = app.event("payment_intent.authorized", &payments[0]);
    nameless["data"]["metadata"] = json!({ "order": key() });
    let unasked = refunded(&app, &payments[0]);
    let reasons = ["its payment is not known", "it names no payment", "nobody here has asked for the refund"];
    for (event, reason) in [&unknown, &nameless, &unasked].into_iter().zip(reasons) {
        assert_eq!(app.webhook(event).await.ok(200), json!({ "status": "parked" }));
        assert_eq!(app.inbox(event), format!("parked: {reason}"));
    }
    app.execute("UPDATE webhook_events SET tries = 19, retry_at = clock_timestamp()");
    app.eventually("SELECT count(*) FROM webhook_events WHERE status = 'quarantined'", "3").await;
    assert_eq!(app.inbox(&unknown), "quarantined: its payment is not known, after 20 tries");
    assert_eq!(app.text("SELECT status FROM payments"), "processing");
    assert_eq!(app.rows("refunds"), 0);
}
