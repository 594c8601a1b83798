//! Refusals on the way from an offer to a hold.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Guest, Hotel, Start, Terms, TestApp, key};

async fn offered(guest: &Guest, hotel: &Hotel) -> Value {
    guest.offer(&hotel.id(), &hotel.stay(10, 12)).await["offer_id"].clone()
}

async fn quoted(guest: &Guest, hotel: &Hotel) -> Value {
    guest.quote(&offered(guest, hotel).await).await["quote_id"].clone()
}

/// As a hotelier's change would.
const DEARER: &str = "UPDATE rates SET price = price + 1, version = version + 1 WHERE hotel_id = $1 AND stay_date = $2";

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_must_be_one_of_ours() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let offer_id = offered(&ada, &hotel).await;
    let offer_id = offer_id.as_str().expect("an id");
    let other_end = if offer_id.ends_with('A') { "B" } else { "A" };
    let page = ada.get(&format!("/search?hotel_ids={0},{0}&{1}", hotel.id(), hotel.stay(1, 2))).await.ok(200);
    let other_kind = ada.refresh_token.clone();
    assert_eq!(page["data"].as_array().map(Vec::len), Some(1), "a hotel asked for twice is found once");
    for forged in [
        format!("{}{other_end}", &offer_id[..offer_id.len() - 1]),
        offer_id[1..].to_owned(),
        "x".to_owned(),
        other_kind,
    ] {
        ada.post("/quotes", json!({ "offer_id": forged })).await.problem(400, "offer_invalid");
    }
    assert_eq!(app.rows("quotes"), 0);
    ada.quote(&json!(offer_id)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_and_a_quote_grow_old() {
    let app = TestApp::start_with(Start::Migrated, |given| {
        given.offer_ttl_s = Some("1".to_owned());
        given.quote_ttl_s = Some("1".to_owned());
    })
    .await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let offer_id = offered(&ada, &hotel).await;
    let quote = ada.quote(&offer_id).await;
    assert_eq!(quote["expired"], false);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    ada.post("/quotes", json!({ "offer_id": offer_id })).await.problem(410, "offer_expired");
    let refused = ada.hold(&quote["quote_id"]).await.problem(410, "quote_expired");
    assert_eq!(refused["item"], 0);
    let path = format!("/quotes/{}", quote["quote_id"].as_str().expect("an id"));
    assert_eq!(ada.get(&path).await.ok(200)["expired"], true);
    assert_eq!((app.rows("quotes"), app.rows("holds")), (1, 0));
    assert_eq!(hotel.stock(&app, hotel.day(10)), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_repriced_meanwhile_comes_back_as_the_current_one() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let offer_id = offered(&ada, &hotel).await;
    hotel.change_night(&app, hotel.day(11), DEARER);
    let refused = ada.post("/quotes", json!({ "offer_id": offer_id })).await.problem(409, "price_changed");
    assert_eq!(refused["current_offer"]["total"], json!({ "amount": 20_001, "currency": "EUR" }));
    assert_eq!(app.rows("quotes"), 0);
    let quote = ada.quote(&refused["current_offer"]["offer_id"]).await;
    assert_eq!(quote["total"]["amount"], 20_001);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_repriced_meanwhile_comes_back_as_a_new_one_that_can_be_held() {
    let app = TestApp::start().await;
    let ada = app.guest();
    // A change of the price, and one of the policy alone.
    let policies = "UPDATE cancellation_tiers SET until_hours_before_check_in = 72 WHERE hotel_id = $1";
    let plans = "UPDATE rate_plans SET version = version + 1 WHERE hotel_id = $1";
    for (changes, total) in [(vec![DEARER], 20_001), (vec![policies, plans], 20_000)] {
        let hotel = Hotel::one_room(&app);
        let quote_id = quoted(&ada, &hotel).await;
        for change in changes {
            hotel.change_night(&app, hotel.day(11), change);
        }
        let refused = ada.hold(&quote_id).await.problem(409, "price_changed");
        assert_eq!(refused["item"], 0);
        assert_eq!(refused["current_quote"]["total"]["amount"], total);
        assert_eq!(hotel.stock(&app, hotel.day(10)), (0, 0), "a refusal takes nothing");
        ada.hold(&quote_id).await.problem(409, "price_changed");
        let hold = ada.hold(&refused["current_quote"]["quote_id"]).await.ok(201);
        assert_eq!(hold["total"]["amount"], total);
        assert_eq!(hold["items"][0]["cancellation"], refused["current_quote"]["cancellation"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_alone_changes_no_price() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let quote_id = quoted(&ada, &hotel).await;
    for table in ["hotels", "room_types", "rate_plans", "rates"] {
        hotel.change(&app, &format!("UPDATE {table} SET version = version + 1 WHERE hotel_id = $1"));
    }
    let hold = ada.hold(&quote_id).await.ok(201);
    assert_eq!(hold["items"][0]["quote_id"], quote_id);
    assert_eq!(app.rows("quotes"), 1, "no other quote was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_is_used_once() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::with(&app, &Terms { capacity: 5, ..Terms::default() });
    let quote_id = quoted(&ada, &hotel).await;
    let hold = ada.hold(&quote_id).await.ok(201);
    assert_eq!(ada.hold(&quote_id).await.problem(409, "quote_used")["item"], 0);
    // Giving the rooms back does not make the quote new.
    ada.delete(&format!("/holds/{}", hold["hold_id"].as_str().expect("an id"))).await.ok(204);
    ada.hold(&quote_id).await.problem(409, "quote_used");
    assert_eq!(app.rows("holds"), 1);
    assert_eq!(hotel.stock(&app, hotel.day(10)), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restriction_or_a_sale_meanwhile_refuses_the_hold() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let bob = app.guest();
    let restricted = Hotel::one_room(&app);
    let quote_id = quoted(&ada, &restricted).await;
    restricted.change_night(
        &app,
        restricted.day(10),
        "UPDATE rates SET closed_to_arrival = true, version = version + 1 WHERE hotel_id = $1 AND stay_date = $2",
    );
    let refused = ada.hold(&quote_id).await.problem(409, "offer_unavailable");
    assert_eq!((&refused["reasons"], &refused["item"]), (&json!(["closed_to_arrival"]), &json!(0)));

    let closed = Hotel::one_room(&app);
    let quote_id = quoted(&ada, &closed).await;
    closed.change_night(
        &app,
        closed.day(11),
        "UPDATE inventory SET closed = true, version = version + 1 WHERE hotel_id = $1 AND stay_date = $2",
    );
    let refused = ada.hold(&quote_id).await.problem(409, "offer_unavailable");
    assert_eq!((&refused["reasons"], &refused["item"]), (&json!(["closed"]), &json!(0)));

    let scarce = Hotel::one_room(&app);
    let quote_id = quoted(&ada, &scarce).await;
    bob.held(&scarce.id(), &scarce.stay(11, 14)).await;
    let refused = ada.hold(&quote_id).await.problem(409, "sold_out");
    assert_eq!((&refused["first_night"], &refused["item"]), (&json!(scarce.day(11)), &json!(0)));
    for hotel in [&restricted, &closed, &scarce] {
        assert_eq!(hotel.stock(&app, hotel.day(10)), (0, 0));
    }
    assert_eq!(app.rows("holds"), 1, "only the other guest's");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_has_five_live_holds_at_most() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let bob = app.guest();
    let hotel = Hotel::with(&app, &Terms { capacity: 9, ..Terms::default() });
    let mut last = Value::Null;
    for _ in 0..5 {
        last = ada.held(&hotel.id(), &hotel.stay(10, 12)).await["hold_id"].clone();
    }
    let quote_id = quoted(&ada, &hotel).await;
    let key = key();
    let refused = ada.post_keyed("/holds", &key, json!({ "quote_id": quote_id })).await;
    refused.problem(429, "hold_limit");
    assert!(refused.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok_and(|s| s > 0)));
    assert_eq!(hotel.stock(&app, hotel.day(10)), (5, 0));
    bob.held(&hotel.id(), &hotel.stay(10, 12)).await;
    // A 429 is not stored: the same key succeeds once there is room for a hold again.
    ada.delete(&format!("/holds/{}", last.as_str().expect("an id"))).await.ok(204);
    let placed = ada.post_keyed("/holds", &key, json!({ "quote_id": quote_id })).await;
    placed.ok(201);
    assert_eq!(placed.header("idempotency-replayed"), None);
    assert_eq!(hotel.stock(&app, hotel.day(10)), (6, 0));
}
