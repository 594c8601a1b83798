//! Whom staff are: a manager's hotels and nobody else's, and what belongs together.

use serde_json::{Value, json};

use crate::support::staff::text;
use crate::support::{Guest, Made, TestApp};

async fn user_id(caller: &Guest) -> Value {
    caller.get("/auth/me").await.ok(200)["user_id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_of_two_hotels_reaches_no_third() {
    let app = TestApp::start().await;
    let (admin, manager) = (app.admin(), app.manager());
    let (first, second, third) = (Made::by(&admin).await, Made::by(&admin).await, Made::by(&admin).await);
    for made in [&first, &second] {
        admin.post(&made.path("members"), json!({ "email": manager.email })).await.ok(201);
    }
    let listed = manager.get("/admin/hotels").await.ok(200);
    assert_eq!(listed["data"], json!([first.hotel, second.hotel]));
    assert_eq!(admin.get("/admin/hotels").await.ok(200)["data"].as_array().map(Vec::len), Some(3));
    manager.patch(&first.path(""), "\"1\"", json!({ "stars": 4 })).await.ok(200);
    manager.patch(&second.plan_path(), "\"1\"", json!({ "name": "Ours" })).await.ok(200);

    let before = (app.entries(), app.text("SELECT sum(version) FROM hotels"));
    for path in [third.path(""), third.room_type_path(), third.room_path(), third.plan_path(), third.tax_path()] {
        manager.get(&path).await.problem(404, "not_found");
        let renamed = manager.patch(&path, "\"1\"", json!({ "name": "Mine" })).await;
        // A room has no name: that is told before whose it is.
        assert_eq!(renamed.status, if path == third.room_path() { 422 } else { 404 }, "{path}");
        manager.patch(&path, "\"1\"", json!({})).await.problem(404, "not_found");
        manager.delete_version(&path, "\"1\"").await.problem(404, "not_found");
        manager.post(&format!("{path}/restore"), json!({})).await.problem(404, "not_found");
    }
    for part in ["room-types", "rooms", "rate-plans", "taxes", "members"] {
        manager.get(&third.path(part)).await.problem(404, "not_found");
    }
    assert_eq!(before, (app.entries(), app.text("SELECT sum(version) FROM hotels")));
    let hotel = crate::support::staff::new_hotel();
    manager.post("/admin/hotels", hotel).await.problem(403, "forbidden");
    let oneself = json!({ "user_id": user_id(&manager).await });
    manager.post(&first.path("members"), oneself.clone()).await.problem(403, "forbidden");
    manager.post(&third.path("members"), oneself).await.problem(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_do_not_belong_together_are_404() {
    let app = TestApp::start().await;
    let (admin, manager) = (app.admin(), app.manager());
    let (own, other) = (Made::by(&admin).await, Made::by(&admin).await);
    app.grant(&manager, std::slice::from_ref(&own.hotel_id));
    let foreign = [
        own.path(&format!("room-types/{}", text(&other.room_type["room_type_id"]))),
        own.path(&format!("rooms/{}", text(&other.room["room_id"]))),
        own.path(&format!("rate-plans/{}", text(&other.plan["rate_plan_id"]))),
        own.path(&format!("taxes/{}", text(&other.tax["tax_id"]))),
        // A room's id is no room type's.
        own.path(&format!("room-types/{}", text(&own.room["room_id"]))),
        own.path("rooms/none"),
        "/admin/hotels/none".to_owned(),
    ];
    for path in &foreign {
        for staff in [&admin, &manager] {
            staff.get(path).await.problem(404, "not_found");
            staff.patch(path, "\"1\"", json!({})).await.problem(404, "not_found");
            staff.delete_version(path, "\"1\"").await.problem(404, "not_found");
            staff.post(&format!("{path}/restore"), json!({})).await.problem(404, "not_found");
        }
    }
    // In a body they are 422, and named.
    let room = json!({ "room_type_id": other.room_type["room_type_id"], "number": "9" });
    manager.post(&own.path("rooms"), room).await.invalid("room_type_id");
    let moved = json!({ "room_type_id": other.room_type["room_type_id"] });
    manager.patch(&own.room_path(), "\"1\"", moved).await.invalid("room_type_id");
    let sells = json!({ "room_type_ids": [own.room_type["room_type_id"], other.room_type["room_type_id"]] });
    manager.patch(&own.plan_path(), "\"1\"", sells).await.invalid("room_type_ids[1]");
    let plan = crate::support::staff::new_plan(&[&other.room_type["room_type_id"]]);
    manager.post(&own.path("rate-plans"), plan).await.invalid("room_type_ids[0]");
}

#[tokio::test(flavor = "multi_thread")]
async fn membership_counts_on_the_next_request() {
    let app = TestApp::start().await;
    let (admin, manager) = (app.admin(), app.manager());
    let made = Made::by(&admin).await;
    manager.get(&made.path("")).await.problem(404, "not_found");
    let granted = admin.post(&made.path("members"), json!({ "user_id": user_id(&manager).await })).await.ok(201);
    assert_eq!((&granted["email"], &granted["roles"]), (&json!(manager.email), &json!(["guest", "manager"])));
    manager.get(&made.path("")).await.ok(200);
    assert_eq!(manager.get("/auth/me").await.ok(200)["memberships"], json!([made.hotel_id]));
    assert_eq!(manager.get(&made.path("members")).await.ok(200)["data"], json!([granted]));
    let again = admin.post(&made.path("members"), json!({ "email": manager.email.to_uppercase() })).await;
    assert_eq!(
        (again.ok(200), app.number("SELECT count(*) FROM audit_entries WHERE resource = 'member'")),
        (granted.clone(), 1)
    );

    let member = made.path(&format!("members/{}", text(&granted["user_id"])));
    manager.delete(&member).await.problem(403, "forbidden");
    admin.delete(&member).await.ok(204);
    manager.get(&made.path("")).await.problem(404, "not_found");
    manager.patch(&made.path(""), "\"1\"", json!({ "stars": 1 })).await.problem(404, "not_found");
    admin.delete(&member).await.problem(404, "not_found");
    let entry =
        "SELECT action || ' ' || (before ->> 'email') FROM audit_entries WHERE resource = 'member' AND after IS NULL";
    assert_eq!(app.text(entry), format!("revoked {}", manager.email));
    // Membership alone opens nothing, and neither does the role alone.
    let guest = app.guest();
    admin.post(&made.path("members"), json!({ "email": guest.email })).await.ok(201);
    guest.get(&made.path("")).await.problem(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_in_particular_becomes_no_member() {
    let app = TestApp::start().await;
    let (admin, gone) = (app.admin(), app.guest());
    let made = Made::by(&admin).await;
    app.execute(&format!("UPDATE users SET disabled_at = clock_timestamp() WHERE email = '{}'", gone.email));
    for (body, field) in [
        (json!({}), "user_id"),
        (json!({ "user_id": uuid::Uuid::now_v7(), "email": "a@example.com" }), "user_id"),
        (json!({ "user_id": uuid::Uuid::now_v7() }), "user_id"),
        (json!({ "user_id": "me" }), "user_id"),
        (json!({ "email": "nobody@example.com" }), "email"),
        (json!({ "email": gone.email }), "email"),
        (json!({ "email": "" }), "email"),
        (json!({ "email": gone.email, "hotel_id": made.hotel_id }), "hotel_id"),
    ] {
        admin.post(&made.path("members"), body).await.invalid(field);
    }
    assert_eq!(app.rows("hotel_members"), 0);
}
