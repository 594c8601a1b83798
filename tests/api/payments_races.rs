//! Money under many hands: one hold paid by many, and many holds paid at the instant at which they expire.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::storm::Door;
use crate::support::{Answer, Guest, Hotel, Start, Terms, TestApp, key};

/// Posts under a key of its own until the answer is definite.
async fn definite(app: &TestApp, guest: &Guest, path: &str, body: Value) -> Answer {
    let door = Door::at(&app.address.to_string());
    door.insist(guest, Method::POST, path, &key(), Some(&body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_payments_of_one_hold_authorise_and_capture_once() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    let body = json!({ "hold_id": hold["hold_id"], "payment_method": "pm_card_visa" });
    let answers = join_all((0..50).map(|_| definite(&app, &ada, "/payments", body.clone()))).await;
    let paid = answers.iter().filter(|answer| answer.status == 201).count();
    let codes: Vec<_> = answers.iter().map(|answer| answer.json()["code"].clone()).collect();
    assert_eq!(paid, 1, "{codes:?}");
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert!(["payment_in_progress", "already_paid"].iter().any(|code| answer.json()["code"] == *code), "{codes:?}");
    }
    ada.confirm(&hold["hold_id"]).await.ok(201);
    app.eventually("SELECT count(*) FROM jobs WHERE done_at IS NULL", "0").await;
    assert_eq!(app.text("SELECT string_agg(status || captured_amount, ' ') FROM simulator_intents"), "captured20000");
    assert_eq!(app.text("SELECT string_agg(status, ' ') FROM payments"), "captured");
    app.verified();
}

/// Holds that all expire at one instant, each paid at some instant around it, each confirmed if it could be paid.
async fn around_the_instant_of_expiry(holds: i32) {
    let app = TestApp::start_with(Start::Migrated, |given| {
        given.hold_limit = Some("1000".to_owned());
        given.sweep_interval_ms = Some("100".to_owned());
    })
    .await;
    let ada = app.guest();
    let hotel = Hotel::with(&app, &Terms { capacity: holds, ..Terms::default() });
    let offer = ada.offer(&hotel.id(), &hotel.stay(10, 11)).await;
    let mut held = Vec::new();
    for _ in 0..holds {
        let quote = ada.quote(&offer["offer_id"]).await;
        held.push(ada.hold(&quote["quote_id"]).await.ok(201)["hold_id"].clone());
    }
    let spread = Duration::from_millis(20 * u64::from(holds.unsigned_abs()));
    app.execute(&format!(
        "UPDATE holds SET expires_at = clock_timestamp() + interval '{} milliseconds'",
        spread.as_millis() / 2
    ));
    let pay_and_confirm = async |at: usize, hold_id: &Value| {
        tokio::time::sleep(spread * u32::try_from(at).expect("few") / holds.unsigned_abs()).await;
        let pay = json!({ "hold_id": hold_id, "payment_method": "pm_card_visa" });
        let paid = definite(&app, &ada, "/payments", pay).await;
        if paid.status == 410 {
            return false;
        }
        paid.ok(201);
        let guest = json!({ "full_name": "Ada", "email": ada.email });
        let confirm = json!({ "hold_id": hold_id, "guest": guest });
        definite(&app, &ada, "/bookings", confirm).await.ok(201);
        true
    };
    let booked = join_all(held.iter().enumerate().map(|(at, hold_id)| pay_and_confirm(at, hold_id))).await;
    let booked = i64::try_from(booked.into_iter().filter(|booked| *booked).count()).expect("few");
    assert!(booked > 0 && booked < i64::from(holds), "{booked} of {holds}: the instant was missed");
    app.eventually("SELECT count(*) FROM jobs WHERE done_at IS NULL", "0").await;
    assert_eq!(app.rows("bookings"), booked);
    let kept = "SELECT count(*) FROM simulator_intents WHERE captured_amount = amount";
    assert_eq!(app.number(kept), booked, "a booking each is paid for");
    let open = "SELECT count(*) FROM simulator_intents WHERE status NOT IN ('captured', 'voided')";
    assert_eq!(app.number(open), 0, "and nothing else is kept or reserved");
    app.eventually("SELECT count(*) FROM holds WHERE status IN ('active', 'paying')", "0").await;
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_around_the_instant_of_expiry_book_or_keep_nothing() {
    around_the_instant_of_expiry(60).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "half a minute: the same with 500"]
async fn five_hundred_payments_around_the_instant_of_expiry_book_or_keep_nothing() {
    around_the_instant_of_expiry(500).await;
}
