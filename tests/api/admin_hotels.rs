//! Hotels as their staff make, change, delete and restore them.

use serde_json::{Value, json};

use crate::support::TestApp;

/// A body that makes a hotel.
pub fn new_hotel() -> Value {
    json!({ "name": "Hôtel du Nord", "city": "Paris", "country": "FR", "time_zone": "Europe/Paris", "currency": "EUR" })
}

fn path(hotel: &Value) -> String {
    format!("/admin/hotels/{}", hotel["hotel_id"].as_str().expect("an id"))
}

/// The last entry of the audit log, as its parts.
fn last_audit(app: &TestApp) -> Value {
    let row = "SELECT jsonb_build_object('resource', resource, 'action', action, 'before', before, 'after', after,
                      'request_id', request_id, 'address', address, 'resource_id', resource_id)
               FROM audit_entries ORDER BY audit_id DESC LIMIT 1";
    serde_json::from_str(&app.text(row)).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_makes_changes_deletes_and_restores_a_hotel() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
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
    assert_eq!((same, app.rows("audit_entries")), (cleared.clone(), 3));

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
    assert_eq!((app.rows("audit_entries"), app.rows("outbox_events")), (5, 5));
    assert_eq!(
        app.text("SELECT string_agg(topic, ' ' ORDER BY event_id) FROM outbox_events"),
        "hotel.created hotel.changed hotel.changed hotel.deleted hotel.restored"
    );
}
