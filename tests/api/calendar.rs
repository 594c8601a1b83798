//! The calendar: what a night costs, and whether a stay can begin or end on a day.

use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

use crate::search_prices::{ODD, RESTRICT_DERIVED};
use crate::support::{Guest, Hotel, Start, Terms, TestApp};

async fn calendar(guest: &Guest, hotel_id: &str, from: NaiveDate, to: NaiveDate, more: &str) -> Vec<Value> {
    let path = format!("/hotels/{hotel_id}/calendar?from={from}&to={to}{more}");
    let days = guest.get(&path).await.ok(200)["data"].as_array().expect("days").clone();
    let dates: Vec<_> = days.iter().map(|day| day["date"].as_str().expect("a date").to_owned()).collect();
    let expected: Vec<_> = from.iter_days().take_while(|date| *date < to).map(|date| date.to_string()).collect();
    assert_eq!(dates, expected, "every day once, in order");
    for day in &days {
        for (can, because) in [("can_arrive", "cannot_arrive_because"), ("can_depart", "cannot_depart_because")] {
            assert_eq!(day[can].as_bool(), day[because].as_array().map(Vec::is_empty), "{day}");
        }
    }
    days
}

/// One day of a hotel, so many days from its today.
async fn day(guest: &Guest, hotel: &Hotel, at: u64, more: &str) -> Value {
    let mut days = calendar(guest, &hotel.id(), hotel.day(at), hotel.day(at + 1), more).await;
    days.pop().expect("a day")
}

async fn price(guest: &Guest, hotel: &Hotel, more: &str) -> Value {
    day(guest, hotel, 10, more).await["cheapest"]["price"]["amount"].clone()
}

/// Offers of one night that nothing but these forbids.
fn forbidden_by_no_more_than<'o>(offers: &'o [Value], reasons: &[&str]) -> Vec<&'o Value> {
    let only = |offer: &&Value| {
        let given = offer["reasons"].as_array().map(Vec::as_slice).unwrap_or_default();
        given.iter().all(|reason| reasons.contains(&reason.as_str().expect("a word")))
    };
    offers.iter().filter(only).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_costs_what_the_offers_of_one_night_say() {
    let app = TestApp::start_demo().await;
    let ada = app.guest();
    app.execute(&format!("{ODD}{RESTRICT_DERIVED}"));
    let first = crate::search::tuesday();
    for (city, party) in [("Paris", "&adults=2&children_ages=3"), ("Tokyo", "&adults=1&rooms=2")] {
        let hotels = app.text(&format!("SELECT string_agg(hotel_id::text, ' ') FROM hotels WHERE city = '{city}'"));
        for hotel_id in hotels.split(' ') {
            let days = calendar(&ada, hotel_id, first, first + Days::new(8), party).await;
            let mut before: Option<Vec<Value>> = None;
            for (at, day) in (0..).zip(&days) {
                let stay = format!("check_in={}&check_out={}", first + Days::new(at), first + Days::new(at + 1));
                let path = format!("/hotels/{hotel_id}/offers?{stay}{party}&include_unavailable=true");
                let offers = ada.get(&path).await.ok(200)["data"].as_array().expect("offers").clone();
                let stayed = ["min_stay", "max_stay", "closed_to_arrival", "closed_to_departure", "advance_purchase"];
                let cheapest = forbidden_by_no_more_than(&offers, &stayed);
                let cheapest = cheapest.into_iter().min_by_key(|offer| offer["total"]["amount"].as_i64());
                assert_eq!(day["cheapest"]["price"], cheapest.expect("an offer")["total"], "{day}");
                for member in ["room_type_id", "rate_plan_id"] {
                    assert_eq!(day["cheapest"][member], cheapest.expect("an offer")[member], "{day}");
                }
                let begins = forbidden_by_no_more_than(&offers, &["min_stay", "max_stay", "closed_to_departure"]);
                assert_eq!(day["can_arrive"], !begins.is_empty(), "{day}");
                if let Some(before) = before {
                    let within = ["min_stay", "max_stay", "closed_to_arrival", "advance_purchase"];
                    assert_eq!(day["can_depart"], !forbidden_by_no_more_than(&before, &within).is_empty(), "{day}");
                }
                before = Some(offers);
            }
        }
    }
}

/// What forbids day 10: the change, whether the night keeps its price, why none arrives then, why none departs then, why
/// none departs on day 11.
type Forbidding = (&'static str, bool, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

const FORBIDDING: &[Forbidding] = &[
    ("UPDATE inventory SET sold = 1 WHERE hotel_id = $1 AND stay_date = $2", false, &["sold_out"], &[], &["sold_out"]),
    ("UPDATE inventory SET closed = true WHERE hotel_id = $1 AND stay_date = $2", false, &["closed"], &[], &["closed"]),
    (
        "DELETE FROM inventory WHERE hotel_id = $1 AND stay_date = $2",
        false,
        &["sold_out", "closed"],
        &[],
        &["sold_out", "closed"],
    ),
    ("UPDATE rates SET closed = true WHERE hotel_id = $1 AND stay_date = $2", false, &["closed"], &[], &["closed"]),
    ("UPDATE rates SET price = NULL WHERE hotel_id = $1 AND stay_date = $2", false, &["closed"], &[], &["closed"]),
    (
        "UPDATE rates SET closed_to_arrival = true WHERE hotel_id = $1 AND stay_date = $2",
        true,
        &["closed_to_arrival"],
        &[],
        &[],
    ),
    (
        "UPDATE rates SET closed_to_departure = true WHERE hotel_id = $1 AND stay_date = $2",
        true,
        &[],
        &["closed_to_departure"],
        &[],
    ),
    (
        "UPDATE rates SET min_stay = 3, max_stay = 2 WHERE hotel_id = $1 AND stay_date = $2",
        true,
        &["min_stay", "max_stay"],
        &[],
        &[],
    ),
    ("UPDATE rate_plans SET min_advance_days = 11 WHERE hotel_id = $1", true, &["advance_purchase"], &[], &[]),
    ("UPDATE rate_plans SET max_advance_days = 9 WHERE hotel_id = $1", true, &["advance_purchase"], &[], &[]),
    ("UPDATE room_types SET max_adults = 1 WHERE hotel_id = $1", false, &["occupancy"], &["occupancy"], &["occupancy"]),
    (
        "UPDATE rate_plans SET deleted_at = clock_timestamp() WHERE hotel_id = $1",
        false,
        &["closed"],
        &["closed"],
        &["closed"],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_forbids_an_arrival_or_a_departure_is_told() {
    let app = TestApp::start().await;
    let ada = app.guest();
    for (change, priced, no_arrival, no_departure, no_departure_next) in FORBIDDING {
        let hotel = Hotel::one_room(&app);
        let before = day(&ada, &hotel, 10, "").await;
        let open = json!({
            "date": hotel.day(10),
            "cheapest": {
                "price": { "amount": 10_000, "currency": "EUR" },
                "room_type_id": hotel.room_type_id,
                "rate_plan_id": hotel.rate_plan_id,
            },
            "rooms_left": 1,
            "can_arrive": true, "cannot_arrive_because": [],
            "can_depart": true, "cannot_depart_because": [],
            "min_stay": null, "max_stay": null,
        });
        assert_eq!(before, open);
        hotel.change_night(&app, hotel.day(10), change);
        let days = calendar(&ada, &hotel.id(), hotel.day(10), hotel.day(12), "").await;
        assert_eq!(days[0]["cheapest"].is_object(), *priced, "{change}");
        assert_eq!(days[0]["rooms_left"], i32::from(*priced), "{change}");
        assert_eq!(days[0]["cannot_arrive_because"], json!(no_arrival), "{change}");
        assert_eq!(days[0]["cannot_depart_because"], json!(no_departure), "{change}");
        assert_eq!(days[1]["cannot_depart_because"], json!(no_departure_next), "{change}");
        assert_eq!(days[0]["min_stay"], Value::Null, "{change}");
    }
}

const SECOND_PLAN: &str = "
    WITH plan AS (
        INSERT INTO rate_plans (hotel_id, rate_plan_id, name, meal_plan, payment_policy, derived_from, derived_amount)
        SELECT hotel_id, gen_random_uuid(), 'Breakfast', 'breakfast', 'prepaid', rate_plan_id, 1000
        FROM rate_plans WHERE hotel_id = $1 RETURNING hotel_id, rate_plan_id)
    INSERT INTO rate_plan_room_types (hotel_id, rate_plan_id, room_type_id)
    SELECT plan.hotel_id, plan.rate_plan_id, t.room_type_id FROM plan JOIN room_types t USING (hotel_id)";

#[tokio::test(flavor = "multi_thread")]
async fn the_widest_lengths_of_stay_are_told() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let lengths = async |at: u64| {
        let day = day(&ada, &hotel, at, "").await;
        assert_eq!(day["can_arrive"], true, "a length of stay keeps nobody from arriving");
        (day["min_stay"].clone(), day["max_stay"].clone())
    };
    hotel.change(&app, "UPDATE rate_plans SET min_stay = 2, max_stay = 5 WHERE hotel_id = $1");
    hotel.change_night(&app, hotel.day(10), "UPDATE rates SET min_stay = 3 WHERE hotel_id = $1 AND stay_date = $2");
    assert_eq!(lengths(10).await, (json!(3), json!(5)), "the night outweighs the plan");
    assert_eq!(lengths(11).await, (json!(2), json!(5)));
    hotel.change(&app, SECOND_PLAN);
    assert_eq!(lengths(10).await, (Value::Null, Value::Null), "the other plan has no limits");
    let second = "UPDATE rate_plans SET min_stay = 4, max_stay = 7 WHERE hotel_id = $1 AND derived_from IS NOT NULL";
    hotel.change(&app, second);
    assert_eq!(lengths(10).await, (json!(3), json!(7)), "the smallest minimum, the largest maximum");
    let shut = "UPDATE rates SET closed_to_arrival = true WHERE hotel_id = $1 AND stay_date = $2";
    hotel.change_night(&app, hotel.day(10), shut);
    assert_eq!(lengths(10).await, (json!(4), json!(7)), "of what lets a stay begin");
}

#[tokio::test(flavor = "multi_thread")]
async fn reasons_of_all_plans_are_put_together() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    hotel.change(&app, SECOND_PLAN);
    hotel.change(&app, "UPDATE rate_plans SET min_advance_days = 30 WHERE hotel_id = $1 AND derived_from IS NOT NULL");
    let shut = "UPDATE rates SET closed_to_arrival = true WHERE hotel_id = $1 AND stay_date = $2";
    hotel.change_night(&app, hotel.day(10), shut);
    let shown = day(&ada, &hotel, 10, "").await;
    assert_eq!(shown["cannot_arrive_because"], json!(["closed_to_arrival", "advance_purchase"]));
    let shown = day(&ada, &hotel, 10, "&rooms=2").await;
    assert_eq!(shown["cannot_arrive_because"], json!(["sold_out", "closed_to_arrival", "advance_purchase"]));
    assert_eq!((&shown["cheapest"], &shown["rooms_left"]), (&Value::Null, &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn taxes_children_and_rooms_are_in_the_price() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::with(&app, &Terms { capacity: 12, ..Terms::default() });
    hotel.change(
        &app,
        "INSERT INTO taxes (hotel_id, tax_id, name, kind, percent, amount, included, due)
         SELECT $1, gen_random_uuid(), tax.* FROM (VALUES
             ('VAT', 'percent', 10.0, NULL::bigint, true, 'now'),
             ('Linen', 'per_night', NULL, 500, true, 'now'),
             ('Service', 'percent', 5.0, NULL, false, 'now'),
             ('City', 'per_person_night', NULL, 288, false, 'at_property')) AS tax",
    );
    hotel.change(
        &app,
        "INSERT INTO child_bands (hotel_id, rate_plan_id, max_age, amount)
         SELECT hotel_id, rate_plan_id, 11, 1500 FROM rate_plans WHERE hotel_id = $1",
    );
    // As in the prices' own test: 10000 shown, 432 of service and two guests' 288 added.
    assert_eq!(price(&ada, &hotel, "").await, 11_008);
    assert_eq!(price(&ada, &hotel, "&adults=1").await, 10_720);
    assert_eq!(price(&ada, &hotel, "&rooms=3").await, 33_024);
    // 11500 shown: 11000 × 10/110 = 1000 of VAT leave 10000; 500 of service and two guests' 288 are added.
    assert_eq!(price(&ada, &hotel, "&adults=1&children_ages=4").await, 12_576);
    assert_eq!(price(&ada, &hotel, "&adults=2&children_ages=4,5").await, Value::Null, "three sleep there");
    assert_eq!(day(&ada, &hotel, 10, "").await["rooms_left"], 9, "at most nine are told");
}

#[tokio::test(flavor = "multi_thread")]
async fn live_holds_take_rooms_and_expired_ones_do_not_swept_or_not() {
    let app = TestApp::start_with(Start::Migrated, |given| given.sweep_interval_ms = Some("3600000".to_owned())).await;
    let ada = app.guest();
    let hotel = Hotel::with(&app, &Terms { capacity: 2, ..Terms::default() });
    ada.held(&hotel.id(), &hotel.stay(10, 11)).await;
    assert_eq!(day(&ada, &hotel, 10, "").await["rooms_left"], 1);
    assert_eq!(day(&ada, &hotel, 11, "").await["rooms_left"], 2);
    assert_eq!(day(&ada, &hotel, 10, "&rooms=2").await["cannot_arrive_because"], json!(["sold_out"]));
    app.execute("UPDATE holds SET expires_at = clock_timestamp()");
    assert_eq!(hotel.stock(&app, hotel.day(10)), (1, 0), "nobody has swept");
    assert_eq!(day(&ada, &hotel, 10, "").await["rooms_left"], 2);
    assert_eq!(price(&ada, &hotel, "&rooms=2").await, 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_been_at_the_hotel_is_closed() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::with(&app, &Terms { time_zone: "Pacific/Kiritimati", ..Terms::default() });
    for (table, columns, values) in [
        ("inventory", "room_type_id, stay_date, capacity", "room_type_id, stay_date - 1, 1"),
        ("rates", "rate_plan_id, room_type_id, stay_date, price", "rate_plan_id, room_type_id, stay_date - 1, 10000"),
    ] {
        let insert = format!("INSERT INTO {table} (hotel_id, {columns}) SELECT hotel_id, {values} FROM {table}");
        hotel.change(&app, &format!("{insert} WHERE hotel_id = $1 AND stay_date = $2"));
    }
    let days = calendar(&ada, &hotel.id(), hotel.today - Days::new(1), hotel.day(2), "").await;
    let shown = |day: &Value| (day["cheapest"].is_object(), day["can_arrive"] == true, day["can_depart"] == true);
    assert_eq!(
        days.iter().map(shown).collect::<Vec<_>>(),
        [
            (false, false, false),
            // Whoever leaves today has come before.
            (true, true, false),
            (true, true, true),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_has_1_to_366_days_from_today_on() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let days = calendar(&ada, &hotel.id(), hotel.today, hotel.day(366), "").await;
    assert_eq!(days.iter().filter(|day| day["can_arrive"] == true).count(), 60);
    let path = format!("/hotels/{}/calendar", hotel.id());
    let dates = |from: NaiveDate, to: NaiveDate| format!("from={from}&to={to}");
    let earliest = app.text("(clock_timestamp() AT TIME ZONE 'UTC' - interval '12 hours')::date - 1");
    for (query, field) in [
        (dates(hotel.today, hotel.day(367)), "to"),
        (dates(hotel.today, hotel.today), "to"),
        (dates(hotel.day(2), hotel.day(1)), "to"),
        (format!("from={earliest}&to={}", hotel.day(3)), "from"),
        (format!("from=2027-02-29&to={}", hotel.day(3)), "from"),
        (format!("from={}", hotel.today), "to"),
        (format!("{}&adults=0", dates(hotel.today, hotel.day(1))), "adults"),
        (format!("{}&rooms=10", dates(hotel.today, hotel.day(1))), "rooms"),
        (format!("{}&children_ages=18", dates(hotel.today, hotel.day(1))), "children_ages"),
        (format!("{}&check_in={}", dates(hotel.today, hotel.day(1)), hotel.today), "check_in"),
    ] {
        ada.get(&format!("{path}?{query}")).await.invalid(field);
    }
    let query = dates(hotel.today, hotel.day(1));
    Guest::stranger(&app).get(&format!("{path}?{query}")).await.problem(401, "unauthenticated");
    let nobody = uuid::Uuid::now_v7();
    ada.get(&format!("/hotels/{nobody}/calendar?{query}")).await.problem(404, "not_found");
    ada.get(&format!("/hotels/x/calendar?{query}")).await.problem(404, "not_found");
    hotel.change(&app, "UPDATE hotels SET deleted_at = clock_timestamp() WHERE hotel_id = $1");
    ada.get(&format!("{path}?{query}")).await.problem(404, "not_found");
}
