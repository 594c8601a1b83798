//! Room types and rooms: what is out of service is not sold, and nothing goes out of service under a guest.

use chrono::{Days, NaiveDate};
use lastroom::db::Db;
use lastroom::inventory::horizon;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::database::{Start, pool};
use crate::support::staff::{new_room_type, text};
use crate::support::{Guest, Made, TestApp, key};

const OUT: &str = r#"{"status":"out_of_service"}"#;

/// Marks a room, whatever its version.
async fn mark(staff: &Guest, path: &str, status: &str) -> crate::support::Answer {
    staff.patch(path, "*", json!({ "status": status })).await
}

async fn another_room(admin: &Guest, made: &Made, number: &str) -> String {
    let room = json!({ "room_type_id": made.room_type["room_type_id"], "number": number });
    let room = admin.post(&made.path("rooms"), room).await.ok(201);
    made.path(&format!("rooms/{}", text(&room["room_id"])))
}

/// How many rooms are out of service on the hotel's nights, each number once.
fn out_of_service(app: &TestApp, hotel_id: &str) -> String {
    app.text(&format!(
        "SELECT string_agg(DISTINCT out_of_service::text, ' ' ORDER BY out_of_service::text)
         FROM inventory WHERE hotel_id = '{hotel_id}'"
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_type_is_made_changed_deleted_and_restored() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let made = Made::by(&admin).await;
    assert_eq!(admin.get(&made.room_type_path()).await.ok(200), made.room_type);
    assert_eq!((&made.room_type["beds"], &made.room_type["description"]), (&json!([]), &json!(null)));
    let beds = json!([{ "type": "queen", "count": 1 }, { "type": "sofa_bed", "count": 2 }]);
    let patch = json!({ "beds": beds, "amenities": ["balcony"], "description": "Quiet" });
    let changed = admin.patch(&made.room_type_path(), "\"1\"", patch).await;
    assert_eq!(changed.header("etag"), Some("\"2\""));
    let changed = changed.ok(200);
    assert_eq!((&changed["beds"], &changed["name"], &changed["version"]), (&beds, &json!("Double"), &json!(2)));
    admin.delete_version(&made.room_type_path(), "\"2\"").await.ok(204);
    assert_eq!(admin.get(&made.path("room-types")).await.ok(200)["data"], json!([]));
    assert_eq!(
        admin.get(&made.path("room-types?deleted=true")).await.ok(200)["data"].as_array().map(Vec::len),
        Some(1)
    );
    admin.patch(&made.room_type_path(), "\"3\"", json!({})).await.problem(404, "not_found");
    // It comes back with the nights that the horizon would have added meanwhile.
    app.execute("DELETE FROM inventory WHERE stay_date > current_date + 300");
    let back = admin.post(&format!("{}/restore", made.room_type_path()), json!({})).await.ok(200);
    assert_eq!((&back["version"], &back["beds"]), (&json!(4), &beds));
    assert_eq!(app.number("SELECT count(*) FROM inventory WHERE capacity = 2"), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stock_follows_the_status_of_rooms() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let made = Made::by(&admin).await;
    let second = another_room(&admin, &made, "102").await;
    app.execute(
        "UPDATE inventory SET stay_date = stay_date - 402 WHERE stay_date = (SELECT max(stay_date) FROM inventory)",
    );
    mark(&admin, &made.room_path(), "out_of_service").await.ok(200);
    assert_eq!(out_of_service(&app, &made.hotel_id), "0 1", "not on the night that is past");
    mark(&admin, &second, "out_of_service").await.ok(200);
    assert_eq!(app.number("SELECT count(*) FROM inventory WHERE out_of_service = 2"), 399);
    mark(&admin, &made.room_path(), "in_service").await.ok(200);
    assert_eq!(app.number("SELECT count(*) FROM inventory WHERE out_of_service = 1"), 399);
    // Another type takes it over, with what is missing.
    let suites = admin.post(&made.path("room-types"), new_room_type(1)).await.ok(201);
    admin.patch(&second, "*", json!({ "room_type_id": suites["room_type_id"] })).await.ok(200);
    let of = |room_type: &Value| {
        let id = text(&room_type["room_type_id"]).to_owned();
        app.number(&format!("SELECT max(out_of_service) FROM inventory WHERE room_type_id = '{id}'"))
    };
    assert_eq!((of(&made.room_type), of(&suites)), (0, 1));
    admin.delete_version(&second, "*").await.ok(204);
    assert_eq!((of(&made.room_type), of(&suites)), (0, 0));
    admin.post(&format!("{second}/restore"), json!({})).await.ok(200);
    assert_eq!((of(&made.room_type), of(&suites)), (0, 1));
    let born_out =
        json!({ "room_type_id": made.room_type["room_type_id"], "number": "103", "status": "out_of_service" });
    admin.post(&made.path("rooms"), born_out).await.ok(201);
    assert_eq!((of(&made.room_type), of(&suites)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_out_of_service_is_not_sold_and_none_goes_under_a_guest() {
    let app = TestApp::start().await;
    let (admin, guest) = (app.admin(), app.guest());
    let made = Made::by(&admin).await;
    made.price(&app, 10_000);
    let second = another_room(&admin, &made, "102").await;
    let stay = made.stay(&app, 10, 12);
    mark(&admin, &second, "out_of_service").await.ok(200);
    assert_eq!(guest.offer(&made.hotel_id, &stay).await["rooms_left"], 1);
    let hold = guest.held(&made.hotel_id, &stay).await;
    let (entries, rooms) = (app.entries(), admin.get(&made.room_path()).await.ok(200));
    let refused = mark(&admin, &made.room_path(), "out_of_service").await.problem(409, "capacity_below_commitments");
    assert_eq!(refused["first_night"], made.stay(&app, 10, 12)[9..19]);
    assert_eq!((app.entries(), admin.get(&made.room_path()).await.ok(200)), (entries, rooms));
    mark(&admin, &second, "in_service").await.ok(200);
    mark(&admin, &made.room_path(), "out_of_service").await.ok(200);
    guest.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    guest.confirm(&hold["hold_id"]).await.ok(201);
    let refused = mark(&admin, &second, "out_of_service").await.problem(409, "capacity_below_commitments");
    assert_eq!(refused["first_night"], made.stay(&app, 10, 12)[9..19], "sold as well as held");
    // A room that is not to be restored into stock that is sold out either.
    admin.delete_version(&made.room_path(), "*").await.ok(204);
    mark(&admin, &second, "out_of_service").await.ok(200);
    admin.post(&format!("{}/restore", made.room_path()), json!({})).await.problem(409, "capacity_below_commitments");
}

#[tokio::test(flavor = "multi_thread")]
async fn lapsed_holds_and_nights_without_rooms_stand_in_nobodys_way() {
    let app = TestApp::start_with(Start::Migrated, |given| given.sweep_interval_ms = Some("3600000".into())).await;
    let (admin, guest) = (app.admin(), app.guest());
    let made = Made::by(&admin).await;
    made.price(&app, 10_000);
    app.execute("UPDATE inventory SET capacity = 0 WHERE stay_date > current_date + 300");
    app.execute("UPDATE inventory SET capacity = 1 WHERE stay_date <= current_date + 300");
    guest.held(&made.hotel_id, &made.stay(&app, 10, 12)).await;
    mark(&admin, &made.room_path(), "out_of_service").await.problem(409, "capacity_below_commitments");
    app.execute("UPDATE holds SET expires_at = clock_timestamp()");
    let busy = mark(&admin, &made.room_path(), "out_of_service").await;
    busy.problem(503, "busy");
    assert!(busy.header("retry-after").is_some());
    app.execute("UPDATE holds SET status = 'released'; UPDATE inventory SET held = 0");
    mark(&admin, &made.room_path(), "out_of_service").await.ok(200);
    assert_eq!(app.number("SELECT count(*) FROM inventory WHERE out_of_service = capacity"), 400);
    mark(&admin, &made.room_path(), "in_service").await.ok(200);
    assert_eq!(out_of_service(&app, &made.hotel_id), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn nights_added_at_the_horizon_lack_the_same_rooms() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let made = Made::by(&admin).await;
    mark(&admin, &made.room_path(), "out_of_service").await.ok(200);
    app.execute("DELETE FROM inventory WHERE stay_date > current_date + 390");
    let db = Db::new(&pool(app.database.url()));
    assert!(horizon::look(&db).await.expect("a look") > 0);
    assert_eq!((app.rows("inventory"), out_of_service(&app, &made.hotel_id)), (400, "1".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_given_once_in_a_hotel() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let (made, other) = (Made::by(&admin).await, Made::by(&admin).await);
    assert_eq!(made.room["number"], other.room["number"], "another hotel has its own numbers");
    let same = json!({ "room_type_id": made.room_type["room_type_id"], "number": "101" });
    admin.post(&made.path("rooms"), same.clone()).await.problem(409, "room_number_taken");
    let second = another_room(&admin, &made, "102").await;
    admin.patch(&second, "\"1\"", json!({ "number": "101" })).await.problem(409, "room_number_taken");
    admin.delete_version(&made.room_path(), "\"1\"").await.ok(204);
    admin.patch(&second, "\"1\"", json!({ "number": "101", "floor": "1" })).await.ok(200);
    admin.post(&format!("{}/restore", made.room_path()), json!({})).await.problem(409, "room_number_taken");
    admin.patch(&second, "\"2\"", json!({ "number": "104", "floor": null })).await.ok(200);
    assert_eq!(admin.post(&format!("{}/restore", made.room_path()), json!({})).await.ok(200)["number"], "101");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_a_guest_is_to_have_stays() {
    let app = TestApp::start().await;
    let (admin, guest) = (app.admin(), app.guest());
    let made = Made::by(&admin).await;
    made.price(&app, 10_000);
    let hold = guest.held(&made.hotel_id, &made.stay(&app, 10, 12)).await;
    guest.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    guest.confirm(&hold["hold_id"]).await.ok(201);
    app.execute(&format!("UPDATE booking_nights SET room_id = '{}'", text(&made.room["room_id"])));
    let suites = admin.post(&made.path("room-types"), new_room_type(1)).await.ok(201);
    let refused = admin.delete_version(&made.room_path(), "\"1\"").await.problem(409, "room_assigned");
    assert_eq!(refused["nights"], 2);
    let moved = json!({ "room_type_id": suites["room_type_id"] });
    admin.patch(&made.room_path(), "\"1\"", moved).await.problem(409, "room_assigned");
    admin.patch(&made.room_path(), "\"1\"", json!({ "floor": "2" })).await.ok(200);
}

/// Guests hold while rooms go out of service and come back: no night is ever committed beyond what is left, and the stock
/// says in the end what the rooms say.
#[tokio::test(flavor = "multi_thread")]
async fn guests_and_rooms_race_for_the_same_stock() {
    let mut app = TestApp::start().await;
    let admin = app.admin();
    let made = Made::by(&admin).await;
    app.execute("UPDATE inventory SET capacity = 4");
    made.price(&app, 10_000);
    let stay = made.stay(&app, 10, 12);
    let mut rooms = vec![made.room_path()];
    for number in ["102", "103", "104"] {
        rooms.push(another_room(&admin, &made, number).await);
    }
    let mut quotes = Vec::new();
    for _ in 0..4 {
        let guest = app.guest();
        let offer = guest.offer(&made.hotel_id, &stay).await;
        quotes.push((guest.clone(), guest.quote(&offer["offer_id"]).await["quote_id"].clone()));
    }
    let marks = rooms.iter().map(|room| {
        let (admin, headers) = (admin.clone(), [("content-type", "application/json"), ("if-match", "*")]);
        async move { admin.send(Method::PATCH, room, &headers, Some(OUT.into())).await.status }
    });
    let holds = quotes.iter().map(|(guest, quote_id)| async move {
        let body = json!({ "quote_id": quote_id });
        guest.post_keyed("/holds", &key(), body).await.status
    });
    let (marked, held) = tokio::join!(futures_util::future::join_all(marks), futures_util::future::join_all(holds));
    assert!(marked.iter().all(|status| [200, 409].contains(status)), "{marked:?}");
    assert!(held.iter().all(|status| [201, 409].contains(status)), "{held:?}");
    let (out, taken) = (marked.iter().filter(|s| **s == 200).count(), held.iter().filter(|s| **s == 201).count());
    assert_eq!(out + taken, 4, "each room went to one of the two: {marked:?} {held:?}");
    let agrees = "SELECT count(*) FROM inventory WHERE out_of_service =
                  (SELECT count(*) FROM rooms WHERE status = 'out_of_service')";
    assert_eq!(app.number(agrees), 400);
    app.sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_type_that_guests_are_to_stay_in_stays() {
    let app = TestApp::start().await;
    let (admin, guest) = (app.admin(), app.guest());
    let made = Made::by(&admin).await;
    made.price(&app, 10_000);
    let suites = admin.post(&made.path("room-types"), new_room_type(1)).await.ok(201);
    let hold = guest.held(&made.hotel_id, &made.stay(&app, 10, 12)).await;
    let refused = admin.delete_version(&made.room_type_path(), "\"1\"").await.problem(409, "has_future_bookings");
    assert_eq!((&refused["bookings"], &refused["holds"]), (&json!(0), &json!(1)));
    guest.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    guest.confirm(&hold["hold_id"]).await.ok(201);
    let refused = admin.delete_version(&made.room_type_path(), "\"1\"").await.problem(409, "has_future_bookings");
    assert_eq!((&refused["bookings"], &refused["holds"]), (&json!(1), &json!(0)));
    let free = made.path(&format!("room-types/{}", text(&suites["room_type_id"])));
    admin.delete_version(&free, "\"1\"").await.ok(204);
    let past = NaiveDate::from_ymd_opt(2020, 1, 1).expect("a date");
    let (from, to) = (past, past + Days::new(2));
    app.execute(&format!("UPDATE booking_rooms SET check_in = '{from}', check_out = '{to}'"));
    admin.delete_version(&made.room_type_path(), "\"1\"").await.ok(204);
}
