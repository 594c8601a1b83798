//! What is refused, and changes nothing.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{derived, euro, item, path};
use crate::admin_inventory::refusals::{everything, refused};
use crate::admin_inventory::{grid, items, manager_of};
use crate::support::{Hotel, Terms, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_makes_no_sense_is_named() {
    let app = TestApp::start().await;
    let (hotel, other) = (Hotel::one_room(&app), Hotel::one_room(&app));
    let cheaper = derived(&app, &hotel);
    let suite = hotel.another_room_type(&app, &Terms::default());
    let staff = manager_of(&app, &hotel).await;
    let day = |days| hotel.day(days);
    let good = item(&hotel, day(50), day(51), json!({ "price": euro(5) }));
    let bad = |change: &dyn Fn(&mut Value)| {
        let mut wrong = item(&hotel, day(3), day(5), json!({ "price": euro(5) }));
        change(&mut wrong);
        items(&[good.clone(), wrong])
    };
    let put = |name: &'static str, value: Value| bad(&move |item| item[name] = value.clone());
    let set = |value: Value| bad(&move |item| item["set"] = value.clone());
    let money = |amount: Value, currency: &str| set(json!({ "price": { "amount": amount, "currency": currency } }));
    let not_sold = json!({ "rate_plan_id": cheaper.rate_plan_id, "room_type_id": suite.room_type_id });
    let cases: &[(Value, &[&str])] = &[
        (items(&[]), &["items"]),
        (put("hotel_id", json!(other.hotel_id)), &["items[1].hotel_id"]),
        (put("version", json!(1)), &["items[1].version"]),
        (set(json!({ "closed": true, "version": 1 })), &["items[1].set.version"]),
        (set(json!({ "capacity": 1 })), &["items[1].set.capacity"]),
        (set(json!({})), &["items[1].set"]),
        (put("rate_plan_id", json!(Uuid::now_v7())), &["items[1].rate_plan_id"]),
        (put("rate_plan_id", json!(other.rate_plan_id)), &["items[1].rate_plan_id"]),
        (put("room_type_id", json!(other.room_type_id)), &["items[1].room_type_id"]),
        (
            bad(&|item| item.as_object_mut().expect("an item").extend(not_sold.as_object().expect("ids").clone())),
            &["items[1].room_type_id"],
        ),
        (put("to", json!(day(3))), &["items[1].to"]),
        (put("to", json!(day(3 + 751))), &["items[1].to"]),
        (put("from", json!(hotel.today.pred_opt())), &["items[1].from"]),
        (put("weekdays", json!(["mon", "mon"])), &["items[1].weekdays"]),
        (money(json!(-1), "EUR"), &["items[1].set.price"]),
        (money(json!(100_000_000_001_i64), "EUR"), &["items[1].set.price"]),
        (money(json!(12.5), "EUR"), &["items[1].set.price.amount"]),
        (money(json!(100), "USD"), &["items[1].set.price.currency"]),
        (money(json!(100), "euro"), &["items[1].set.price.currency"]),
        (set(json!({ "price": 100 })), &["items[1].set.price"]),
        (set(json!({ "min_stay": 0 })), &["items[1].set.min_stay"]),
        (set(json!({ "max_stay": 100 })), &["items[1].set.max_stay"]),
        (set(json!({ "min_stay": 5, "max_stay": 4 })), &["items[1].set.min_stay"]),
        (set(json!({ "closed": null })), &["items[1].set.closed"]),
        (set(json!({ "closed_to_arrival": 1 })), &["items[1].set.closed_to_arrival"]),
        (put("expected_version", json!("1")), &["items[1].expected_version"]),
        (items(&[good.clone(), good.clone()]), &["items[0]", "items[1]"]),
    ];
    refused(&app, &staff, &path(&hotel), cases).await;
    // Together with what is stored: the least becomes more than the most.
    let most = items(&[item(&hotel, day(0), day(10), json!({ "max_stay": 3 }))]);
    staff.patch_many(&path(&hotel), most).await.ok(200);
    let least = items(&[good, item(&hotel, day(9), day(12), json!({ "min_stay": 4 }))]);
    refused(&app, &staff, &path(&hotel), &[(least, &["items[1].set.min_stay"])]).await;
    let both = items(&[item(&hotel, day(9), day(12), json!({ "min_stay": 4, "max_stay": null }))]);
    staff.patch_many(&path(&hotel), both).await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plan_sells_no_more_is_neither_set_nor_shown() {
    let app = TestApp::start().await;
    let hotel = Hotel::one_room(&app);
    let suite = hotel.another_room_type(&app, &Terms::default());
    let staff = manager_of(&app, &hotel).await;
    app.execute(&format!(
        "UPDATE rate_plan_room_types SET removed_at = now() WHERE room_type_id = '{}'",
        suite.room_type_id
    ));
    let change = items(&[
        item(&hotel, hotel.day(0), hotel.day(1), json!({ "price": euro(5) })),
        item(&suite, hotel.day(0), hotel.day(1), json!({ "price": euro(5) })),
    ]);
    refused(&app, &staff, &path(&hotel), &[(change, &["items[1].room_type_id"])]).await;
    let rows = grid(&staff, &format!("{}?from={}&to={}", path(&hotel), hotel.day(0), hotel.day(3))).await;
    assert!(rows.len() == 3 && rows.iter().all(|row| row["room_type_id"] == json!(hotel.room_type_id)), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_derived_price_is_not_set() {
    let app = TestApp::start().await;
    let hotel = Hotel::one_room(&app);
    let cheaper = derived(&app, &hotel);
    let staff = manager_of(&app, &hotel).await;
    let before = everything(&app);
    let change = items(&[
        item(&hotel, hotel.day(0), hotel.day(5), json!({ "price": euro(100) })),
        item(&cheaper, hotel.day(0), hotel.day(5), json!({ "price": euro(90) })),
        item(&cheaper, hotel.day(6), hotel.day(7), json!({ "closed": true, "price": null })),
        item(&cheaper, hotel.day(8), hotel.day(9), json!({ "closed": true })),
    ]);
    let problem = staff.patch_many(&path(&hotel), change).await.problem(409, "rate_is_derived");
    assert_eq!(problem["conflicts"], json!([{ "item": 1 }, { "item": 2 }]), "{problem}");
    assert_eq!(everything(&app), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_has_gone_by_is_told_item_by_item() {
    let app = TestApp::start().await;
    let hotel = Hotel::one_room(&app);
    let staff = manager_of(&app, &hotel).await;
    let expecting = |from: u64, to: u64, version: i32| {
        let mut item = item(&hotel, hotel.day(from), hotel.day(to), json!({ "price": euro(5) }));
        item["expected_version"] = json!(version);
        item
    };
    staff.patch_many(&path(&hotel), items(&[expecting(3, 6, 1), expecting(60, 61, 0)])).await.ok(200);
    let before = everything(&app);
    let change = items(&[expecting(0, 3, 1), expecting(3, 8, 1), expecting(60, 62, 0)]);
    let problem = staff.patch_many(&path(&hotel), change).await.problem(412, "precondition_failed");
    let conflicts = json!([
        { "item": 1, "first_night": hotel.day(3), "nights": 3, "current_version": 2 },
        { "item": 2, "first_night": hotel.day(60), "nights": 1, "current_version": 1 },
    ]);
    assert_eq!(problem["conflicts"], conflicts, "{problem}");
    assert_eq!(everything(&app), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_rates_are_not_there() {
    let app = TestApp::start().await;
    let (hotel, other) = (Hotel::one_room(&app), Hotel::one_room(&app));
    let staff = manager_of(&app, &other).await;
    let before = everything(&app);
    let change = items(&[item(&hotel, hotel.day(1), hotel.day(2), json!({ "price": euro(5) }))]);
    staff.patch_many(&path(&hotel), change.clone()).await.problem(404, "not_found");
    let range = format!("{}?from={}&to={}", path(&hotel), hotel.day(0), hotel.day(5));
    staff.get(&range).await.problem(404, "not_found");
    let own = staff.patch_many(&path(&other), change.clone()).await;
    assert_eq!(own.invalid("items[0].rate_plan_id")["errors"].as_array().map(Vec::len), Some(1));
    let ada = app.guest();
    ada.patch_many(&path(&hotel), change).await.problem(403, "forbidden");
    ada.get(&range).await.problem(403, "forbidden");
    assert_eq!(everything(&app), before);
}
