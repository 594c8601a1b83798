//! Rows that somebody else keeps locked: callers are told so in time, nothing has changed, and later the same calls
//! succeed.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::crowd::crowd;
use crate::support::{Answer, Guest, Hotel, Start, Terms, TestApp, key};

/// As the production assembly sets it.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);
/// For a slow machine.
const SLACK: Duration = Duration::from_millis(1_500);

/// A call that can be made again as it was.
#[derive(Clone)]
struct Call {
    guest: Guest,
    method: Method,
    path: String,
    key: String,
    body: Value,
}

impl Call {
    fn post(guest: &Guest, path: &str, body: Value) -> Self {
        Self { guest: guest.clone(), method: Method::POST, path: path.to_owned(), key: key(), body }
    }

    fn release(guest: &Guest, hold: &Value) -> Self {
        let path = format!("/holds/{}", text(&hold["hold_id"]));
        Self { method: Method::DELETE, ..Self::post(guest, &path, Value::Null) }
    }

    async fn send(self) -> (Answer, Duration) {
        let headers = [("content-type", "application/json"), ("idempotency-key", &self.key), ("if-match", "\"1\"")];
        let (headers, body) = match self.method {
            Method::DELETE => (&headers[..0], None),
            _ => (&headers[..], Some(self.body.to_string().into_bytes())),
        };
        let begun = Instant::now();
        (self.guest.send(self.method, &self.path, headers, body).await, begun.elapsed())
    }
}

fn text(id: &Value) -> &str {
    id.as_str().expect("an id")
}

/// What each call was answered, all made at once, and the longest wait.
async fn all(calls: &[Call]) -> (Vec<Answer>, Duration) {
    let sent: Vec<_> = calls.iter().cloned().map(|call| tokio::spawn(call.send())).collect();
    let (mut answers, mut longest) = (Vec::new(), Duration::ZERO);
    for sent in sent {
        let (answer, took) = sent.await.expect("an answer");
        answers.push(answer);
        longest = longest.max(took);
    }
    (answers, longest)
}

/// Every one is told to come back, in time.
async fn assert_busy_within(calls: &[Call], bound: Duration) {
    let (refused, longest) = all(calls).await;
    for answer in &refused {
        answer.problem(503, "busy");
        assert!(answer.header("retry-after").is_some(), "{}", answer.text);
    }
    eprintln!("{} calls were refused within {longest:?}", refused.len());
    assert!(longest < bound, "{longest:?}");
}

fn confirmation(guest: &Guest, hold: &Value) -> Call {
    let name = json!({ "full_name": "Ada Lovelace", "email": guest.email });
    Call::post(guest, "/bookings", json!({ "hold_id": hold["hold_id"], "guest": name }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_somebody_keeps_locked_is_waited_for_and_then_answered_busy() {
    let mut app = TestApp::start_with(Start::Migrated, |given| given.pool_size = Some("16".to_owned())).await;
    let (ada, bob) = (app.guest(), app.guest());
    let hotel = |payment_policy| Hotel::with(&app, &Terms { capacity: 9, payment_policy, ..Terms::default() });
    let [full, sold, back, others] = ["pay_at_property"; 4].map(hotel);
    let prepaid = hotel("prepaid");
    let mut held = Vec::new();
    for hotel in [&sold, &back, &prepaid, &others] {
        held.push(ada.held(&hotel.id(), &hotel.stay(10, 12)).await);
    }
    let [to_sell, to_give_back, to_pay, to_extend] = &held[..] else { panic!("four holds") };
    let (free, bobs) = (ada.quoted(&full, 10, 12, 1).await, bob.quoted(&others, 10, 12, 1).await);
    let payment = json!({ "hold_id": to_pay["hold_id"], "payment_method": "pm_card_visa" });
    let extension = format!("/holds/{}/extend", text(&to_extend["hold_id"]));
    let (calls, then): (Vec<_>, Vec<_>) = [
        (Call::post(&ada, "/holds", json!({ "quote_id": free })), 201),
        (confirmation(&ada, to_sell), 201),
        (Call::release(&ada, to_give_back), 204),
        (Call::post(&bob, "/holds", json!({ "quote_id": bobs })), 201),
        (Call::post(&ada, "/payments", payment), 201),
        (Call::post(&ada, &extension, json!({})), 200),
    ]
    .into_iter()
    .unzip();
    let before = app.snapshot();

    // Nights of three, a user of one, a hold of two.
    let mut outside = app.connect();
    outside
        .batch_execute(&format!(
            "BEGIN;
             SELECT FROM inventory WHERE hotel_id IN ('{}', '{}', '{}') FOR UPDATE;
             SELECT FROM users WHERE email = '{}' FOR UPDATE;
             SELECT FROM holds WHERE hold_id IN ('{}', '{}') FOR UPDATE",
            full.hotel_id,
            sold.hotel_id,
            back.hotel_id,
            bob.email,
            text(&to_pay["hold_id"]),
            text(&to_extend["hold_id"]),
        ))
        .expect("locks");
    assert_busy_within(&calls, LOCK_TIMEOUT + SLACK).await;
    assert_eq!(app.snapshot(), before, "a refusal changes nothing");

    outside.batch_execute("ROLLBACK").expect("no locks");
    let (answers, _) = all(&calls).await;
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), then);
    drop(outside);
    app.sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_for_a_locked_row_is_answered_within_two_lock_timeouts() {
    let mut app = TestApp::start_with(Start::Migrated, |given| given.pool_size = Some("16".to_owned())).await;
    let hotel = Hotel::with(&app, &Terms { capacity: 9, ..Terms::default() });
    let mut calls = Vec::new();
    for guest in crowd(&app, 8) {
        let quote_id = guest.quoted(&hotel, 10, 12, 1).await;
        calls.push(Call::post(&guest, "/holds", json!({ "quote_id": quote_id })));
    }
    let before = app.snapshot();
    let mut outside = app.connect();
    outside.batch_execute("BEGIN; SELECT FROM inventory FOR UPDATE").expect("locks");
    // PostgreSQL's timeout is for each lock: the second in the queue waits for its turn, and then for the row.
    assert_busy_within(&calls, 2 * LOCK_TIMEOUT + SLACK).await;
    assert_eq!(app.snapshot(), before, "a refusal changes nothing");
    outside.batch_execute("ROLLBACK").expect("no locks");
    let (answers, _) = all(&calls).await;
    assert!(answers.iter().all(|answer| answer.status == 201));
    drop(outside);
    app.sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_somebody_keeps_is_waited_for_a_second() {
    let mut app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let call = Call::post(&ada, "/holds", json!({ "quote_id": ada.quoted(&hotel, 10, 12, 1).await }));
    let before = app.snapshot();
    // As a call that has just begun elsewhere.
    let mut outside = app.connect();
    outside
        .batch_execute(&format!(
            "BEGIN; INSERT INTO idempotency_keys (user_id, scope, key, body_hash, lease_until)
             SELECT user_id, 'POST /api/v1/holds ', '{}', '', clock_timestamp() FROM users WHERE email = '{}'",
            call.key, ada.email
        ))
        .expect("a key");
    let (refused, took) = call.clone().send().await;
    refused.problem(409, "idempotency_in_progress");
    assert!(refused.header("retry-after").is_some(), "{}", refused.text);
    assert!(took > Duration::from_millis(900) && took < Duration::from_secs(1) + SLACK, "{took:?}");
    assert_eq!(app.snapshot(), before, "a refusal changes nothing");

    outside.batch_execute("ROLLBACK").expect("no key");
    let (placed, _) = call.clone().send().await;
    placed.ok(201);
    // A key that has its answer is read, not locked.
    outside.batch_execute("BEGIN; SELECT FROM idempotency_keys FOR UPDATE").expect("a lock");
    let (again, _) = call.send().await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!(again.text, placed.text);
    drop(outside);
    app.sound();
}
