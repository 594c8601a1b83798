//! Time runs out by the database's clock, swept or not.

use std::time::Duration;

use serde_json::Value;

use crate::support::{Guest, Hotel, Start, TestApp};

/// Holds of one second, swept every so many milliseconds.
async fn short_holds(sweep_interval_ms: u32) -> TestApp {
    TestApp::start_with(Start::Migrated, |given| {
        given.hold_ttl_s = Some("1".to_owned());
        given.confirm_window_s = Some("1".to_owned());
        given.sweep_interval_ms = Some(sweep_interval_ms.to_string());
    })
    .await
}

const NEVER_MS: u32 = 3_600_000;
const A_MOMENT: Duration = Duration::from_millis(1_150);

fn path(hold: &Value) -> String {
    format!("/holds/{}", hold["hold_id"].as_str().expect("an id"))
}

async fn on_sale(guest: &Guest, hotel: &Hotel) -> usize {
    let found = guest.get(&format!("/search?hotel_ids={}&{}", hotel.id(), hotel.stay(10, 12))).await.ok(200);
    found["data"].as_array().map_or(0, Vec::len)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_hold_makes_room_unswept() {
    let app = short_holds(NEVER_MS).await;
    let (ada, bob) = (app.guest(), app.guest());
    let hotel = Hotel::one_room(&app);
    let first = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    assert_eq!(on_sale(&bob, &hotel).await, 0);
    tokio::time::sleep(A_MOMENT).await;
    assert_eq!(ada.get(&path(&first)).await.ok(200)["status"], "expired");
    assert_eq!(app.text("SELECT status FROM holds"), "active", "nobody has swept");
    assert_eq!(hotel.stock(&app, hotel.day(10)), (1, 0));
    assert_eq!(on_sale(&bob, &hotel).await, 1, "every reader knows");
    let second = bob.held(&hotel.id(), &hotel.stay(10, 12)).await;
    assert_eq!(second["status"], "active");
    assert_eq!(hotel.stock(&app, hotel.day(10)), (1, 0));
    assert_eq!(app.text("SELECT string_agg(status, ' ' ORDER BY hold_id) FROM holds"), "expired active");
    ada.delete(&path(&first)).await.ok(204);
    assert_eq!(hotel.stock(&app, hotel.day(10)), (1, 0), "what has ended gives nothing back again");
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_holds_do_not_count_against_the_limit() {
    let app = TestApp::start_with(Start::Migrated, |given| {
        given.hold_ttl_s = Some("1".to_owned());
        given.hold_limit = Some("1".to_owned());
        given.sweep_interval_ms = Some(NEVER_MS.to_string());
    })
    .await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    let offer = ada.offer(&hotel.id(), &hotel.stay(20, 21)).await;
    let quote = ada.quote(&offer["offer_id"]).await;
    ada.hold(&quote["quote_id"]).await.problem(429, "hold_limit");
    tokio::time::sleep(A_MOMENT).await;
    ada.hold(&quote["quote_id"]).await.ok(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweeper_gives_rooms_back() {
    let app = short_holds(100).await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    assert_eq!(hotel.stock(&app, hotel.day(11)), (1, 0));
    app.eventually("SELECT status FROM holds", "expired").await;
    assert_eq!(hotel.stock(&app, hotel.day(10)), (0, 0));
    assert_eq!(hotel.stock(&app, hotel.day(11)), (0, 0));
    assert_eq!(app.number("SELECT count(*) FROM outbox_events WHERE topic = 'hold.expired'"), 1);
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_for_an_expired_hold_is_given_back() {
    // Swept by the sweeper; and unswept, when another guest takes the room.
    for sweep_interval_ms in [100, NEVER_MS] {
        let app = short_holds(sweep_interval_ms).await;
        let (ada, bob) = (app.guest(), app.guest());
        let hotel = Hotel::one_room(&app);
        let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
        let payment = ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
        tokio::time::sleep(A_MOMENT).await;
        ada.confirm(&hold["hold_id"]).await.problem(410, "hold_expired");
        bob.held(&hotel.id(), &hotel.stay(10, 12)).await;
        app.eventually("SELECT status FROM payments", "voided").await;
        assert_eq!(app.text("SELECT status FROM simulator_intents"), "voided");
        let payment = ada.get(&format!("/payments/{}", payment["payment_id"].as_str().expect("an id"))).await.ok(200);
        assert_eq!((&payment["status"], &payment["captured"]["amount"]), (&"voided".into(), &0.into()));
        assert_eq!(app.rows("bookings"), 0);
        app.verified();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_released_hold_gives_its_money_back_and_a_booking_takes_it() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    ada.delete(&path(&hold)).await.ok(204);
    app.eventually("SELECT status FROM payments", "voided").await;
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    ada.confirm(&hold["hold_id"]).await.ok(201);
    let states = "SELECT string_agg(status || captured_amount, ' ' ORDER BY payment_id) FROM payments";
    app.eventually(states, "voided0 captured20000").await;
    assert_eq!(
        app.text("SELECT string_agg(captured_amount::text, ' ' ORDER BY intent_id) FROM simulator_intents"),
        "0 20000"
    );
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn paying_keeps_a_short_hold_alive_for_its_confirmation() {
    let app = TestApp::start_with(Start::Migrated, |given| {
        given.hold_ttl_s = Some("1".to_owned());
        given.sweep_interval_ms = Some("100".to_owned());
    })
    .await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    let payment = ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    assert!(payment["hold_expires_at"].as_str() > hold["expires_at"].as_str());
    tokio::time::sleep(A_MOMENT).await;
    ada.confirm(&hold["hold_id"]).await.ok(201);
    assert_eq!(hotel.stock(&app, hotel.day(10)), (0, 1));
    app.verified();
}
