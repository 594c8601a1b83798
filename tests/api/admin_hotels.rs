//! Hotels as their staff make, change, delete and restore them.

use std::collections::BTreeSet;

use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::support::staff::{new_hotel, text};
use crate::support::{Guest, Made, TestApp, key};

fn path(hotel: &Value) -> String {
    format!("/admin/hotels/{}", hotel["hotel_id"].as_str().expect("an id"))
}

/// The last entry of the audit log, as its parts.
fn last_audit(app: &TestApp) -> Value {
    let row = "SELECT jsonb_build_object('resource', resource, 'action', action, 'before', before, 'after', after,
                      'request_id', request_id, 'address', address, 'resource_id', resource_id)
               FROM audit_entries WHERE hotel_id IN (SELECT hotel_id FROM hotels) ORDER BY audit_id DESC LIMIT 1";
    serde_json::from_str(&app.text(row)).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_makes_changes_deletes_and_restores_a_hotel() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let made = admin.post("/admin/hotels", new_hotel()).await;
    let hotel = made.ok(201);
    assert_eq!(made.header("location").map(str::to_owned), Some(format!("/api/v1{}", path(&hotel))));
    assert_eq!(made.header("etag"), Some("\"1\""));
    assert_eq!(
        (&hotel["check_in_time"], &hotel["check_out_time"], &hotel["stars"], &hotel["amenities"]),
        (&json!("15:00"), &json!("11:00"), &json!(null), &json!([]))
    );
    let audit = last_audit(&app);
    assert_eq!(
        (&audit["resource"], &audit["action"], &audit["before"]),
        (&json!("hotel"), &json!("created"), &json!(null))
    );
    assert_eq!((&audit["after"], &audit["resource_id"]), (&hotel, &hotel["hotel_id"]));
    assert_eq!(audit["address"], "127.0.0.1");
    assert_eq!(audit["request_id"], made.header("x-request-id").expect("an id"));
    assert_eq!(admin.get(&path(&hotel)).await.ok(200), hotel);

    let patch = json!({ "name": "Hôtel du Sud", "stars": 3, "location": { "lat": 48.87, "lon": 2.36 } });
    let changed = admin.patch(&path(&hotel), "\"1\"", patch).await;
    assert_eq!(changed.header("etag"), Some("\"2\""));
    let changed = changed.ok(200);
    assert_eq!(
        (&changed["name"], &changed["city"], &changed["stars"]),
        (&json!("Hôtel du Sud"), &json!("Paris"), &json!(3))
    );
    let audit = last_audit(&app);
    assert_eq!((&audit["action"], &audit["before"], &audit["after"]), (&json!("changed"), &hotel, &changed));
    let cleared = admin.patch(&path(&hotel), "\"2\"", json!({ "stars": null, "location": null })).await.ok(200);
    assert_eq!((&cleared["stars"], &cleared["location"], &cleared["version"]), (&json!(null), &json!(null), &json!(3)));
    // Nothing changes: no version, no entry.
    let same = admin.patch(&path(&hotel), "\"3\"", json!({ "city": "Paris" })).await.ok(200);
    assert_eq!((same, app.entries()), (cleared.clone(), 3));

    admin.delete_version(&path(&hotel), "\"3\"").await.ok(204);
    assert_eq!(last_audit(&app)["action"], "deleted");
    let gone = admin.get(&path(&hotel)).await.ok(200);
    assert!(gone["deleted_at"].is_string(), "{gone}");
    admin.patch(&path(&hotel), "\"4\"", json!({ "name": "x" })).await.problem(404, "not_found");
    admin.delete_version(&path(&hotel), "\"4\"").await.problem(404, "not_found");
    assert_eq!(admin.get("/admin/hotels").await.ok(200)["data"], json!([]));
    assert_eq!(admin.get("/admin/hotels?deleted=true").await.ok(200)["data"], json!([gone]));
    let restore = format!("{}/restore", path(&hotel));
    let back = admin.post(&restore, json!({})).await.ok(200);
    assert_eq!((&back["deleted_at"], &back["version"]), (&json!(null), &json!(5)));
    assert_eq!(admin.post(&restore, json!({})).await.ok(200), back, "again: nothing more");
    assert_eq!((app.entries(), app.rows("outbox_events")), (5, 5));
    assert_eq!(
        app.text("SELECT string_agg(topic, ' ' ORDER BY event_id) FROM outbox_events"),
        "hotel.created hotel.changed hotel.changed hotel.deleted hotel.restored"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hotel_with_guests_ahead_is_not_deleted() {
    let app = TestApp::start().await;
    let (admin, guest) = (app.admin(), app.guest());
    let made = Made::by(&admin).await;
    made.price(&app, 10_000);
    let hold = guest.held(&made.hotel_id, &made.stay(&app, 10, 12)).await;
    let before = (admin.get(&made.path("")).await.ok(200), app.entries(), app.rows("outbox_events"));
    let refused = admin.delete_version(&made.path(""), "\"1\"").await.problem(409, "has_future_bookings");
    assert_eq!((&refused["bookings"], &refused["holds"]), (&json!(0), &json!(1)));
    assert_eq!(before, (admin.get(&made.path("")).await.ok(200), app.entries(), app.rows("outbox_events")));
    guest.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    let booking = guest.confirm(&hold["hold_id"]).await.ok(201);
    // Two rooms of one booking are one booking, and somebody who leaves today is still there.
    let refused = admin.delete_version(&made.path(""), "\"1\"").await.problem(409, "has_future_bookings");
    assert_eq!((&refused["bookings"], &refused["holds"]), (&json!(1), &json!(0)));
    let leaves_in = |days: i32| {
        app.execute(&format!(
            "UPDATE booking_rooms SET check_in = current_date - 9, check_out = current_date + {days}"
        ));
    };
    leaves_in(2);
    admin.delete_version(&made.path(""), "\"1\"").await.problem(409, "has_future_bookings");
    leaves_in(-2);
    admin.delete_version(&made.path(""), "\"1\"").await.ok(204);
    // What guests did there is theirs still.
    let own = guest.get(&format!("/bookings/{}", text(&booking["booking_id"]))).await.ok(200);
    assert_eq!(own["status"], "confirmed");
    // And everything below it is gone with it.
    for part in ["room-types", "rooms", "rate-plans", "taxes", "members"] {
        admin.get(&made.path(part)).await.problem(404, "not_found");
    }
    for path in [made.room_type_path(), made.room_path(), made.plan_path(), made.tax_path()] {
        admin.get(&path).await.problem(404, "not_found");
        admin.patch(&path, "*", json!({})).await.problem(404, "not_found");
    }
    admin.post(&format!("{}/restore", made.path("")), json!({})).await.ok(200);
    admin.get(&made.room_type_path()).await.ok(200);
}

/// A hotel on sale, and a guest's quote of its room.
async fn quoted(app: &TestApp, guest: &Guest) -> (Made, Value) {
    let made = Made::by(&app.admin()).await;
    made.price(app, 10_000);
    let offer = guest.offer(&made.hotel_id, &made.stay(app, 10, 12)).await;
    (made, guest.quote(&offer["offer_id"]).await["quote_id"].clone())
}

const WAITING: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// Deleting a hotel and holding its room at once: never both, whichever is first. Whoever waited longer than a lock may
/// take is answered 503 and has done nothing: then all of it begins anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_waits_for_a_hotel_to_be_deleted_finds_it_gone() {
    let app = TestApp::start().await;
    let guest = app.guest();
    loop {
        let (made, quote_id) = quoted(&app, &guest).await;
        let id = &made.hotel_id;
        let deleting = &mut app.connect();
        deleting
            .batch_execute(&format!("BEGIN; SELECT 1 FROM hotels WHERE hotel_id = '{id}' FOR UPDATE"))
            .expect("the hotel alone");
        let (held, ()) = tokio::join!(guest.hold(&quote_id), async {
            app.eventually(WAITING, "1").await;
            let delete = format!("UPDATE hotels SET deleted_at = now(), version = 2 WHERE hotel_id = '{id}'; COMMIT");
            deleting.batch_execute(&delete).expect("deleted");
        });
        assert_eq!((app.rows("holds"), app.number("SELECT sum(held) FROM inventory")), (0, 0));
        if held.status != 503 {
            held.problem(409, "offer_unavailable");
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hotel_that_waits_for_a_hold_to_be_placed_counts_it() {
    let app = TestApp::start().await;
    let (admin, guest) = (app.admin(), app.guest());
    loop {
        let (made, quote_id) = quoted(&app, &guest).await;
        let elsewhere = &mut app.connect();
        elsewhere.batch_execute("BEGIN; SELECT 1 FROM inventory FOR UPDATE").expect("the nights");
        let path = made.path("");
        // The placement keeps the hotel by the time it waits for its night.
        let (held, deleted, ()) = tokio::join!(
            guest.hold(&quote_id),
            async {
                app.eventually(WAITING, "1").await;
                admin.delete_version(&path, "\"1\"").await
            },
            async {
                app.eventually(WAITING, "2").await;
                elsewhere.batch_execute("COMMIT").expect("the nights are free");
            }
        );
        if held.status != 503 && deleted.status != 503 {
            held.ok(201);
            assert_eq!(deleted.problem(409, "has_future_bookings")["holds"], 1);
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_currency_is_changed_while_no_amount_is_in_it() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let hotel = admin.post("/admin/hotels", new_hotel()).await.ok(201);
    let yen = json!({ "currency": "JPY" });
    assert_eq!(admin.patch(&path(&hotel), "\"1\"", yen.clone()).await.ok(200)["currency"], "JPY");
    let made = Made::by(&admin).await;
    admin.patch(&made.path(""), "\"1\"", yen.clone()).await.problem(409, "currency_in_use");
    admin.patch(&made.path(""), "\"1\"", json!({ "currency": "EUR", "stars": 4 })).await.ok(200);
    admin.delete_version(&made.plan_path(), "\"1\"").await.ok(204);
    admin.delete_version(&made.tax_path(), "\"1\"").await.ok(204);
    admin.patch(&made.path(""), "\"2\"", yen).await.problem(409, "currency_in_use");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_makes_a_hotel_once() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let key = key();
    let first = admin.post_keyed("/admin/hotels", &key, new_hotel()).await;
    let again = admin.post_keyed("/admin/hotels", &key, new_hotel()).await;
    assert_eq!(
        (again.header("idempotency-replayed"), again.header("location")),
        (Some("true"), first.header("location"))
    );
    assert_eq!(first.ok(201), again.ok(201));
    let mut other = new_hotel();
    other["stars"] = json!(2);
    admin.post_keyed("/admin/hotels", &key, other).await.problem(409, "idempotency_key_reused");
    assert_eq!((app.rows("hotels"), app.entries()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_changed_once() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let made = Made::by(&admin).await;
    let path = made.path("");
    let changes = (1..=5).map(|stars| admin.patch(&path, "\"1\"", json!({ "stars": stars })));
    let answers = futures_util::future::join_all(changes).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(answer.problem(412, "precondition_failed")["current_version"], 2);
    }
    assert_eq!(app.number("SELECT count(*) FROM audit_entries WHERE resource = 'hotel'"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn walking_the_list_meets_every_hotel_once() {
    let app = TestApp::start_demo().await;
    let admin = app.admin();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = admin.get(&format!("/admin/hotels?limit=7{cursor}")).await.ok(200);
        let rows = page["data"].as_array().expect("rows");
        seen.extend(rows.iter().map(|hotel| text(&hotel["hotel_id"]).to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        assert_eq!(rows.len(), 7);
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen.len(), 40);
    assert!(seen.is_sorted() && seen.iter().collect::<BTreeSet<_>>().len() == 40);
    admin.get(&format!("/admin/hotels?deleted=true{cursor}")).await.problem(400, "cursor_invalid");
    let hotel = &seen[0];
    let types = format!("/admin/hotels/{hotel}/room-types?limit=1");
    let next = admin.get(&types).await.ok(200)["next_cursor"].clone();
    let other = format!("/admin/hotels/{}/room-types?limit=1&cursor={}", seen[1], text(&next));
    admin.get(&other).await.problem(400, "cursor_invalid");
    for wrong in ["limit=0", "limit=201", "deleted=maybe", "q=nord"] {
        let field = wrong.split('=').next().expect("a name");
        admin.get(&format!("/admin/hotels?{wrong}")).await.invalid(field);
    }
}

/// A zone may be younger than the database's own list of them: that is told by the words of its refusal.
#[tokio::test(flavor = "multi_thread")]
async fn the_database_says_so_when_it_does_not_know_a_zone() {
    let app = TestApp::start().await;
    Made::by(&app.admin()).await;
    let unknown = diesel::sql_query("UPDATE hotels SET time_zone = 'Mars/Jezero'").execute(&mut app.connect());
    assert!(lastroom::db::constraint::says(&unknown.expect_err("refused"), "time zone"));
}
