//! Offers: why a stay is not sold, and whose day it is.

use chrono::Days;
use serde_json::{Value, json};

use crate::support::{Guest, Hotel, Start, Terms, TestApp};

async fn offers(guest: &Guest, hotel: &Hotel, query: &str) -> Vec<Value> {
    let answer = guest.get(&format!("/hotels/{}/offers?{query}", hotel.id())).await.ok(200);
    answer["data"].as_array().expect("offers").clone()
}

/// How many hotels the search finds there: none or one.
async fn searched(guest: &Guest, hotel: &Hotel, query: &str) -> usize {
    let page = guest.get(&format!("/search?hotel_ids={}&{query}", hotel.id())).await.ok(200);
    page["data"].as_array().map_or(0, Vec::len)
}

/// What forbids the stay from the 10th to the 12th day: the reason, the day (`$2`), the change.
const FORBIDDING: &[(&str, u64, &str)] = &[
    ("sold_out", 11, "UPDATE inventory SET sold = 1 WHERE hotel_id = $1 AND stay_date = $2"),
    ("closed", 11, "UPDATE inventory SET closed = true WHERE hotel_id = $1 AND stay_date = $2"),
    ("closed", 11, "UPDATE rates SET closed = true WHERE hotel_id = $1 AND stay_date = $2"),
    ("closed", 11, "UPDATE rates SET price = NULL WHERE hotel_id = $1 AND stay_date = $2"),
    ("min_stay", 10, "UPDATE rates SET min_stay = 3 WHERE hotel_id = $1 AND stay_date = $2"),
    ("min_stay", 0, "UPDATE rate_plans SET min_stay = 3 WHERE hotel_id = $1"),
    ("max_stay", 10, "UPDATE rates SET max_stay = 1 WHERE hotel_id = $1 AND stay_date = $2"),
    ("max_stay", 0, "UPDATE rate_plans SET max_stay = 1 WHERE hotel_id = $1"),
    ("closed_to_arrival", 10, "UPDATE rates SET closed_to_arrival = true WHERE hotel_id = $1 AND stay_date = $2"),
    ("closed_to_departure", 12, "UPDATE rates SET closed_to_departure = true WHERE hotel_id = $1 AND stay_date = $2"),
    ("occupancy", 0, "UPDATE room_types SET max_adults = 1 WHERE hotel_id = $1"),
    ("occupancy", 0, "UPDATE room_types SET max_occupancy = 1 WHERE hotel_id = $1"),
    ("advance_purchase", 0, "UPDATE rate_plans SET min_advance_days = 11 WHERE hotel_id = $1"),
    ("advance_purchase", 0, "UPDATE rate_plans SET max_advance_days = 9 WHERE hotel_id = $1"),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_on_sale_says_why_and_cannot_be_quoted() {
    let app = TestApp::start().await;
    let ada = app.guest();
    for (reason, day, change) in FORBIDDING {
        let hotel = Hotel::one_room(&app);
        let stay = hotel.stay(10, 12);
        let offer = ada.offer(&hotel.id(), &stay).await;
        assert!(offer.get("reasons").is_none(), "{reason}: on sale before");
        assert_eq!(searched(&ada, &hotel, &stay).await, 1);

        hotel.change_night(&app, hotel.day(*day), change);
        assert_eq!(offers(&ada, &hotel, &stay).await, Vec::<Value>::new(), "{change}");
        assert_eq!(searched(&ada, &hotel, &stay).await, 0, "{change}");
        let shown = offers(&ada, &hotel, &format!("{stay}&include_unavailable=true")).await;
        assert_eq!(shown.len(), 1, "{change}");
        assert_eq!(shown[0]["reasons"], json!([reason]), "{change}");
        assert!(shown[0].get("offer_id").is_none(), "{change}: {}", shown[0]);

        let refused = ada.post("/quotes", json!({ "offer_id": offer["offer_id"] })).await;
        assert_eq!(refused.problem(409, "offer_unavailable")["reasons"], json!([reason]), "{change}");
    }
    assert_eq!(app.rows("quotes"), 0);
}

/// Changes beside the stay, which forbid nothing: the day (`$2`) and the change.
const HARMLESS: &[(u64, &str)] = &[
    (12, "UPDATE inventory SET closed = true, sold = 1 WHERE hotel_id = $1 AND stay_date = $2"),
    (12, "UPDATE rates SET closed = true, price = NULL WHERE hotel_id = $1 AND stay_date = $2"),
    (11, "UPDATE rates SET min_stay = 3, closed_to_arrival = true WHERE hotel_id = $1 AND stay_date = $2"),
    (11, "UPDATE rates SET closed_to_departure = true WHERE hotel_id = $1 AND stay_date = $2"),
    (10, "UPDATE rates SET min_stay = 2, max_stay = 2 WHERE hotel_id = $1 AND stay_date = $2"),
    (0, "UPDATE rate_plans SET min_advance_days = 10, max_advance_days = 10 WHERE hotel_id = $1"),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_beside_the_stay_forbids_nothing() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let stay = hotel.stay(10, 12);
    for (day, change) in HARMLESS {
        hotel.change_night(&app, hotel.day(*day), change);
        assert_eq!(offers(&ada, &hotel, &stay).await.len(), 1, "{change}");
        assert_eq!(searched(&ada, &hotel, &stay).await, 1, "{change}");
    }
    // The arrival's own night outweighs the plan, in both directions.
    hotel.change(&app, "UPDATE rate_plans SET min_stay = 5 WHERE hotel_id = $1");
    assert_eq!(offers(&ada, &hotel, &stay).await.len(), 1);
    assert_eq!(searched(&ada, &hotel, &stay).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn reasons_add_up() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    hotel.change(&app, "UPDATE rate_plans SET min_stay = 3, min_advance_days = 20 WHERE hotel_id = $1");
    let query = format!("{}&adults=3&rooms=2&include_unavailable=true", hotel.stay(10, 12));
    let shown = offers(&ada, &hotel, &query).await;
    assert_eq!(shown[0]["reasons"], json!(["sold_out", "min_stay", "occupancy", "advance_purchase"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn today_is_the_hotels_own() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let late = Hotel::with(&app, &Terms { time_zone: "Pacific/Pago_Pago", city: "Pago Pago", ..Terms::default() });
    let early = Hotel::with(&app, &Terms { time_zone: "Pacific/Kiritimati", city: "London", ..Terms::default() });
    assert!(early.today > late.today, "it is never the same day there");
    // The early hotel has stock and prices for the day before its own, so that only the day can be in the way.
    for (table, columns, values) in [
        ("inventory", "room_type_id, stay_date, capacity", "room_type_id, stay_date - 3, 1"),
        ("rates", "rate_plan_id, room_type_id, stay_date, price", "rate_plan_id, room_type_id, stay_date - 3, 10000"),
    ] {
        early.change(
            &app,
            &format!(
                "INSERT INTO {table} (hotel_id, {columns})
             SELECT hotel_id, {values} FROM {table} WHERE hotel_id = $1 AND stay_date < $2 + 3"
            ),
        );
    }
    let tonight = format!("check_in={}&check_out={}", late.today, late.today + Days::new(1));
    assert_eq!(offers(&ada, &late, &tonight).await.len(), 1, "tonight can be booked until the day is over there");
    assert_eq!(searched(&ada, &late, &tonight).await, 1);
    assert_eq!(offers(&ada, &early, &tonight).await.len(), 0, "that night has been there");
    assert_eq!(searched(&ada, &early, &tonight).await, 0);
    let shown = offers(&ada, &early, &format!("{tonight}&include_unavailable=true")).await;
    assert_eq!(shown[0]["reasons"], json!(["closed"]));

    let earliest = app.text("(clock_timestamp() AT TIME ZONE 'UTC' - interval '12 hours')::date - 1");
    let past = format!("check_in={earliest}&check_out={}", late.day(3));
    ada.get(&format!("/search?hotel_ids={}&{past}", late.id())).await.invalid("check_in");
    ada.get(&format!("/hotels/{}/offers?{past}", late.id())).await.invalid("check_in");
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_left_counts_live_holds_and_tells_at_most_nine() {
    let app = TestApp::start_with(Start::Migrated, |_| {}).await;
    let ada = app.guest();
    let hotel = Hotel::with(&app, &Terms { capacity: 12, ..Terms::default() });
    let stay = hotel.stay(10, 12);
    assert_eq!(ada.offer(&hotel.id(), &stay).await["rooms_left"], 9);
    ada.held(&hotel.id(), &format!("{}&rooms=5", hotel.stay(11, 13))).await;
    assert_eq!(ada.offer(&hotel.id(), &stay).await["rooms_left"], 7, "the scarcest night counts");
    assert_eq!(ada.offer(&hotel.id(), &hotel.stay(10, 11)).await["rooms_left"], 9);
    assert_eq!(offers(&ada, &hotel, &format!("{stay}&rooms=8")).await.len(), 0);
    assert_eq!(offers(&ada, &hotel, &format!("{stay}&rooms=7")).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hotel_that_is_no_more_has_no_offers() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let stay = hotel.stay(10, 12);
    let offer = ada.offer(&hotel.id(), &stay).await;
    hotel.change(&app, "UPDATE hotels SET deleted_at = clock_timestamp() WHERE hotel_id = $1");
    ada.get(&format!("/hotels/{}/offers?{stay}", hotel.id())).await.problem(404, "not_found");
    ada.post("/quotes", json!({ "offer_id": offer["offer_id"] })).await.problem(404, "not_found");
    assert_eq!(searched(&ada, &hotel, &stay).await, 0);
    assert_eq!(app.rows("quotes"), 0);
}
