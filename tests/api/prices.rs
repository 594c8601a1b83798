//! Prices: taxes, derived plans, children, what is due when, and what cancelling costs.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use lastroom::kernel::clock::local_instant;
use serde_json::{Value, json};

use crate::support::{Hotel, Terms, TestApp};

fn eur(amount: i64) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

#[tokio::test(flavor = "multi_thread")]
async fn taxes_are_included_added_or_paid_at_the_property() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    hotel.change(&app, "UPDATE inventory SET capacity = 2 WHERE hotel_id = $1");
    hotel.change(
        &app,
        "INSERT INTO taxes (hotel_id, tax_id, name, kind, percent, amount, included, due)
         SELECT $1, tax.* FROM (VALUES
             ('00000000-0000-7000-8000-000000000001'::uuid, 'VAT', 'percent', 10.0, NULL::bigint, true, 'now'),
             ('00000000-0000-7000-8000-000000000002', 'Linen', 'per_night', NULL, 500, true, 'now'),
             ('00000000-0000-7000-8000-000000000003', 'Service', 'percent', 5.0, NULL, false, 'now'),
             ('00000000-0000-7000-8000-000000000004', 'City', 'per_person_night', NULL, 288, false, 'at_property')) AS tax",
    );
    // 10000 shown: 500 linen; of the 9500 left, 9500 × 10/110 = 863.6 is VAT. Service: 5 % of 8636 = 431.8.
    let tax = |name: &str, amount: i64, included: bool, due: &str| json!({ "name": name, "amount": eur(amount), "included": included, "due": due });
    for rooms in [1, 2] {
        let offer = ada.offer(&hotel.id(), &format!("{}&adults=2&rooms={rooms}", hotel.stay(10, 12))).await;
        let night = |day: u64| {
            json!({ "date": hotel.day(day), "base": eur(rooms * 8_636), "taxes": [
                tax("VAT", rooms * 864, true, "now"),
                tax("Linen", rooms * 500, true, "now"),
                tax("Service", rooms * 432, false, "now"),
                tax("City", rooms * 576, false, "at_property"),
            ]})
        };
        let nightly = offer["nightly"].as_array().expect("nights");
        assert_eq!(nightly.len(), 2);
        for (line, day) in nightly.iter().zip([10, 11]) {
            let mut line = line.clone();
            line["taxes"].as_array_mut().expect("taxes").sort_by_key(|tax| match tax["name"].as_str() {
                Some("VAT") => 1,
                Some("Linen") => 2,
                Some("Service") => 3,
                _ => 4,
            });
            assert_eq!(line, night(day));
        }
        assert_eq!(offer["total"], eur(rooms * 22_016));
        assert_eq!(offer["due_now"], eur(rooms * 20_864));
        assert_eq!(offer["due_at_property"], eur(rooms * 1_152));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_derived_plan_follows_its_base() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::with(&app, &Terms { price: 10_005, ..Terms::default() });
    hotel.change(
        &app,
        "WITH plan AS (
             INSERT INTO rate_plans (hotel_id, rate_plan_id, name, meal_plan, payment_policy, derived_from, derived_percent, derived_amount)
             SELECT p.hotel_id, gen_random_uuid(), d.name, d.meals, 'prepaid', p.rate_plan_id, d.percent, d.amount
             FROM rate_plans p, (VALUES ('Saver', 'room_only', -12.5, NULL::bigint), ('Breakfast', 'breakfast', NULL, 1500),
                                               ('Free', 'half_board', NULL, -20000)) AS d (name, meals, percent, amount)
             WHERE p.hotel_id = $1 RETURNING hotel_id, rate_plan_id)
         INSERT INTO rate_plan_room_types (hotel_id, rate_plan_id, room_type_id)
         SELECT plan.hotel_id, plan.rate_plan_id, t.room_type_id FROM plan JOIN room_types t USING (hotel_id)",
    );
    // 10005 × 0.875 = 8754.375.
    let expected = [("Free", 0), ("Saver", 8_754), ("Flexible", 10_005), ("Breakfast", 11_505)];
    let shown = async || {
        let answer = ada.get(&format!("/hotels/{}/offers?{}", hotel.id(), hotel.stay(10, 11))).await.ok(200);
        let offers = answer["data"].as_array().expect("offers").clone();
        let line = |offer: &Value| {
            (
                offer["rate_plan_name"].as_str().expect("a name").to_owned(),
                offer["total"]["amount"].as_i64().expect("an amount"),
            )
        };
        offers.iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(shown().await, expected.map(|(name, total)| (name.to_owned(), total)), "cheapest first, never below 0");
    hotel.change(
        &app,
        "UPDATE rates SET price = 20000, version = version + 1 WHERE hotel_id = $1 AND price IS NOT NULL",
    );
    let expected = [("Free", 0), ("Saver", 17_500), ("Flexible", 20_000), ("Breakfast", 21_500)];
    assert_eq!(shown().await, expected.map(|(name, total)| (name.to_owned(), total)));
}

#[tokio::test(flavor = "multi_thread")]
async fn children_cost_what_their_band_says() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    hotel.change(
        &app,
        "INSERT INTO child_bands (hotel_id, rate_plan_id, max_age, amount)
         SELECT p.hotel_id, p.rate_plan_id, band.* FROM rate_plans p, (VALUES (2::smallint, 0), (11, 1500), (15, 3000)) AS band
         WHERE p.hotel_id = $1",
    );
    for (ages, a_night) in [
        ("", 10_000),
        ("2", 10_000),
        ("3", 11_500),
        ("11", 11_500),
        ("12", 13_000),
        ("16", 10_000),
        ("1,15", 13_000),
        ("5,%205", 13_000),
    ] {
        let offer = ada.offer(&hotel.id(), &format!("{}&adults=1&children_ages={ages}", hotel.stay(10, 12))).await;
        assert_eq!(offer["total"], eur(2 * a_night), "{ages}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paid_at_the_property_is_booked_without_a_payment() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::with(&app, &Terms { payment_policy: "pay_at_property", ..Terms::default() });
    let offer = ada.offer(&hotel.id(), &hotel.stay(10, 12)).await;
    assert_eq!((&offer["due_now"], &offer["due_at_property"]), (&eur(0), &eur(20_000)));
    assert_eq!(offer["payment_policy"], "pay_at_property");
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    ada.pay(&hold["hold_id"], "pm_card_visa").await.problem(409, "payment_not_required");
    assert_eq!(app.rows("payments"), 0);
    let booking = ada.confirm(&hold["hold_id"]).await.ok(201);
    assert_eq!((&booking["due_now"], &booking["due_at_property"]), (&eur(0), &eur(20_000)));
    assert_eq!(hotel.stock(&app, hotel.day(10)), (0, 1));
    assert_eq!(app.rows("jobs"), 0, "nothing to capture");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_has_absolute_deadlines_on_the_hotels_clock() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::with(&app, &Terms { time_zone: "Asia/Tokyo", free_until_hours: Some(48), ..Terms::default() });
    hotel.change(
        &app,
        "INSERT INTO cancellation_tiers (hotel_id, rate_plan_id, until_hours_before_check_in, penalty_nights, penalty_percent)
         SELECT p.hotel_id, p.rate_plan_id, tier.* FROM rate_plans p, (VALUES (24, 1::smallint, NULL::numeric), (6, NULL, 75.5)) AS tier
         WHERE p.hotel_id = $1",
    );
    let offer = ada.offer(&hotel.id(), &hotel.stay(10, 12)).await;
    // Check-in is at 15:00, in Tokyo 06:00 UTC.
    let line = |until: Value, penalty: i64| json!({ "until": until, "penalty": eur(penalty), "refund": eur(20_000 - penalty) });
    let at = |day: u64, time: &str| json!(format!("{}T{time}Z", hotel.day(day)));
    assert_eq!(
        offer["cancellation"],
        json!([
            line(at(8, "06:00:00"), 0),
            line(at(9, "06:00:00"), 10_000),
            line(at(10, "00:00:00"), 15_100),
            line(Value::Null, 20_000),
        ])
    );
}

#[derive(QueryableByName)]
struct Epoch {
    #[diesel(sql_type = BigInt)]
    seconds: i64,
}

/// The search computes deadlines in SQL, the offers in Rust: both read a hotel's clock the same way, on the days too on
/// which it is set.
#[tokio::test(flavor = "multi_thread")]
async fn a_hotels_clock_is_read_alike_everywhere() {
    let app = TestApp::start().await;
    let conn = &mut app.connect();
    let first: NaiveDateTime = "2027-01-01T00:00:00".parse().expect("a moment");
    for zone in ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Pacific/Auckland", "Antarctica/Troll"] {
        let read: Vec<Epoch> = diesel::sql_query(format!(
            "SELECT extract(epoch FROM wall AT TIME ZONE '{zone}')::bigint AS seconds
             FROM generate_series(timestamp '{first}', timestamp '{first}' + interval '365 days', '30 minutes') AS wall
             ORDER BY wall"
        ))
        .load(conn)
        .expect("a year");
        let walls = std::iter::successors(Some(first), |wall| Some(*wall + TimeDelta::minutes(30)));
        for (wall, epoch) in walls.zip(&read) {
            let instant = local_instant(zone.parse().expect("a zone"), wall.date(), wall.time());
            assert_eq!(instant.timestamp(), epoch.seconds, "{wall} in {zone}");
        }
        assert_eq!(read.len(), 365 * 48 + 1);
    }
}
