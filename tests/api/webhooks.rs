//! Webhooks: who may send one, and what it does.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::SECRET;
use crate::support::webhooks::signature;
use crate::support::{Guest, Hotel, TestApp, key};

/// A payment that the provider has authorised, put back to where its answer is waited for and nobody looks for it.
async fn awaited(app: &TestApp) -> Value {
    let ada = app.guest();
    let hotel = Hotel::one_room(app);
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    let paid = ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    app.all_told().await;
    app.execute(
        "BEGIN;
         UPDATE payments SET status = 'processing';
         UPDATE holds SET status = 'paying', paying_until = clock_timestamp() + interval '2 minutes';
         UPDATE payment_attempts SET recovery_point = 'intent_stored', lease_until = clock_timestamp() + interval '1 hour';
         DELETE FROM webhook_events; DELETE FROM outbox_events;
         COMMIT;",
    );
    paid["payment_id"].clone()
}

fn status(app: &TestApp) -> String {
    app.text("SELECT status FROM payments")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_at_the_provider_is_told_to_this_server() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    ada.confirm(&hold["hold_id"]).await.ok(201);
    app.eventually("SELECT status FROM payments", "captured").await;
    app.all_told().await;
    assert_eq!(
        app.text("SELECT string_agg(event_type || ' ' || status, ', ' ORDER BY event_id) FROM webhook_events"),
        "payment_intent.authorized applied, payment_intent.captured applied"
    );
    assert_eq!(app.number("SELECT count(*) FROM simulator_events JOIN webhook_events USING (event_id, body)"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_taken_in_is_told_again() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    app.execute("ALTER TABLE webhook_events RENAME TO elsewhere");
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    let answered = "SELECT coalesce((SELECT last_error FROM simulator_deliveries), '')";
    app.eventually(answered, "answered 500 Internal Server Error").await;
    app.execute("ALTER TABLE elsewhere RENAME TO webhook_events");
    app.all_told().await;
    assert_eq!(app.text("SELECT string_agg(status, ' ') FROM webhook_events"), "applied");
    assert!(app.number("SELECT tries FROM simulator_deliveries") > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_has_not_signed_is_refused() {
    let app = TestApp::start().await;
    let payment_id = awaited(&app).await;
    let body = app.event("payment_intent.authorized", &payment_id).to_string();
    let now = app.now_s();
    let ours = signature(SECRET, now, &body);
    let at = |at_s: i64| format!("t={at_s},v1={}", signature(SECRET, at_s, &body));
    let forgeries = [
        ("no header of the form", String::new()),
        ("no time", format!("v1={ours}")),
        ("two times", format!("t={now},t={now},v1={ours}")),
        ("no signature", format!("t={now}")),
        ("cut short", format!("t={now},v1={}", &ours[..62])),
        ("lengthened", format!("t={now},v1={ours}00")),
        ("of another scheme", format!("t={now},v0={ours}")),
        ("of another secret", format!("t={now},v1={}", signature("another secret: 0123456789 abcdef", now, &body))),
        ("of another body", format!("t={now},v1={}", signature(SECRET, now, "{}"))),
        ("of another time", format!("t={},v1={ours}", now + 1)),
        ("too old", at(now - 302)),
        ("not yet", at(now + 302)),
    ];
    for (forgery, header) in &forgeries {
        let answer = app.send_webhook(header, &body).await;
        assert_eq!(answer.status, 400, "{forgery}: {}", answer.text);
        answer.problem(400, "signature_invalid");
    }
    let stranger = Guest::stranger(&app);
    let path = "/payments/webhooks/simulator";
    let json = ("content-type", "application/json");
    let unsigned = stranger.send(Method::POST, path, &[json], Some(body.clone().into_bytes())).await;
    unsigned.problem(400, "signature_invalid");
    let header = at(now);
    let twice = [json, ("simulator-signature", header.as_str()), ("simulator-signature", header.as_str())];
    stranger.send(Method::POST, path, &twice, Some(body.clone().into_bytes())).await.problem(400, "signature_invalid");
    let changed = body.replace("authorized", "captured");
    app.send_webhook(&header, &changed).await.problem(400, "signature_invalid");
    assert_eq!((app.rows("webhook_events"), status(&app).as_str()), (0, "processing"), "no effect");

    let rotated = format!("t={now},v1={},v1=junk,v1={ours}", "00".repeat(32));
    assert_eq!(app.send_webhook(&rotated, &body).await.ok(200), json!({ "status": "applied" }));
    assert_eq!(status(&app), "authorized");
    for header in [at(now), at(now - 295), at(now + 295)] {
        assert_eq!(app.send_webhook(&header, &body).await.ok(200), json!({ "status": "applied" }), "sent again");
    }
    assert_eq!(app.rows("webhook_events"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_signed_and_no_event_is_refused() {
    let app = TestApp::start().await;
    let signed = async |body: &str| {
        let now = app.now_s();
        app.send_webhook(&format!("t={now},v1={}", signature(SECRET, now, body)), body).await
    };
    signed("{").await.problem(400, "malformed_body");
    signed("").await.problem(400, "malformed_body");
    signed(r#"{"id":"a","id":"b"}"#).await.problem(400, "duplicate_json_key");
    signed("[]").await.invalid("body");
    signed(r#"{"type":"x","data":{}}"#).await.invalid("id");
    signed(r#"{"id":"","type":"x","data":{}}"#).await.invalid("id");
    signed(r#"{"id":7,"type":"x","data":{}}"#).await.invalid("id");
    signed(&json!({ "id": "e".repeat(256), "type": "x", "data": {} }).to_string()).await.invalid("id");
    signed(r#"{"id":"a","data":{}}"#).await.invalid("type");
    signed(r#"{"id":"a","type":"x"}"#).await.invalid("data");
    signed("{\"id\":\"a\",\"type\":\"x\",\"data\":\"\\u0000\"}").await.invalid("data");
    let long = json!({ "id": "a", "type": "x", "data": "x".repeat(256 * 1024) }).to_string();
    signed(&long).await.problem(413, "body_too_large");
    let stranger = Guest::stranger(&app);
    let now_s = app.now_s();
    let header = format!("t={now_s},v1={}", signature(SECRET, now_s, "{}"));
    let post = async |path: &str, media: &str| {
        let headers = [("content-type", media), ("simulator-signature", header.as_str())];
        stranger.send(Method::POST, path, &headers, Some(b"{}".to_vec())).await
    };
    post("/payments/webhooks/simulator", "text/plain").await.problem(415, "unsupported_media_type");
    post("/payments/webhooks/stripe", "application/json").await.problem(404, "not_found");
    post("/payments/webhooks/simulator?x=1", "application/json").await.invalid("x");
    assert_eq!(app.rows("webhook_events"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_an_unknown_type_is_taken_and_has_no_effect() {
    let app = TestApp::start().await;
    let payment_id = awaited(&app).await;
    for event_type in ["customer.created", "payment_intents.authorized", "refund.failed", "payment_intent", "."] {
        let event = app.event(event_type, &payment_id);
        for _ in 0..2 {
            assert_eq!(app.webhook(&event).await.ok(200), json!({ "status": "ignored" }), "{event_type}");
        }
        let more = json!({ "id": key(), "type": event_type, "data": null, "livemode": false });
        assert_eq!(app.webhook(&more).await.ok(200), json!({ "status": "ignored" }), "{event_type}");
    }
    assert_eq!((app.rows("webhook_events"), status(&app).as_str()), (10, "processing"));
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_copies_at_once_have_one_effect() {
    let app = TestApp::start().await;
    let beside = app.beside().await;
    let payment_id = awaited(&app).await;
    let event = app.event("payment_intent.authorized", &payment_id);
    let (now, body) = (app.now_s(), event.to_string());
    let header = format!("t={now},v1={}", signature(SECRET, now, &body));
    let copies = (0..50).map(|no| {
        let stranger = Guest::stranger(if no % 2 == 0 { &app } else { &beside });
        let (header, body) = (header.clone(), body.clone());
        tokio::spawn(async move {
            let headers = [("content-type", "application/json"), ("simulator-signature", header.as_str())];
            stranger.send(Method::POST, "/payments/webhooks/simulator", &headers, Some(body.into_bytes())).await
        })
    });
    for copy in copies.collect::<Vec<_>>() {
        assert_eq!(copy.await.expect("an answer").ok(200), json!({ "status": "applied" }));
    }
    assert_eq!((app.rows("webhook_events"), status(&app).as_str()), (1, "authorized"));
    assert_eq!(
        app.text("SELECT string_agg(topic, ' ' ORDER BY event_id) FROM outbox_events"),
        "payment.authorized hold.active"
    );
    assert_eq!(app.number("SELECT version FROM payments"), 3, "initiated, authorised, and once more by the event");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_provider_cannot_be_asked_an_event_is_to_be_sent_again() {
    let app = TestApp::start().await;
    let payment_id = awaited(&app).await;
    let event = app.event("payment_intent.authorized", &payment_id);
    app.execute("ALTER TABLE simulator_intents RENAME TO elsewhere");
    let refused = app.webhook(&event).await;
    refused.problem(503, "busy");
    assert!(refused.header("retry-after").is_some());
    assert_eq!((app.rows("webhook_events"), status(&app).as_str()), (0, "processing"), "nothing is taken in");
    app.execute("ALTER TABLE elsewhere RENAME TO simulator_intents");
    assert_eq!(app.webhook(&event).await.ok(200), json!({ "status": "applied" }));
    assert_eq!(status(&app), "authorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_contradicts_the_payment_is_put_aside_for_staff() {
    let app = TestApp::start().await;
    let payment_id = awaited(&app).await;
    let authorized = || app.event("payment_intent.authorized", &payment_id);
    let aside = async |change: &dyn Fn(&mut Value), reason: &str| {
        let mut event = authorized();
        change(&mut event["data"]);
        assert_eq!(app.webhook(&event).await.ok(200), json!({ "status": "quarantined" }), "{reason}");
        assert_eq!(app.inbox(&event), format!("quarantined: {reason}"));
    };
    let said = "the event is about 19999 EUR, and 20000 EUR was asked";
    aside(&|data| data["amount"]["amount"] = json!(19_999), said).await;
    let said = "the event is about 20000 USD, and 20000 EUR was asked";
    aside(&|data| data["amount"]["currency"] = json!("USD"), said).await;
    aside(&|data| data["intent_id"] = json!("pi_other"), "its payment has another intent").await;
    let said = "it cannot be read: missing field `intent_id`";
    aside(&|data| data.as_object_mut().map_or((), |data| drop(data.remove("intent_id"))), said).await;
    app.execute("UPDATE simulator_intents SET amount = 40000");
    let mut event = authorized();
    event["data"]["amount"]["amount"] = json!(20_000);
    assert_eq!(app.webhook(&event).await.ok(200), json!({ "status": "quarantined" }));
    assert_eq!(app.inbox(&event), "quarantined: the intent is for 40000 EUR, and 20000 EUR was asked");
    assert_eq!((status(&app).as_str(), app.rows("outbox_events")), ("processing", 0), "no effect");
    // Staff's to solve: nothing tries it again.
    assert_eq!(app.number("SELECT count(*) FROM webhook_events WHERE status = 'quarantined' AND retry_at IS NULL"), 5);
}
