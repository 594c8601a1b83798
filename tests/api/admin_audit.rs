//! Each work of staff leaves one entry of the audit log and one event, and a refused one leaves none.

use serde_json::{Value, json};

use crate::support::staff::{new_derived_plan, new_hotel, new_plan, new_room_type, new_tax, text};
use crate::support::{Answer, Made, TestApp};

/// The entries and events since the last look, as one text each.
struct Log<'a> {
    app: &'a TestApp,
    seen: i64,
}

impl Log<'_> {
    /// One entry has come, of this resource and action, by this request, with the resource before and after.
    fn one(&mut self, what: &str, answer: &Answer, before: &Value, after: &Value) {
        assert!(answer.status < 300, "{what}: {}", answer.text);
        assert_eq!(self.app.entries(), self.seen + 1, "{what}: one entry");
        assert_eq!(self.app.rows("outbox_events"), self.seen + 1, "{what}: one event");
        self.seen += 1;
        let entry = "SELECT jsonb_build_object('what', a.resource || '.' || a.action, 'before', before, 'after', after,
                        'request_id', request_id, 'address', address, 'actor', u.email,
                        'topic', (SELECT topic FROM outbox_events ORDER BY event_id DESC LIMIT 1),
                        'same', a.resource_id = (SELECT subject_id FROM outbox_events ORDER BY event_id DESC LIMIT 1))
                     FROM audit_entries a JOIN users u ON u.user_id = a.actor_id
                     WHERE hotel_id IN (SELECT hotel_id FROM hotels) ORDER BY audit_id DESC LIMIT 1";
        let entry: Value = serde_json::from_str(&self.app.text(entry)).expect("JSON");
        assert_eq!((&entry["what"], &entry["topic"], &entry["same"]), (&json!(what), &json!(what), &json!(true)));
        assert_eq!(entry["request_id"], answer.header("x-request-id").expect("an id"), "{what}");
        assert_eq!((&entry["actor"], &entry["address"]), (&json!("admin@lastroom.test"), &json!("127.0.0.1")));
        assert_eq!(&entry["before"], before, "{what}");
        assert_eq!(&entry["after"], after, "{what}");
    }

    /// Nothing has come.
    fn none(&self) {
        assert_eq!((self.app.entries(), self.app.rows("outbox_events")), (self.seen, self.seen));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_work_leaves_one_entry_and_one_event() {
    let app = TestApp::start().await;
    let (admin, guest) = (app.admin(), app.guest());
    let made = Made::by(&admin).await;
    let mut log = Log { app: &app, seen: app.entries() };
    assert_eq!(log.seen, 5, "hotel, room type, room, plan, tax");
    log.none();
    let suites = admin.post(&made.path("room-types"), new_room_type(1)).await;
    let mut seeded = suites.json();
    seeded["capacity"] = json!(1);
    log.one("room_type.created", &suites, &json!(null), &seeded);
    let derived = new_derived_plan(&made.plan["rate_plan_id"], 5.0, &[&made.room_type["room_type_id"]]);
    let derived = admin.post(&made.path("rate-plans"), derived).await;
    log.one("rate_plan.created", &derived, &json!(null), &derived.json());
    let derived = made.path(&format!("rate-plans/{}", text(&derived.json()["rate_plan_id"])));
    admin.delete_version(&derived, "\"1\"").await.ok(204);
    log.seen += 1;

    for (resource, path, patch) in [
        ("room_type", made.room_type_path(), json!({ "description": "Quiet" })),
        ("room", made.room_path(), json!({ "status": "out_of_service" })),
        ("rate_plan", made.plan_path(), json!({ "cancellation": [], "min_stay": 2 })),
        ("tax", made.tax_path(), json!({ "value": 12 })),
        ("hotel", made.path(""), json!({ "amenities": ["wifi"] })),
    ] {
        let before = admin.get(&path).await.ok(200);
        let changed = admin.patch(&path, "\"1\"", patch.clone()).await;
        log.one(&format!("{resource}.changed"), &changed, &before, &changed.json());
        admin.patch(&path, "\"2\"", patch).await.ok(200);
        admin.patch(&path, "\"1\"", json!({ "name": "x" })).await;
        admin.patch(&path, "\"2\"", json!({ "version": 9 })).await.invalid("version");
        guest.patch(&path, "\"2\"", json!({})).await.problem(403, "forbidden");
        log.none();
        let deleted = admin.delete_version(&path, "\"2\"").await;
        let after = admin.get(&path).await.ok(200);
        log.one(&format!("{resource}.deleted"), &deleted, &changed.json(), &after);
        let restored = admin.post(&format!("{path}/restore"), json!({})).await;
        log.one(&format!("{resource}.restored"), &restored, &after, &restored.json());
        admin.post(&format!("{path}/restore"), json!({})).await.ok(200);
        log.none();
    }
    let granted = admin.post(&made.path("members"), json!({ "email": guest.email })).await;
    log.one("member.granted", &granted, &json!(null), &granted.json());
    let revoked = admin.delete(&made.path(&format!("members/{}", text(&granted.json()["user_id"])))).await;
    log.one("member.revoked", &revoked, &granted.json(), &json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_work_leaves_no_trace() {
    let app = TestApp::start().await;
    let (admin, guest) = (app.admin(), app.guest());
    let made = Made::by(&admin).await;
    made.price(&app, 10_000);
    let derived = new_derived_plan(&made.plan["rate_plan_id"], 5.0, &[&made.room_type["room_type_id"]]);
    admin.post(&made.path("rate-plans"), derived).await.ok(201);
    let key = crate::support::key();
    let taken = json!({ "room_type_id": made.room_type["room_type_id"], "number": "101" });
    guest.held(&made.hotel_id, &made.stay(&app, 10, 12)).await;
    guest.held(&made.hotel_id, &made.stay(&app, 10, 12)).await;
    let trace = || (app.entries(), app.rows("outbox_events"), app.number("SELECT sum(version) FROM inventory"));
    let before = trace();
    admin.post_keyed(&made.path("rooms"), &key, taken.clone()).await.problem(409, "room_number_taken");
    let again = admin.post_keyed(&made.path("rooms"), &key, taken).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"), "the refusal is stored, and nothing else");
    let out = json!({ "status": "out_of_service" });
    admin.patch(&made.room_path(), "\"1\"", out).await.problem(409, "capacity_below_commitments");
    admin.delete_version(&made.path(""), "\"1\"").await.problem(409, "has_future_bookings");
    admin.delete_version(&made.room_type_path(), "\"1\"").await.problem(409, "has_future_bookings");
    admin.delete_version(&made.plan_path(), "\"1\"").await.problem(409, "rate_plan_in_use");
    admin.patch(&made.path(""), "\"1\"", json!({ "currency": "USD" })).await.problem(409, "currency_in_use");
    for body in [new_hotel(), new_room_type(1), new_plan(&[&made.room_type["room_type_id"]]), new_tax()] {
        for part in ["", "/room-types", "/rate-plans", "/taxes"] {
            let answer = guest
                .post(&format!("/admin/hotels{}{part}", if part.is_empty() { "" } else { "/x" }), body.clone())
                .await;
            answer.problem(403, "forbidden");
        }
    }
    assert_eq!(trace(), before);
}
