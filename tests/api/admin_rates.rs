//! Rates as staff see and steer them.

mod refusals;

use chrono::NaiveDate;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::admin_inventory::{grid, items, manager_of};
use crate::support::{Hotel, Terms, TestApp};

pub fn path(hotel: &Hotel) -> String {
    format!("/admin/hotels/{}/rates", hotel.id())
}

/// One item of the hotel's plan and room type.
pub fn item(hotel: &Hotel, from: NaiveDate, to: NaiveDate, set: Value) -> Value {
    json!({
        "rate_plan_id": hotel.rate_plan_id, "room_type_id": hotel.room_type_id, "from": from, "to": to, "set": set
    })
}

pub fn euro(amount: i64) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

/// A plan 10 % cheaper than the hotel's own, of the same room type: the hotel seen through it.
pub fn derived(app: &TestApp, hotel: &Hotel) -> Hotel {
    let rate_plan_id = Uuid::now_v7();
    hotel.change(
        app,
        &format!(
            "WITH plan AS (
                 INSERT INTO rate_plans (hotel_id, rate_plan_id, name, meal_plan, payment_policy, derived_from, derived_percent)
                 SELECT $1, '{rate_plan_id}', 'Derived', 'room_only', 'prepaid', '{}', -10 WHERE $2 IS NOT NULL
                 RETURNING hotel_id, rate_plan_id
             )
             INSERT INTO rate_plan_room_types (hotel_id, rate_plan_id, room_type_id)
             SELECT hotel_id, rate_plan_id, '{}' FROM plan",
            hotel.rate_plan_id, hotel.room_type_id
        ),
    );
    Hotel { rate_plan_id, ..*hotel }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_prices_and_restricts_many_nights_at_once() {
    let app = TestApp::start().await;
    let hotel = Hotel::one_room(&app);
    let (cheaper, suite) = (derived(&app, &hotel), hotel.another_room_type(&app, &Terms::default()));
    let staff = manager_of(&app, &hotel).await;
    let change = items(&[
        item(&hotel, hotel.day(0), hotel.day(10), json!({ "price": euro(12_345), "min_stay": 2, "max_stay": 7 })),
        item(&hotel, hotel.day(5), hotel.day(6), json!({ "closed_to_arrival": true, "closed_to_departure": true })),
        item(&cheaper, hotel.day(3), hotel.day(5), json!({ "closed": true })),
        item(&cheaper, hotel.day(6), hotel.day(9), json!({ "closed": false, "min_stay": null })),
        item(&suite, hotel.day(70), hotel.day(72), json!({ "price": euro(0) })),
    ]);
    let done = staff.patch_many(&path(&hotel), change.clone()).await.ok(200);
    let expected = json!({ "items": 5, "nights": 17, "changed": 14, "created": 4 });
    assert_eq!(done, expected, "that a night is open, and as long as the plan has it, goes without saying");

    let rows = grid(&staff, &format!("{}?from={}&to={}", path(&hotel), hotel.day(0), hotel.day(80))).await;
    assert_eq!(rows.len(), 3 * 80, "every night of what the plans sell");
    let night = |of: &Hotel, day: u64| {
        let is = |row: &&Value| {
            row["rate_plan_id"] == json!(of.rate_plan_id)
                && row["room_type_id"] == json!(of.room_type_id)
                && row["date"] == json!(hotel.day(day))
        };
        rows.iter().find(is).cloned().expect("a night")
    };
    let arrival = json!({
        "rate_plan_id": hotel.rate_plan_id, "room_type_id": hotel.room_type_id, "date": hotel.day(5),
        "price": euro(12_345), "derived_from": null, "min_stay": 2, "max_stay": 7, "closed": false,
        "closed_to_arrival": true, "closed_to_departure": true, "version": 2
    });
    assert_eq!(night(&hotel, 5), arrival);
    let computed = night(&cheaper, 5);
    assert_eq!(
        (&computed["price"], &computed["derived_from"], &computed["version"]),
        (&euro(11_111), &json!(hotel.rate_plan_id), &json!(0))
    );
    let closed = night(&cheaper, 4);
    assert_eq!((&closed["closed"], &closed["min_stay"], &closed["version"]), (&json!(true), &Value::Null, &json!(1)));
    assert_eq!(night(&suite, 71)["price"], euro(0));
    let unset = night(&suite, 79);
    assert_eq!((&unset["price"], &unset["version"]), (&Value::Null, &json!(0)));
    assert_eq!(app.number("SELECT count(*) FROM rates WHERE version = 1 AND price = 10000"), 110);

    let trace = app.text(
        "SELECT concat_ws(' ', resource, action, after = $$AFTER$$, before) FROM audit_entries WHERE hotel_id IN (SELECT hotel_id FROM hotels)"
            .replace(
                "AFTER",
                &json!({ "items": change["items"], "nights": 17, "changed": 14, "created": 4 }).to_string(),
            )
            .as_str(),
    );
    let before = trace.strip_prefix("rates changed t ").expect("the items, and what they did");
    let mut before: Value = serde_json::from_str(before).expect("JSON");
    let nights: Vec<_> = before["changed"].as_array_mut().expect("a list").iter_mut().flat_map(|alike| {
        let nights = alike["nights"].take();
        let was = json!({
            "rate_plan_id": hotel.rate_plan_id, "room_type_id": hotel.room_type_id, "nights": null, "price": 10_000,
            "min_stay": null, "max_stay": null, "closed": false, "closed_to_arrival": false, "closed_to_departure": false
        });
        assert_eq!(*alike, was);
        nights.as_array().cloned().expect("nights")
    }).collect();
    assert_eq!(nights, (0..10).map(|day| json!(hotel.day(day))).collect::<Vec<_>>(), "those that were there");
    assert_eq!(app.text("SELECT string_agg(topic, ' ') FROM outbox_events"), "rates.changed");
    assert_eq!(staff.patch_many(&path(&hotel), change).await.ok(200)["changed"], 0);
    assert_eq!((app.entries(), app.number("SELECT max(version) FROM rates")), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grid_shows_one_plan_or_one_room_type() {
    let app = TestApp::start().await;
    let hotel = Hotel::one_room(&app);
    let (cheaper, suite) = (derived(&app, &hotel), hotel.another_room_type(&app, &Terms::default()));
    let staff = manager_of(&app, &hotel).await;
    let range = format!("{}?from={}&to={}", path(&hotel), hotel.day(0), hotel.day(10));
    let of = async |filter: String| grid(&staff, &format!("{range}{filter}")).await;
    let plans = of(format!("&rate_plan_id={}", cheaper.rate_plan_id)).await;
    assert!(plans.len() == 10 && plans.iter().all(|row| row["derived_from"] == json!(hotel.rate_plan_id)), "{plans:?}");
    assert_eq!(of(format!("&rate_plan_id={}", hotel.rate_plan_id)).await.len(), 20);
    assert_eq!(of(format!("&room_type_id={}", suite.room_type_id)).await.len(), 10);
    let nobody = Hotel::one_room(&app);
    for filter in [format!("&rate_plan_id={}", nobody.rate_plan_id), format!("&room_type_id={}", nobody.room_type_id)] {
        staff.get(&format!("{range}{filter}")).await.problem(404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_pay_what_was_set_and_are_told_of_it_before_they_hold() {
    let app = TestApp::start().await;
    let hotel = Hotel::one_room(&app);
    let (staff, ada) = (manager_of(&app, &hotel).await, app.guest());
    let offer = ada.offer(&hotel.id(), &hotel.stay(10, 12)).await;
    let quote = ada.quote(&offer["offer_id"]).await;
    let set = async |set: Value| {
        let change = items(&[item(&hotel, hotel.day(11), hotel.day(12), set)]);
        staff.patch_many(&path(&hotel), change).await.ok(200)
    };
    set(json!({ "price": euro(15_000) })).await;
    let changed = ada.hold(&quote["quote_id"]).await.problem(409, "price_changed");
    assert_eq!(changed["current_quote"]["total"], euro(25_000));
    // Another version of the same price is no change.
    set(json!({ "price": euro(20_000) })).await;
    set(json!({ "price": euro(15_000) })).await;
    ada.hold(&changed["current_quote"]["quote_id"]).await.ok(201);
    for (restriction, reason) in [("closed", "closed"), ("closed_to_arrival", "closed_to_arrival")] {
        let bob = app.guest();
        let quote = bob.quote(&bob.offer(&hotel.id(), &hotel.stay(11 + 9, 12 + 9)).await["offer_id"]).await;
        let change = items(&[item(&hotel, hotel.day(20), hotel.day(21), json!({ restriction: true }))]);
        staff.patch_many(&path(&hotel), change).await.ok(200);
        let refused = bob.hold(&quote["quote_id"]).await.problem(409, "offer_unavailable");
        assert_eq!(refused["reasons"], json!([reason]));
        let back = items(&[item(&hotel, hotel.day(20), hotel.day(21), json!({ restriction: false }))]);
        staff.patch_many(&path(&hotel), back).await.ok(200);
    }
    let bob = app.guest();
    let gone = items(&[item(&hotel, hotel.day(20), hotel.day(21), json!({ "price": null }))]);
    staff.patch_many(&path(&hotel), gone).await.ok(200);
    let offers = bob.get(&format!("/hotels/{}/offers?{}", hotel.id(), hotel.stay(20, 21))).await.ok(200);
    assert_eq!(offers["data"], json!([]), "without a price it is not on sale");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_calls_for_the_same_nights_end_as_one_of_them() {
    let app = TestApp::start().await;
    let hotel = Hotel::one_room(&app);
    let staff = manager_of(&app, &hotel).await;
    // Half of the nights are there already, half are to be made by whoever comes first.
    let calls: Vec<_> = (1..=10)
        .map(|no: i64| {
            let (staff, path) = (staff.clone(), path(&hotel));
            let set = json!({ "price": euro(no * 1_000), "min_stay": no });
            let change = items(&[item(&hotel, hotel.day(50), hotel.day(70), set)]);
            tokio::spawn(async move { staff.patch_many(&path, change).await })
        })
        .collect();
    for call in calls {
        call.await.expect("an answer").ok(200);
    }
    let kinds = format!("SELECT count(DISTINCT (price, min_stay)) FROM rates WHERE stay_date >= '{}'", hotel.day(50));
    assert_eq!(app.number(&kinds), 1, "all nights are of one call");
    assert_eq!(
        app.number("SELECT count(*) FROM rates WHERE price IS DISTINCT FROM min_stay * 1000 AND min_stay > 0"),
        0
    );
    assert_eq!((app.rows("rates"), app.entries()), (70, 10));
    app.verified();
}
