//! Idempotency keys of work that calls the provider: a claim may outlive the process that made it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Guest, Hotel, TestApp, key};

/// A paid hold whose key, payment and hold are put back to where a process that died left them.
async fn died(app: &TestApp, ada: &Guest, hotel: &Hotel, key: &str, lease: &str) -> Value {
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    let body = json!({ "hold_id": hold["hold_id"], "payment_method": "pm_card_visa" });
    let payment = ada.post_keyed("/payments", key, body.clone()).await.ok(201);
    app.all_told().await;
    app.execute(&format!(
        "BEGIN;
         UPDATE idempotency_keys SET status = NULL, body = NULL, location = NULL, finished_at = NULL,
                                     lease_until = clock_timestamp() + interval '{lease}' WHERE key = '{key}';
         UPDATE payments SET status = 'initiated';
         UPDATE payment_attempts SET recovery_point = 'claimed', intent_id = NULL, lease_until = clock_timestamp() + interval '1 hour';
         UPDATE holds SET status = 'paying', paying_until = clock_timestamp() + interval '2 minutes';
         COMMIT;"
    ));
    json!({ "body": body, "payment_id": payment["payment_id"] })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_a_dead_process_left_is_taken_over() {
    // It died before it reached the provider, between creating and confirming, or after the authorisation.
    for meanwhile in [
        "DELETE FROM simulator_intents",
        "UPDATE simulator_intents SET status = 'requires_confirmation';
         DELETE FROM simulator_requests WHERE request ->> 'operation' = 'confirm'",
        "UPDATE simulator_intents SET status = 'authorized'",
    ] {
        let app = TestApp::start().await;
        let ada = app.guest();
        let hotel = Hotel::one_room(&app);
        let key = key();
        let left = died(&app, &ada, &hotel, &key, "-1 second").await;
        app.execute(meanwhile);
        let answer = ada.post_keyed("/payments", &key, left["body"].clone()).await;
        let payment = answer.ok(201);
        assert_eq!(
            (&payment["status"], &payment["payment_id"]),
            (&json!("authorized"), &left["payment_id"]),
            "{meanwhile}"
        );
        assert_eq!(answer.header("idempotency-replayed"), None);
        assert_eq!(
            app.text("SELECT epoch || ' ' || status FROM idempotency_keys WHERE scope LIKE '%payments%'"),
            "2 201"
        );
        assert_eq!(app.text("SELECT string_agg(status, ',') FROM simulator_intents"), "authorized", "{meanwhile}");
        assert_eq!(app.text("SELECT string_agg(status, ',') FROM payments"), "authorized", "{meanwhile}");
        assert_eq!(app.text("SELECT status FROM holds"), "active");
        let again = ada.post_keyed("/payments", &key, left["body"].clone()).await;
        assert_eq!((again.status, &again.text), (201, &answer.text));
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_under_its_lease_is_its_holders() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let key = key();
    let left = died(&app, &ada, &hotel, &key, "1 hour").await;
    let refused = ada.post_keyed("/payments", &key, left["body"].clone()).await;
    refused.problem(409, "idempotency_in_progress");
    assert!(refused.header("retry-after").is_some());
    let other = json!({ "hold_id": left["body"]["hold_id"], "payment_method": "pm_card_chargeDeclined" });
    ada.post_keyed("/payments", &key, other).await.problem(409, "idempotency_key_reused");
    assert_eq!(app.text("SELECT string_agg(status, ',') FROM payments"), "initiated");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_nobody_asks_for_again_is_finished_by_the_worker() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let key = key();
    let left = died(&app, &ada, &hotel, &key, "-1 second").await;
    app.execute("DELETE FROM simulator_intents; UPDATE payment_attempts SET lease_until = clock_timestamp()");
    let path = format!("/payments/{}", left["payment_id"].as_str().expect("an id"));
    let mut payment = Value::Null;
    for _ in 0..50 {
        payment = ada.get(&path).await.ok(200);
        if payment["status"] == "authorized" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(payment["status"], "authorized");
    assert_eq!(app.rows("simulator_intents"), 1);
    // Whoever asks with the key after all finds it done.
    let answer = ada.post_keyed("/payments", &key, left["body"].clone()).await.ok(201);
    assert_eq!(answer["payment_id"], left["payment_id"]);
    ada.confirm(&left["body"]["hold_id"]).await.ok(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decline_is_replayed_and_asks_the_provider_once() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    let key = key();
    let body = json!({ "hold_id": hold["hold_id"], "payment_method": "pm_card_chargeDeclined" });
    let first = ada.post_keyed("/payments", &key, body.clone()).await;
    first.problem(402, "card_declined");
    let second = ada.post_keyed("/payments", &key, body).await;
    assert_eq!((second.status, &second.text), (402, &first.text));
    assert_eq!(second.header("content-type"), Some("application/problem+json"));
    assert_eq!(second.header("idempotency-replayed"), Some("true"));
    assert_eq!((app.rows("payments"), app.rows("simulator_intents")), (1, 1));
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_calls_at_once_with_one_key_pay_once() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    let key = key();
    let body = json!({ "hold_id": hold["hold_id"], "payment_method": "pm_card_visa" });
    let calls = (0..10).map(|_| {
        let (ada, key, body) = (ada.clone(), key.clone(), body.clone());
        tokio::spawn(async move { ada.post_keyed("/payments", &key, body).await })
    });
    for call in calls.collect::<Vec<_>>() {
        let answer = call.await.expect("an answer");
        if answer.status == 409 {
            answer.problem(409, "idempotency_in_progress")
        } else {
            answer.ok(201)
        };
    }
    assert_eq!((app.rows("payments"), app.rows("simulator_intents")), (1, 1));
    assert_eq!(app.text("SELECT status FROM simulator_intents"), "authorized");
    app.verified();
}
