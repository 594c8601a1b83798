//! A hotel from nothing to its first booking, and what staff's changes do to guests.

use chrono::{Days, Utc};
use serde_json::json;

use crate::support::staff::{new_derived_plan, new_room_type, text};
use crate::support::{Made, TestApp, key};

#[tokio::test(flavor = "multi_thread")]
async fn a_hotel_made_from_nothing_is_found_and_booked() {
    let mut app = TestApp::start().await;
    let (admin, guest) = (app.admin(), app.guest());
    let made = Made::by(&admin).await;
    let nights = format!("SELECT count(*) FROM inventory WHERE capacity = 2 AND hotel_id = '{}'", made.hotel_id);
    assert_eq!(app.number(&nights), 400, "every night to the horizon");
    let stay = made.stay(&app, 10, 12);
    let search = format!("/search?city=paris&country=FR&{stay}&adults=2");
    assert_eq!(guest.get(&search).await.ok(200)["data"], json!([]), "no night has a price yet");

    let day = |days: u64| (Utc::now().date_naive() + Days::new(days)).to_string();
    let price = json!({ "rate_plan_id": made.plan["rate_plan_id"], "room_type_id": made.room_type["room_type_id"],
                        "from": day(5), "to": day(30), "set": { "price": { "amount": 10_000, "currency": "EUR" } } });
    admin.patch(&made.path("rates"), "*", json!({ "items": [price] })).await.ok(200);
    let city_tax =
        json!({ "name": "City", "kind": "per_person_night", "value": 288, "included": false, "due": "at_property" });
    admin.post(&made.path("taxes"), city_tax).await.ok(201);
    let derived = new_derived_plan(&made.plan["rate_plan_id"], -10.5, &[&made.room_type["room_type_id"]]);
    let derived = admin.post(&made.path("rate-plans"), derived).await.ok(201);

    let found = guest.get(&search).await.ok(200);
    let cheapest = &found["data"][0]["cheapest_offer"];
    assert_eq!(
        (&found["data"][0]["hotel_id"], &cheapest["rate_plan_id"]),
        (&json!(made.hotel_id), &derived["rate_plan_id"])
    );
    // 2 nights of 8950, and 2 persons' 288 each night.
    assert_eq!(cheapest["total"], json!({ "amount": 2 * (8_950 + 2 * 288), "currency": "EUR" }));
    let quote = guest.quote(&cheapest["offer_id"]).await;
    assert_eq!((&quote["due_now"]["amount"], &quote["meal_plan"]), (&json!(2 * 8_950), &json!("breakfast")));
    let hold = guest.hold(&quote["quote_id"]).await.ok(201);
    guest.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    assert_eq!(guest.confirm(&hold["hold_id"]).await.ok(201)["status"], "confirmed");
    app.sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_shows_when_the_quote_is_held() {
    let app = TestApp::start().await;
    let (admin, guest) = (app.admin(), app.guest());
    let made = Made::by(&admin).await;
    made.price(&app, 10_000);
    let stay = format!("{}&adults=2", made.stay(&app, 10, 12));
    let quote = async || guest.quote(&guest.offer(&made.hotel_id, &stay).await["offer_id"]).await["quote_id"].clone();

    // What does not touch price or policy is no change.
    let same = quote().await;
    admin.patch(&made.path(""), "\"1\"", json!({ "name": "Hôtel du Sud" })).await.ok(200);
    admin.patch(&made.room_type_path(), "\"1\"", json!({ "description": "With a view" })).await.ok(200);
    admin.patch(&made.plan_path(), "\"1\"", json!({ "name": "Best flexible" })).await.ok(200);
    let hold = guest.hold(&same).await.ok(201);

    let taxed = quote().await;
    admin.patch(&made.tax_path(), "\"1\"", json!({ "included": false })).await.ok(200);
    let changed = guest.hold(&taxed).await.problem(409, "price_changed");
    assert_eq!(changed["current_quote"]["total"]["amount"], 22_000);
    let stricter = quote().await;
    admin.patch(&made.plan_path(), "\"2\"", json!({ "cancellation": [] })).await.ok(200);
    guest.hold(&stricter).await.problem(409, "price_changed");
    let crowded = quote().await;
    admin.patch(&made.room_type_path(), "\"2\"", json!({ "max_adults": 1 })).await.ok(200);
    let refused = guest.hold(&crowded).await.problem(409, "offer_unavailable");
    assert_eq!(refused["reasons"], json!(["occupancy"]));
    admin.patch(&made.room_type_path(), "\"3\"", json!({ "max_adults": 2 })).await.ok(200);
    let longer = quote().await;
    admin.patch(&made.plan_path(), "\"3\"", json!({ "min_stay": 3 })).await.ok(200);
    assert_eq!(guest.hold(&longer).await.problem(409, "offer_unavailable")["reasons"], json!(["min_stay"]));
    // What was held before all that is booked as it was.
    guest.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    assert_eq!(guest.confirm(&hold["hold_id"]).await.ok(201)["total"]["amount"], 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_is_sold_no_more_and_live_holds_are_kept() {
    let mut app = TestApp::start().await;
    let (admin, guest) = (app.admin(), app.guest());
    let made = Made::by(&admin).await;
    made.price(&app, 10_000);
    let stay = made.stay(&app, 10, 12);
    let offers = format!("/hotels/{}/offers?{stay}", made.hotel_id);
    let search = format!("/search?hotel_ids={}&{stay}", made.hotel_id);
    let sold = async || {
        let found = guest.get(&search).await.ok(200)["data"].as_array().map_or(0, Vec::len);
        let answer = guest.get(&offers).await;
        let offered = if answer.status == 404 { 0 } else { answer.ok(200)["data"].as_array().map_or(0, Vec::len) };
        assert_eq!(found, offered, "search and offers agree");
        found
    };
    assert_eq!(sold().await, 1);
    let offer = guest.offer(&made.hotel_id, &stay).await;
    let quote = guest.quote(&offer["offer_id"]).await;
    let hold = guest.held(&made.hotel_id, &stay).await;

    admin.delete_version(&made.plan_path(), "\"1\"").await.ok(204);
    assert_eq!(sold().await, 0);
    guest.post("/quotes", json!({ "offer_id": offer["offer_id"] })).await.problem(404, "not_found");
    guest.hold(&quote["quote_id"]).await.problem(409, "offer_unavailable");
    guest.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    let booking = guest.confirm(&hold["hold_id"]).await.ok(201);
    admin.post(&format!("{}/restore", made.plan_path()), json!({})).await.ok(200);
    assert_eq!(sold().await, 1, "with the prices that it had");

    let cancel = format!("/bookings/{}/cancel", text(&booking["booking_id"]));
    guest.post_keyed(&cancel, &key(), json!({})).await.ok(200);
    for path in [made.room_type_path(), made.path("")] {
        let offer = guest.offer(&made.hotel_id, &stay).await;
        let quote = guest.quote(&offer["offer_id"]).await;
        admin.delete_version(&path, "*").await.ok(204);
        assert_eq!(sold().await, 0, "{path}");
        guest.post("/quotes", json!({ "offer_id": offer["offer_id"] })).await.problem(404, "not_found");
        guest.hold(&quote["quote_id"]).await.problem(409, "offer_unavailable");
        admin.post(&format!("{path}/restore"), json!({})).await.ok(200);
        assert_eq!(sold().await, 1, "{path}");
        guest.hold(&quote["quote_id"]).await.ok(201);
        app.execute("UPDATE holds SET expires_at = clock_timestamp() WHERE status = 'active'");
    }
    app.sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_ceases_to_sell_a_room_type_keeps_what_refers_to_it() {
    let app = TestApp::start().await;
    let (admin, guest) = (app.admin(), app.guest());
    let made = Made::by(&admin).await;
    made.price(&app, 10_000);
    let suite = admin.post(&made.path("room-types"), new_room_type(1)).await.ok(201);
    let stay = made.stay(&app, 10, 12);
    guest.held(&made.hotel_id, &stay).await;
    let only_suites = json!({ "room_type_ids": [suite["room_type_id"]] });
    let plan = admin.patch(&made.plan_path(), "\"1\"", only_suites).await.ok(200);
    assert_eq!(plan["room_type_ids"], json!([suite["room_type_id"]]));
    let search = format!("/search?hotel_ids={}&{stay}", made.hotel_id);
    let offers = format!("/hotels/{}/offers?{stay}", made.hotel_id);
    assert_eq!(guest.get(&search).await.ok(200)["data"], json!([]));
    assert_eq!(guest.get(&offers).await.ok(200)["data"], json!([]));
    assert_eq!(app.number("SELECT count(*) FROM rates WHERE price = 10000"), 400, "its prices are there still");
    let day = |days: u64| (Utc::now().date_naive() + Days::new(days)).to_string();
    let (plan_id, doubles) = (&made.plan["rate_plan_id"], &made.room_type["room_type_id"]);
    let unsold = json!({ "rate_plan_id": plan_id, "room_type_id": doubles, "from": day(5), "to": day(6),
                         "set": { "closed": true } });
    admin.patch(&made.path("rates"), "*", json!({ "items": [unsold] })).await.problem(422, "invalid");
    let grid = admin.get(&made.path(&format!("rates?from={}&to={}", day(5), day(6)))).await.ok(200);
    let shown: Vec<_> = grid["data"].as_array().expect("nights").iter().map(|night| &night["room_type_id"]).collect();
    assert_eq!(shown, [&suite["room_type_id"]], "nobody is asked to price what is not sold");
    let both = json!({ "room_type_ids": [suite["room_type_id"], made.room_type["room_type_id"]] });
    admin.patch(&made.plan_path(), "\"2\"", both).await.ok(200);
    assert_eq!(guest.get(&search).await.ok(200)["data"].as_array().map(Vec::len), Some(1));
}
