//! What is refused, and changes nothing.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{grid, item, items, manager_of, path};
use crate::support::{Guest, Hotel, Start, Terms, TestApp};

/// Everything that a bulk change may write.
pub fn everything(app: &TestApp) -> String {
    app.text(
        "SELECT md5(concat((SELECT string_agg(i::text, ' ' ORDER BY room_type_id, stay_date) FROM inventory i),
                           (SELECT string_agg(r::text, ' ' ORDER BY rate_plan_id, room_type_id, stay_date) FROM rates r),
                           (SELECT count(*) FROM audit_entries JOIN hotels USING (hotel_id)),
                           (SELECT count(*) FROM outbox_events WHERE topic ~ '^(inventory|rates)')))",
    )
}

/// The fields at fault of each body; nothing is written.
pub async fn refused(app: &TestApp, staff: &Guest, path: &str, cases: &[(Value, &[&str])]) {
    let before = everything(app);
    for (body, fields) in cases {
        let problem = staff.patch_many(path, body.clone()).await.problem(422, "invalid");
        let found: Vec<_> = problem["errors"].as_array().expect("errors").iter().map(|e| e["field"].clone()).collect();
        assert_eq!(found, *fields, "{problem}");
        assert_eq!(everything(app), before, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_makes_no_sense_is_named() {
    let app = TestApp::start().await;
    let hotel = Hotel::one_room(&app);
    let other = Hotel::one_room(&app);
    let staff = manager_of(&app, &hotel).await;
    let day = |days| hotel.day(days);
    let good = item(&hotel, day(50), day(51), json!({ "capacity": 5 }));
    // A good item stands before each bad one: it is not written either.
    let bad = |change: &dyn Fn(&mut Value)| {
        let mut wrong = item(&hotel, day(3), day(5), json!({ "capacity": 5 }));
        change(&mut wrong);
        items(&[good.clone(), wrong])
    };
    let put = |name: &'static str, value: Value| bad(&move |item| item[name] = value.clone());
    let set = |name: &'static str, value: Value| bad(&move |item| item["set"][name] = value.clone());
    let without = |name: &'static str| bad(&move |item| drop(item.as_object_mut().expect("an item").remove(name)));
    let cases: &[(Value, &[&str])] = &[
        (json!({}), &["items"]),
        (items(&[]), &["items"]),
        (json!({ "items": {} }), &["items"]),
        (json!({ "items": [good], "hotel_id": hotel.hotel_id }), &["hotel_id"]),
        (put("hotel_id", json!(other.hotel_id)), &["items[1].hotel_id"]),
        (put("version", json!(7)), &["items[1].version"]),
        (set("version", json!(7)), &["items[1].set.version"]),
        (set("held", json!(0)), &["items[1].set.held"]),
        (set("sold", json!(0)), &["items[1].set.sold"]),
        (set("out_of_service", json!(0)), &["items[1].set.out_of_service"]),
        (without("room_type_id"), &["items[1].room_type_id"]),
        (without("from"), &["items[1].from"]),
        (without("to"), &["items[1].to"]),
        (without("set"), &["items[1].set"]),
        (put("room_type_id", json!("101")), &["items[1].room_type_id"]),
        (put("room_type_id", json!(Uuid::now_v7())), &["items[1].room_type_id"]),
        (put("room_type_id", json!(other.room_type_id)), &["items[1].room_type_id"]),
        (put("from", json!("2027-02-30")), &["items[1].from"]),
        (put("from", json!("tomorrow")), &["items[1].from"]),
        (put("to", json!(day(3))), &["items[1].to"]),
        (put("to", json!(day(2))), &["items[1].to"]),
        (put("to", json!(day(3 + 751))), &["items[1].to"]),
        (put("to", json!("9999-12-31")), &["items[1].to"]),
        (bad(&|item| (item["from"], item["to"]) = (json!(day(3_600)), json!(day(3_661)))), &["items[1].to"]),
        (put("from", json!(hotel.today.pred_opt())), &["items[1].from"]),
        (put("weekdays", json!([])), &["items[1].weekdays"]),
        (put("weekdays", json!(["mon", "mon"])), &["items[1].weekdays"]),
        (put("weekdays", json!(["monday"])), &["items[1].weekdays[0]"]),
        (put("weekdays", json!([weekday_after(&hotel, 5)])), &["items[1].weekdays"]),
        (put("weekdays", Value::Null), &["items[1].weekdays"]),
        (put("set", json!({})), &["items[1].set"]),
        (set("capacity", json!(-1)), &["items[1].set.capacity"]),
        (set("capacity", json!(100_001)), &["items[1].set.capacity"]),
        (set("capacity", json!(1.5)), &["items[1].set.capacity"]),
        (set("capacity", json!("5")), &["items[1].set.capacity"]),
        (set("capacity", Value::Null), &["items[1].set.capacity"]),
        (set("allowance", json!(-1)), &["items[1].set.allowance"]),
        (set("closed", json!("no")), &["items[1].set.closed"]),
        (put("expected_version", json!(-1)), &["items[1].expected_version"]),
    ];
    refused(&app, &staff, &path(&hotel), cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_item_at_fault_is_named_whatever_is_wrong_with_it() {
    let app = TestApp::start().await;
    let hotel = Hotel::one_room(&app);
    let staff = manager_of(&app, &hotel).await;
    let of = |from, to, set| item(&hotel, hotel.day(from), hotel.day(to), set);
    let mut unknown = of(20, 21, json!({ "capacity": 5 }));
    unknown["room_type_id"] = json!(Uuid::now_v7());
    let mut yesterday = of(30, 31, json!({ "allowance": -1 }));
    yesterday["from"] = json!(hotel.today.pred_opt());
    let all = items(&[
        yesterday,
        of(1, 3, json!({ "capacity": 5 })),
        of(7, 5, json!({ "capacity": -1 })),
        unknown,
        of(2, 4, json!({ "capacity": 6 })),
        of(40, 41, json!({ "capacity": 5 })),
        of(8, 8, json!({})),
    ]);
    let fields: &[&str] = &[
        "items[0].set.allowance",
        "items[0].from",
        "items[1]",
        "items[2].set.capacity",
        "items[2].to",
        "items[3].room_type_id",
        "items[4]",
        "items[6].set",
        "items[6].to",
    ];
    refused(&app, &staff, &path(&hotel), &[(all.clone(), fields)]).await;
    // What is not valid is told before what is not there: of a hotel that is not the caller's only what it says itself.
    let elsewhere = format!("/admin/hotels/{}/inventory", Uuid::now_v7());
    let own: Vec<&str> =
        fields.iter().filter(|field| !field.ends_with("from") && !field.contains("[3]")).copied().collect();
    refused(&app, &staff, &elsewhere, &[(all, &own)]).await;
}

/// A weekday on which none of the two nights from there before it is.
fn weekday_after(hotel: &Hotel, days: u64) -> String {
    hotel.day(days).format("%a").to_string().to_lowercase()
}

#[tokio::test(flavor = "multi_thread")]
async fn items_that_contradict_each_other_are_both_named() {
    let app = TestApp::start().await;
    let hotel = Hotel::one_room(&app);
    let suite = hotel.another_room_type(&app, &Terms::default());
    let staff = manager_of(&app, &hotel).await;
    let of = |hotel: &Hotel, from, to, set| item(hotel, hotel.day(from), hotel.day(to), set);
    let overlapping = items(&[
        of(&hotel, 0, 10, json!({ "capacity": 5 })),
        of(&suite, 0, 10, json!({ "capacity": 5 })),
        of(&hotel, 9, 20, json!({ "capacity": 5, "closed": true })),
    ]);
    refused(&app, &staff, &path(&hotel), &[(overlapping.clone(), &["items[0]", "items[2]"])]).await;
    let problem = staff.patch_many(&path(&hotel), overlapping).await.json();
    let message = format!("items[0] sets capacity of {} too", hotel.day(9));
    assert_eq!(problem["errors"][1]["message"], message, "{problem}");
    // Side by side, of different fields, on different weekdays, of different room types: nothing contradicts.
    let mut weekdays = [of(&hotel, 20, 34, json!({ "capacity": 6 })), of(&hotel, 20, 34, json!({ "capacity": 7 }))];
    (weekdays[0]["weekdays"], weekdays[1]["weekdays"]) = (json!(["mon", "tue"]), json!(["sat"]));
    let fine = items(&[
        of(&hotel, 0, 10, json!({ "capacity": 5 })),
        of(&hotel, 10, 20, json!({ "capacity": 5 })),
        of(&hotel, 5, 15, json!({ "closed": true })),
        of(&suite, 0, 20, json!({ "capacity": 5 })),
        weekdays[0].clone(),
        weekdays[1].clone(),
    ]);
    assert_eq!(staff.patch_many(&path(&hotel), fine).await.ok(200)["changed"], 20 + 20 + 6);
    assert_eq!(app.number("SELECT count(*) FROM inventory WHERE closed AND capacity = 5 AND version = 2"), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_has_its_limits() {
    let app = TestApp::start().await;
    let hotel = Hotel::one_room(&app);
    let staff = manager_of(&app, &hotel).await;
    // Room types that are not there: the count is looked at first.
    let many = |count: u64, days: u64| -> Vec<Value> {
        let of_one = |_| json!({ "room_type_id": Uuid::now_v7(), "from": hotel.day(0), "to": hotel.day(days), "set": { "closed": true } });
        (0..count).map(of_one).collect()
    };
    let nights = |last: u64| [many(266, 750), many(1, last)].concat();
    let thousand_and_one = items(&many(1_001, 1));
    refused(&app, &staff, &path(&hotel), &[(thousand_and_one, &["items"]), (items(&nights(501)), &["items"])]).await;
    let allowed = staff.patch_many(&path(&hotel), items(&nights(500))).await.problem(422, "invalid");
    assert_eq!(allowed["errors"].as_array().map(Vec::len), Some(267), "200,000 nights are not too many: {allowed}");
    assert_eq!(allowed["errors"][266]["field"], "items[266].room_type_id");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_hotel_is_not_there() {
    let app = TestApp::start().await;
    let (hotel, other) = (Hotel::one_room(&app), Hotel::one_room(&app));
    let staff = manager_of(&app, &other).await;
    let before = everything(&app);
    let change = items(&[item(&hotel, hotel.day(1), hotel.day(2), json!({ "capacity": 5 }))]);
    let range = format!("?from={}&to={}", hotel.day(0), hotel.day(5));
    let night = format!("{}/{}/{}", path(&hotel), hotel.room_type_id, hotel.day(1));
    for stranger in [&staff, &app.manager()] {
        stranger.patch_many(&path(&hotel), change.clone()).await.problem(404, "not_found");
        stranger.get(&format!("{}{range}", path(&hotel))).await.problem(404, "not_found");
        stranger.get(&night).await.problem(404, "not_found");
    }
    let ada = app.guest();
    ada.patch_many(&path(&hotel), change.clone()).await.problem(403, "forbidden");
    ada.get(&format!("{}{range}", path(&hotel))).await.problem(403, "forbidden");
    // What is not of the hotel is not there either.
    let own = path(&other);
    staff.get(&format!("{own}{range}&room_type_id={}", hotel.room_type_id)).await.problem(404, "not_found");
    staff.get(&format!("{own}/{}/{}", hotel.room_type_id, hotel.day(1))).await.problem(404, "not_found");
    staff.get(&format!("{own}/{}/{}", other.room_type_id, hotel.day(400))).await.problem(404, "not_found");
    staff.get(&format!("{own}/{}/someday", other.room_type_id)).await.problem(404, "not_found");
    assert_eq!(everything(&app), before);
    let admin = app.admin();
    admin.patch_many(&path(&hotel), change).await.ok(200);
    admin.get(&night).await.ok(200);
    hotel.change(&app, "UPDATE hotels SET deleted_at = now() WHERE hotel_id = $1 AND $2 IS NOT NULL");
    admin.get(&night).await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grid_asks_for_a_range() {
    let app = TestApp::start().await;
    let hotel = Hotel::one_room(&app);
    let staff = manager_of(&app, &hotel).await;
    let day = |days| hotel.day(days);
    let ask = async |query: String| staff.get(&format!("{}?{query}", path(&hotel))).await;
    ask(format!("to={}", day(1))).await.invalid("from");
    ask(format!("from={}", day(1))).await.invalid("to");
    ask(format!("from={}&to={}", day(1), day(1))).await.invalid("to");
    ask(format!("from={}&to={}", day(0), day(751))).await.invalid("to");
    ask(format!("from={}&to=2027-02-30", day(0))).await.invalid("to");
    ask(format!("from={}&to={}&limit=201", day(0), day(9))).await.invalid("limit");
    ask(format!("from={}&to={}&room_type_id=1", day(0), day(9))).await.invalid("room_type_id");
    ask(format!("from={}&to={}&when=now", day(0), day(9))).await.invalid("when");
    let page = ask(format!("from={}&to={}&limit=2", day(0), day(9))).await.ok(200);
    let cursor = page["next_cursor"].as_str().expect("more");
    let elsewhere = format!("from={}&to={}&limit=2&cursor={cursor}", day(1), day(9));
    ask(elsewhere).await.problem(400, "cursor_invalid");
    assert_eq!(grid(&staff, &format!("{}?from={}&to={}", path(&hotel), day(0), day(750))).await.len(), 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_has_gone_by_is_told_item_by_item() {
    let app = TestApp::start().await;
    let hotel = Hotel::one_room(&app);
    let staff = manager_of(&app, &hotel).await;
    let expecting = |from: u64, to: u64, version: i32| {
        let mut item = item(&hotel, hotel.day(from), hotel.day(to), json!({ "capacity": 5 }));
        item["expected_version"] = json!(version);
        item
    };
    staff.patch_many(&path(&hotel), items(&[expecting(3, 6, 1)])).await.ok(200);
    let before = everything(&app);
    let change = items(&[expecting(0, 3, 1), expecting(3, 8, 1), expecting(20, 21, 0), expecting(58, 62, 1)]);
    let problem = staff.patch_many(&path(&hotel), change).await.problem(412, "precondition_failed");
    let conflicts = json!([
        { "item": 1, "first_night": hotel.day(3), "nights": 3, "current_version": 2 },
        { "item": 2, "first_night": hotel.day(20), "nights": 1, "current_version": 1 },
        { "item": 3, "first_night": hotel.day(60), "nights": 2, "current_version": 0 },
    ]);
    assert_eq!((&problem["conflicts"], &problem["current_version"]), (&conflicts, &json!(2)), "{problem}");
    assert_eq!(everything(&app), before);
    let fitting = items(&[expecting(0, 3, 1), expecting(3, 6, 2), expecting(60, 62, 0)]);
    assert_eq!(staff.patch_many(&path(&hotel), fitting).await.ok(200)["changed"], 5, "three are so already");
}

#[tokio::test(flavor = "multi_thread")]
async fn capacity_never_falls_below_what_is_sold_and_held() {
    let app = TestApp::start_with(Start::Migrated, |given| {
        given.sweep_interval_ms = Some("3600000".to_owned());
    })
    .await;
    let hotel = Hotel::with(&app, &Terms { capacity: 5, ..Terms::default() });
    let suite = hotel.another_room_type(&app, &Terms { capacity: 5, ..Terms::default() });
    let (staff, ada) = (manager_of(&app, &hotel).await, app.guest());
    let two = |stay: &str| format!("{stay}&rooms=2");
    let booked = ada.held(&hotel.id(), &two(&hotel.stay(10, 12))).await;
    ada.pay(&booked["hold_id"], "pm_card_visa").await.ok(201);
    ada.confirm(&booked["hold_id"]).await.ok(201);
    let held = ada.held(&hotel.id(), &hotel.stay(11, 14)).await;
    assert_eq!(hotel.stock(&app, hotel.day(11)), (1, 2));

    let before = everything(&app);
    let cut = |capacity: i32| {
        items(&[
            item(&suite, hotel.day(0), hotel.day(60), json!({ "capacity": 1 })),
            item(&hotel, hotel.day(5), hotel.day(30), json!({ "capacity": capacity })),
            item(&hotel, hotel.day(0), hotel.day(60), json!({ "closed": true })),
        ])
    };
    let refused = staff.patch_many(&path(&hotel), cut(1)).await.problem(409, "capacity_below_commitments");
    let conflicts = json!([{ "item": 1, "first_night": hotel.day(10), "nights": 2, "committed": 2, "sellable": 1 }]);
    assert_eq!((&refused["item"], &refused["first_night"]), (&json!(1), &json!(hotel.day(10))));
    assert_eq!(refused["conflicts"], conflicts, "{refused}");
    let refused = staff.patch_many(&path(&hotel), cut(0)).await.problem(409, "capacity_below_commitments");
    assert_eq!(refused["conflicts"][0]["nights"], 4, "{refused}");
    assert_eq!(everything(&app), before, "of neither item anything is written");

    // The hold's time is over: it is in nobody's way, and gives its rooms back before the cut is made.
    app.execute("UPDATE holds SET expires_at = clock_timestamp() - interval '1 s' WHERE status = 'active'");
    staff.patch_many(&path(&hotel), cut(1)).await.problem(409, "capacity_below_commitments");
    assert_eq!(hotel.stock(&app, hotel.day(11)), (1, 2), "no hold is expired for a change that is refused");
    staff.patch_many(&path(&hotel), cut(2)).await.ok(200);
    assert_eq!((hotel.stock(&app, hotel.day(11)), hotel.stock(&app, hotel.day(12))), ((0, 2), (0, 0)));
    let status = ada.get(&format!("/holds/{}", held["hold_id"].as_str().expect("an id"))).await.ok(200);
    assert_eq!(status["status"], "expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_out_of_service_are_subtracted_and_the_allowance_added() {
    let app = TestApp::start().await;
    let hotel = Hotel::with(&app, &Terms { capacity: 5, ..Terms::default() });
    let (staff, ada) = (manager_of(&app, &hotel).await, app.guest());
    hotel.change(
        &app,
        "INSERT INTO rooms (hotel_id, room_id, room_type_id, number, status)
         SELECT t.hotel_id, gen_random_uuid(), t.room_type_id, n::text,
                CASE WHEN n <= 2 THEN 'out_of_service' ELSE 'in_service' END
         FROM room_types t, generate_series(1, 5) n WHERE hotel_id = $1 AND $2 IS NOT NULL",
    );
    hotel.change(&app, "UPDATE inventory SET out_of_service = 2 WHERE hotel_id = $1 AND stay_date >= $2");
    ada.held(&hotel.id(), &format!("{}&rooms=2", hotel.stay(10, 11))).await;
    let set = async |set: Value| {
        staff.patch_many(&path(&hotel), items(&[item(&hotel, hotel.day(10), hotel.day(11), set)])).await
    };
    let refused = set(json!({ "capacity": 3 })).await.problem(409, "capacity_below_commitments");
    assert_eq!(refused["conflicts"][0]["sellable"], 1, "{refused}");
    set(json!({ "capacity": 3, "allowance": 1 })).await.ok(200);
    set(json!({ "allowance": 0 })).await.problem(409, "capacity_below_commitments");
    let of_tonight = format!(
        "SELECT concat_ws(' ', capacity, out_of_service, allowance) FROM inventory WHERE stay_date = '{}'",
        hotel.day(10)
    );
    assert_eq!(app.text(&of_tonight), "3 2 1");
    let night = staff.get(&format!("{}/{}/{}", path(&hotel), hotel.room_type_id, hotel.day(10))).await.ok(200);
    assert_eq!((&night["held"], &night["left"]), (&json!(2), &json!(0)));

    // A night without rooms has none out of service; given rooms again, it has.
    let all = |capacity: i32| items(&[item(&hotel, hotel.day(20), hotel.day(22), json!({ "capacity": capacity }))]);
    let of_later = of_tonight.replace(&hotel.day(10).to_string(), &hotel.day(20).to_string());
    for (capacity, expected) in [(0, "0 0 0"), (1, "1 1 0"), (4, "4 2 0")] {
        staff.patch_many(&path(&hotel), all(capacity)).await.ok(200);
        assert_eq!(app.text(&of_later), expected);
    }
}
