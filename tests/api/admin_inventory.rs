//! The stock as staff see and steer it.

mod bulk;
pub mod refusals;
mod volume;

use chrono::{Datelike, NaiveDate};
use serde_json::{Value, json};

use crate::support::{Guest, Hotel, Start, Terms, TestApp};

pub fn path(hotel: &Hotel) -> String {
    format!("/admin/hotels/{}/inventory", hotel.id())
}

/// One item of the hotel's room type.
pub fn item(hotel: &Hotel, from: NaiveDate, to: NaiveDate, set: Value) -> Value {
    json!({ "room_type_id": hotel.room_type_id, "from": from, "to": to, "set": set })
}

pub fn items(items: &[Value]) -> Value {
    json!({ "items": items })
}

/// The manager of a hotel.
pub async fn manager_of(app: &TestApp, hotel: &Hotel) -> Guest {
    let manager = app.manager();
    app.grant(&manager, &[hotel.id()]);
    manager
}

/// The grid, page by page.
pub async fn grid(staff: &Guest, path: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = staff.get(&format!("{path}&limit=7{cursor}")).await.ok(200);
        rows.extend(page["data"].as_array().expect("rows").iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_sets_many_nights_at_once() {
    let app = TestApp::start().await;
    let hotel = Hotel::with(&app, &Terms { capacity: 3, ..Terms::default() });
    let suite = hotel.another_room_type(&app, &Terms { capacity: 2, ..Terms::default() });
    let staff = manager_of(&app, &hotel).await;
    let weekend = json!({
        "room_type_id": hotel.room_type_id, "from": hotel.day(0), "to": hotel.day(14), "weekdays": ["sat", "sun"],
        "set": { "closed": true }
    });
    let change = items(&[
        item(&hotel, hotel.day(0), hotel.day(10), json!({ "capacity": 5, "allowance": 1 })),
        weekend.clone(),
        item(&suite, hotel.day(2), hotel.day(3), json!({ "capacity": 2 })),
    ]);
    let done = staff.patch_many(&path(&hotel), change.clone()).await;
    // 14 days have 4 nights of a weekend; how many of these are in the first 10 depends on the day.
    let further = (10..14).filter(|day| hotel.day(*day).weekday().number_from_monday() > 5).count();
    let expected = json!({ "items": 3, "nights": 11 + further, "changed": 10 + further, "created": 0 });
    assert_eq!(done.ok(200), expected, "the suite has 2 rooms already");

    let query = format!("{}?from={}&to={}", path(&hotel), hotel.day(0), hotel.day(20));
    let rows = grid(&staff, &query).await;
    assert_eq!(rows.len(), 40);
    let keys: Vec<_> = rows.iter().map(|row| (row["room_type_id"].to_string(), row["date"].to_string())).collect();
    assert!(keys.is_sorted(), "by room type and date");
    for (day, row) in (0..).zip(rows.iter().filter(|row| row["room_type_id"] == json!(hotel.room_type_id))) {
        let closed = day < 14 && hotel.day(day).weekday().number_from_monday() > 5;
        let (capacity, allowance) = if day < 10 { (5, 1) } else { (3, 0) };
        let version = if day < 10 || closed { 2 } else { 1 };
        let expected = json!({
            "room_type_id": hotel.room_type_id, "date": hotel.day(day), "capacity": capacity, "out_of_service": 0,
            "allowance": allowance, "held": 0, "sold": 0, "left": capacity + allowance, "closed": closed,
            "version": version
        });
        assert_eq!(*row, expected, "once a version later, whatever is set");
    }
    let of_one = grid(&staff, &format!("{query}&room_type_id={}", suite.room_type_id)).await;
    assert_eq!(of_one.len(), 20);
    assert!(of_one.iter().all(|row| row["room_type_id"] == json!(suite.room_type_id) && row["version"] == 1));

    let trace = app.text(
        "SELECT jsonb_build_object('resource', resource, 'action', action, 'before', before, 'after', after,
                                   'resource_id', resource_id) FROM audit_entries WHERE hotel_id IN (SELECT hotel_id FROM hotels)",
    );
    let mut trace: Value = serde_json::from_str(&trace).expect("JSON");
    let before = trace["before"]["changed"].take();
    let after = json!({ "items": change["items"], "nights": 11 + further, "changed": 10 + further, "created": 0 });
    let expected = json!({
        "resource": "inventory", "action": "changed", "before": { "changed": null }, "after": after, "resource_id": null
    });
    assert_eq!(trace, expected);
    let was = json!([3, 0, 0, false, hotel.room_type_id]);
    let mut nights = Vec::new();
    for alike in before.as_array().expect("what was before") {
        let columns =
            ["capacity", "out_of_service", "allowance", "closed", "room_type_id"].map(|column| &alike[column]);
        assert_eq!(json!(columns), was, "the suite was so already");
        nights.extend(alike["nights"].as_array().expect("nights").iter().cloned());
    }
    let text = |night: &Value| night.as_str().map(str::to_owned);
    nights.sort_by_key(text);
    let changed = (0..14).filter(|day| *day < 10 || hotel.day(*day).weekday().number_from_monday() > 5);
    assert_eq!(nights, changed.map(|day| json!(hotel.day(day))).collect::<Vec<_>>(), "each night once");
    assert_eq!(app.text("SELECT string_agg(topic, ' ') FROM outbox_events"), "inventory.changed");

    let again = staff.patch_many(&path(&hotel), change).await.ok(200);
    assert_eq!(again["changed"], 0, "it is so already");
    assert_eq!((app.entries(), app.rows("outbox_events")), (1, 1), "nothing changed, nothing is told");
    assert_eq!(app.number("SELECT max(version) FROM inventory"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_many_nights_is_told_by_its_items_alone() {
    let app = TestApp::start().await;
    let hotel = Hotel::with(&app, &Terms { capacity: 3, ..Terms::default() });
    let others = [(); 2].map(|()| hotel.another_room_type(&app, &Terms::default()));
    let staff = manager_of(&app, &hotel).await;
    let last = |set: Value, days: u64| {
        let of_each = others.iter().chain([&hotel]);
        items(&of_each.map(|of| item(of, hotel.day(0), hotel.day(days), set.clone())).collect::<Vec<_>>())
    };
    let told = "SELECT concat_ws(' ', jsonb_array_length(after->'items'), after->>'nights', after->>'changed',
                                 jsonb_array_length(before->'changed'), before->'changed'->0->>'capacity')
                FROM audit_entries ORDER BY audit_id DESC LIMIT 1";
    staff.patch_many(&path(&hotel), last(json!({ "capacity": 4 }), 667)).await.ok(200);
    assert_eq!(app.text(told), "3 2001 2001", "2,001 nights");
    staff.patch_many(&path(&hotel), last(json!({ "capacity": 5 }), 666)).await.ok(200);
    assert_eq!(app.text(told), "3 1998 1998 3 4", "1,998 nights, alike by room type");
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_see_and_get_what_was_set() {
    let app = TestApp::start().await;
    let hotel = Hotel::one_room(&app);
    let (staff, ada, bob) = (manager_of(&app, &hotel).await, app.guest(), app.guest());
    let held = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    let offers = format!("/hotels/{}/offers?{}", hotel.id(), hotel.stay(10, 12));
    assert_eq!(bob.get(&offers).await.ok(200)["data"], json!([]), "the last room is held");
    let overbook = items(&[item(&hotel, hotel.day(10), hotel.day(12), json!({ "allowance": 1 }))]);
    staff.patch_many(&path(&hotel), overbook).await.ok(200);
    let quote = bob.quote(&bob.offer(&hotel.id(), &hotel.stay(10, 12)).await["offer_id"]).await;
    let close = items(&[item(&hotel, hotel.day(11), hotel.day(12), json!({ "closed": true }))]);
    staff.patch_many(&path(&hotel), close).await.ok(200);
    let refused = bob.hold(&quote["quote_id"]).await.problem(409, "offer_unavailable");
    assert_eq!(refused["reasons"], json!(["closed"]));
    ada.pay(&held["hold_id"], "pm_card_visa").await.ok(201);
    ada.confirm(&held["hold_id"]).await.ok(201);
    assert_eq!(hotel.stock(&app, hotel.day(11)), (0, 1), "closing a night touches no hold");
}

#[tokio::test(flavor = "multi_thread")]
async fn nights_that_are_not_there_are_made() {
    let app = TestApp::start().await;
    let hotel = Hotel::with(&app, &Terms { capacity: 4, ..Terms::default() });
    let staff = manager_of(&app, &hotel).await;
    let (last, far) = (hotel.day(60), hotel.day(80));
    let no_capacity = items(&[
        item(&hotel, hotel.day(0), far, json!({ "closed": false })),
        item(&hotel, hotel.day(70), far, json!({ "capacity": 9 })),
    ]);
    let refused = staff.patch_many(&path(&hotel), no_capacity).await.problem(422, "invalid");
    let expected = json!([{
        "field": "items[0].set.capacity", "code": "missing", "message": format!("is needed: there is no night {last} yet")
    }]);
    assert_eq!(refused["errors"], expected);
    assert_eq!(app.rows("inventory"), 60);

    let make = items(&[
        item(&hotel, hotel.day(55), far, json!({ "capacity": 9 })),
        item(&hotel, hotel.day(75), far, json!({ "closed": true, "allowance": 2 })),
    ]);
    let done = staff.patch_many(&path(&hotel), make).await.ok(200);
    assert_eq!(done, json!({ "items": 2, "nights": 25, "changed": 25, "created": 20 }));
    let made =
        |what: &str| app.number(&format!("SELECT count(*) FROM inventory WHERE stay_date >= '{last}' AND {what}"));
    assert_eq!(made("capacity = 9 AND version = 1 AND held + sold + out_of_service = 0"), 20);
    assert_eq!((made("closed AND allowance = 2"), made("NOT closed AND allowance = 0")), (5, 15));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_horizon_leaves_no_hole_before_nights_made_further_out() {
    let app = TestApp::start_with(Start::Migrated, |given| given.horizon_interval_s = Some("1".to_owned())).await;
    let hotel = Hotel::with(&app, &Terms { capacity: 4, ..Terms::default() });
    let staff = manager_of(&app, &hotel).await;
    // The last nights of the horizon are due, and nobody has looked yet: they are added before they are set.
    hotel.change(&app, "DELETE FROM rates WHERE hotel_id = $1 AND stay_date >= $2 + 50");
    hotel.change(&app, "DELETE FROM inventory WHERE hotel_id = $1 AND stay_date >= $2 + 50");
    hotel.change(&app, "UPDATE hotels SET horizon_days = 60 WHERE hotel_id = $1 AND $2 IS NOT NULL");
    let last = items(&[item(&hotel, hotel.day(59), hotel.day(60), json!({ "closed": true }))]);
    staff.patch_many(&path(&hotel), last).await.ok(200);
    let nights = "SELECT count(*) FROM inventory WHERE NOT closed";
    assert_eq!(app.number(nights), 59);
    assert_eq!(app.rows("rates"), 60, "with their prices");
    // One night far behind the horizon, then the horizon moves up to it.
    let one = items(&[item(&hotel, hotel.day(90), hotel.day(91), json!({ "capacity": 1 }))]);
    staff.patch_many(&path(&hotel), one).await.ok(200);
    assert_eq!(app.rows("inventory"), 61);
    hotel.change(&app, "UPDATE hotels SET horizon_days = 100 WHERE hotel_id = $1 AND $2 IS NOT NULL");
    app.eventually("SELECT count(*) FROM inventory", "100").await;
    let like_the_one_before = format!("capacity = CASE WHEN stay_date < '{}' THEN 4 ELSE 1 END", hotel.day(90));
    assert_eq!(app.number(&format!("SELECT count(*) FROM inventory WHERE {like_the_one_before}")), 100);
}
