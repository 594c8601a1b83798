//! Holds of several quotes, and holds that take more time.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Guest, Hotel, Start, Terms, TestApp, key};

fn rooms(capacity: i32) -> Terms {
    Terms { capacity, ..Terms::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_quotes_are_held_together() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let doubles = Hotel::with(&app, &rooms(3));
    let suites = doubles.another_room_type(&app, &Terms { price: 30_000, ..rooms(1) });
    let quotes = [
        ada.quoted(&suites, 10, 12, 1).await,
        ada.quoted(&doubles, 10, 13, 2).await,
        ada.quoted(&doubles, 12, 14, 1).await,
    ];
    let held = ada.hold_items(&quotes).await.ok(201);
    let ids: Vec<_> = held["items"].as_array().expect("items").iter().map(|item| item["quote_id"].clone()).collect();
    assert_eq!(ids, quotes, "in the order asked");
    // 2 suite nights at 300, 3 nights of two doubles and 2 nights of one at 100.
    assert_eq!(held["total"], json!({ "amount": 60_000 + 60_000 + 20_000, "currency": "EUR" }));
    let of_doubles: Vec<_> = (9..15).map(|day| doubles.stock(&app, doubles.day(day)).0).collect();
    assert_eq!(of_doubles, [0, 2, 2, 3, 1, 0], "one room type's rooms are summed a night");
    assert_eq!((9..13).map(|day| suites.stock(&app, suites.day(day)).0).collect::<Vec<_>>(), [0, 1, 1, 0]);

    ada.pay(&held["hold_id"], "pm_card_visa").await.ok(201);
    let booking = ada.confirm(&held["hold_id"]).await.ok(201);
    assert_eq!(booking["rooms"].as_array().map(Vec::len), Some(4), "a room each");
    assert_eq!(booking["total"], held["total"]);
    assert_eq!(doubles.stock(&app, doubles.day(12)), (0, 3));
    for quote_id in &quotes {
        ada.hold(quote_id).await.problem(409, "quote_used");
    }
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn items_are_held_all_or_none() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.guest(), app.guest());
    let doubles = Hotel::with(&app, &rooms(2));
    let suites = doubles.another_room_type(&app, &rooms(1));
    let two = [ada.quoted(&doubles, 10, 12, 2).await, ada.quoted(&doubles, 11, 13, 1).await];
    let short = ada.hold_items(&two).await.problem(409, "sold_out");
    assert_eq!(short["first_night"], doubles.day(11).to_string(), "each alone would fit, both do not");
    assert_eq!(short["item"], 0, "the first item that wants the night");

    let wanted = [ada.quoted(&doubles, 20, 21, 1).await, ada.quoted(&suites, 20, 22, 1).await];
    let taken = bob.quoted(&suites, 21, 22, 1).await;
    bob.hold(&taken).await.ok(201);
    let short = ada.hold_items(&wanted).await.problem(409, "sold_out");
    assert_eq!((&short["item"], &short["first_night"]), (&json!(1), &json!(suites.day(21).to_string())));
    assert_eq!(doubles.stock(&app, doubles.day(20)), (0, 0), "nothing of the other item is kept");
    assert_eq!(app.rows("holds"), 1);
    // The quotes are as good as before.
    ada.hold(&wanted[0]).await.ok(201);
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_item_is_checked_and_named() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.guest(), app.guest());
    let (hotel, other) = (Hotel::with(&app, &rooms(9)), Hotel::one_room(&app));
    let good = ada.quoted(&hotel, 10, 12, 1).await;

    let used = ada.quoted(&hotel, 10, 12, 1).await;
    ada.hold(&used).await.ok(201);
    assert_eq!(ada.hold_items(&[good.clone(), used]).await.problem(409, "quote_used")["item"], 1);

    let foreign = bob.quoted(&hotel, 10, 12, 1).await;
    ada.hold_items(&[good.clone(), foreign]).await.problem(404, "not_found");
    let elsewhere = ada.quoted(&other, 10, 12, 1).await;
    ada.hold_items(&[good.clone(), elsewhere]).await.invalid("items");

    let old = ada.quoted(&hotel, 10, 12, 1).await;
    app.execute(&format!("UPDATE quotes SET expires_at = clock_timestamp() WHERE quote_id = '{}'", text(&old)));
    assert_eq!(ada.hold_items(&[good.clone(), old]).await.problem(410, "quote_expired")["item"], 1);

    let dear = ada.quoted(&hotel, 20, 21, 1).await;
    let price = "UPDATE rates SET price = 11000, version = version + 1 WHERE hotel_id = $1 AND stay_date = $2";
    hotel.change_night(&app, hotel.day(20), price);
    let changed = ada.hold_items(&[good.clone(), dear]).await.problem(409, "price_changed");
    assert_eq!((&changed["item"], &changed["current_quote"]["total"]["amount"]), (&json!(1), &json!(11_000)));

    let closed = ada.quoted(&hotel, 30, 31, 1).await;
    let close = "UPDATE rates SET closed = true, version = version + 1 WHERE hotel_id = $1 AND stay_date = $2";
    hotel.change_night(&app, hotel.day(30), close);
    let refused = ada.hold_items(&[good.clone(), closed]).await.problem(409, "offer_unavailable");
    assert_eq!((&refused["item"], &refused["reasons"]), (&json!(1), &json!(["closed"])));
    // A version that rose for nothing is no change.
    hotel.change(&app, "UPDATE rates SET version = version + 1 WHERE hotel_id = $1 AND stay_date >= $2");
    ada.hold_items(&[good]).await.ok(201);
}

fn text(id: &Value) -> &str {
    id.as_str().expect("an id")
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_items_are_422_and_named() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let id = || json!(uuid::Uuid::now_v7());
    let twice = id();
    let ten: Vec<_> = (0..10).map(|_| json!({ "quote_id": id() })).collect();
    for (body, field) in [
        (json!({ "items": [] }), "items"),
        (json!({ "items": ten }), "items"),
        (json!({ "items": null }), "items"),
        (json!({ "items": [{ "quote_id": twice }, { "quote_id": twice }] }), "items[1].quote_id"),
        (json!({ "items": [{ "quote_id": id() }, { "quote_id": "x" }] }), "items[1].quote_id"),
        (json!({ "items": [{ "quote_id": id(), "rooms": 2 }] }), "items[0].rooms"),
        (json!({ "items": [{}] }), "items[0].quote_id"),
        (json!({ "items": [{ "quote_id": id() }], "quote_id": id() }), "items"),
        (json!({ "items": [{ "quote_id": id() }], "price": 1 }), "price"),
    ] {
        ada.post_keyed("/holds", &key(), body).await.invalid(field);
    }
    assert_eq!(app.rows("idempotency_keys"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_takes_more_time_once() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    let longer = ada.extend(&hold, 1, json!({ "extend_by_s": 90 })).await;
    let body = longer.ok(200);
    assert_eq!((&body["status"], &body["version"]), (&json!("active"), &json!(2)));
    assert_eq!(longer.header("etag"), Some("\"2\""));
    let seconds = "SELECT extract(epoch FROM expires_at - created_at)::int FROM holds";
    assert_eq!(app.number(seconds), 690, "ten minutes, and 90 seconds");
    assert_eq!(app.number("SELECT count(*) FROM outbox_events WHERE topic = 'hold.extended'"), 1);
    ada.extend(&hold, 2, json!({})).await.problem(409, "already_extended");
    assert_eq!(ada.get(&format!("/holds/{}", text(&hold["hold_id"]))).await.ok(200)["expires_at"], body["expires_at"]);
    ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    ada.confirm(&hold["hold_id"]).await.ok(201);
    ada.extend(&hold, 9, json!({})).await.problem(409, "hold_converted");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_said_is_ten_minutes_more() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::with(&app, &rooms(2));
    for body in [None, Some(b"{}".to_vec())] {
        let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
        let path = format!("/holds/{}/extend", text(&hold["hold_id"]));
        let mut headers = vec![("if-match", "\"1\"")];
        headers.extend(body.is_some().then_some(("content-type", "application/json")));
        ada.send(Method::POST, &path, &headers, body).await.ok(200);
    }
    assert_eq!(app.number("SELECT min(extract(epoch FROM expires_at - created_at))::int FROM holds"), 1_200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_is_refused_in_the_order_of_checks() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.guest(), app.guest());
    let hotel = Hotel::with(&app, &rooms(3));
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    let path = format!("/holds/{}/extend", text(&hold["hold_id"]));
    let post = async |guest: &Guest, tag: Option<&str>, body: Value| {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(tag.map(|tag| ("if-match", tag)));
        guest.send(Method::POST, &path, &headers, Some(body.to_string().into_bytes())).await
    };
    for malformed in ["1", "\"1", "", "\"1\" \"2\""] {
        post(&ada, Some(malformed), json!({})).await.problem(400, "malformed_request");
    }
    for (body, field) in [
        (json!({ "extend_by_s": 0 }), "extend_by_s"),
        (json!({ "extend_by_s": 601 }), "extend_by_s"),
        (json!({ "extend_by_s": -1 }), "extend_by_s"),
        (json!({ "extend_by_s": 1.5 }), "extend_by_s"),
        (json!({ "extend_by_s": "60" }), "extend_by_s"),
        (json!({ "expires_at": "2030-01-01T00:00:00Z" }), "expires_at"),
    ] {
        post(&ada, None, body).await.invalid(field);
    }
    post(&bob, None, json!({})).await.problem(404, "not_found");
    post(&ada, None, json!({})).await.problem(428, "precondition_required");
    for stale in ["\"2\"", "\"0\"", "W/\"1\"", "\"x\""] {
        assert_eq!(post(&ada, Some(stale), json!({})).await.problem(412, "precondition_failed")["current_version"], 1);
    }
    assert_eq!(app.number("SELECT extensions + version FROM holds"), 1, "nothing has changed");
    ada.pay(&hold["hold_id"], "pm_card_chargeDeclined").await.problem(402, "card_declined");
    app.execute("UPDATE holds SET status = 'paying', paying_until = expires_at, version = 5");
    post(&ada, Some("\"5\""), json!({})).await.problem(409, "payment_in_progress");
    app.execute("UPDATE holds SET status = 'active', paying_until = NULL");
    ada.delete(&format!("/holds/{}", text(&hold["hold_id"]))).await.ok(204);
    post(&ada, Some("\"1\""), json!({})).await.problem(410, "hold_released");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_hold_takes_no_more_time_swept_or_not() {
    for sweep_interval_ms in ["3600000", "10"] {
        let app = TestApp::start_with(Start::Migrated, |given| {
            given.sweep_interval_ms = Some(sweep_interval_ms.to_owned());
        })
        .await;
        let ada = app.guest();
        let hotel = Hotel::one_room(&app);
        let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
        app.execute("UPDATE holds SET expires_at = clock_timestamp()");
        if sweep_interval_ms == "10" {
            app.eventually("SELECT status FROM holds", "expired").await;
        }
        ada.extend(&hold, 1, json!({})).await.problem(410, "hold_expired");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_with_a_key_happens_once() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    let path = format!("/holds/{}/extend", text(&hold["hold_id"]));
    let key = key();
    let headers = [("content-type", "application/json"), ("if-match", "\"1\""), ("idempotency-key", key.as_str())];
    let mut bodies = Vec::new();
    for replayed in [None, Some("true")] {
        let answer = ada.send(Method::POST, &path, &headers, Some(b"{}".to_vec())).await;
        assert_eq!(answer.header("idempotency-replayed"), replayed);
        bodies.push(answer.ok(200));
    }
    assert_eq!(bodies[0], bodies[1]);
}
