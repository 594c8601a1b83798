//! Admins and accounts: who may sign in, what they may do, and that an admin is left.

mod last_admin;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::actors::PASSWORD;
use crate::support::staff::text;
use crate::support::{Guest, Made, TestApp};

/// The path of somebody's account, and their id.
async fn account(caller: &Guest) -> String {
    let me = caller.get("/auth/me").await.ok(200);
    format!("/admin/users/{}", text(&me["user_id"]))
}

fn emails(list: &Value) -> Vec<String> {
    let data = list["data"].as_array().expect("a list");
    data.iter().map(|user| user["email"].as_str().expect("an address").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_find_users_by_address_role_and_state() {
    let app = TestApp::start().await;
    let (admin, ada, manager, gone) = (app.admin(), app.guest(), app.manager(), app.guest());
    app.execute(&format!("UPDATE users SET disabled_at = clock_timestamp() WHERE email = '{}'", gone.email));
    let found = |query: String| {
        let admin = admin.clone();
        async move { emails(&admin.get(&format!("/admin/users{query}")).await.ok(200)) }
    };
    let all = [&admin.email, &ada.email, &manager.email, &gone.email].map(String::clone);
    assert_eq!(found(String::new()).await, all, "oldest first");
    assert_eq!(found(format!("?email={}", ada.email.to_uppercase())).await, [ada.email.as_str()]);
    assert_eq!(found("?email=ada".to_owned()).await, Vec::<String>::new(), "the whole address");
    assert_eq!(found("?role=manager".to_owned()).await, [manager.email.as_str()]);
    assert_eq!(found("?disabled=true".to_owned()).await, [gone.email.as_str()]);
    assert_eq!(found("?disabled=false&role=guest".to_owned()).await, [ada.email.as_str(), manager.email.as_str()]);
    assert_eq!(found(format!("?role=admin&email={}", ada.email)).await, Vec::<String>::new());
    for odd in ["'", "%", "' OR true --", "\\", "$1"] {
        let odd = form(odd);
        assert_eq!(found(format!("?email={odd}&role={odd}")).await, Vec::<String>::new());
    }

    let first = admin.get("/admin/users?limit=3&disabled=false").await.ok(200);
    assert_eq!(first["next_cursor"], Value::Null);
    let first = admin.get("/admin/users?limit=2").await.ok(200);
    let cursor = text(&first["next_cursor"]);
    let second = admin.get(&format!("/admin/users?limit=2&cursor={cursor}")).await.ok(200);
    assert_eq!([emails(&first), emails(&second)].concat(), all);
    admin.get(&format!("/admin/users?cursor={cursor}&role=guest")).await.problem(400, "cursor_invalid");

    let user = admin.get(&account(&ada).await).await;
    assert_eq!(user.header("etag"), Some("\"1\""));
    let user = user.ok(200);
    assert_eq!((&user["email"], &user["roles"]), (&json!(ada.email), &json!(["guest"])));
    assert!(!user.to_string().contains("password"), "{user}");
    for (query, field) in
        [("limit=0", "limit"), ("disabled=maybe", "disabled"), ("email=", "email"), ("name=x", "name")]
    {
        admin.get(&format!("/admin/users?{query}")).await.invalid(field);
    }
    admin.get(&format!("/admin/users/{}", uuid::Uuid::now_v7())).await.problem(404, "not_found");
    admin.get("/admin/users/me").await.problem(404, "not_found");
}

/// A value as a query has it.
fn form(text: &str) -> String {
    text.bytes().fold(String::new(), |text, byte| format!("{text}%{byte:02x}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_disabled_is_out_at_once_and_signs_in_anew_once_enabled() {
    let app = TestApp::start().await;
    let (admin, ada) = (app.admin(), app.guest());
    let path = account(&ada).await;
    let (here, there) = (ada.login(&ada.email, PASSWORD).await, ada.clone());
    let off = json!({ "disabled": true });
    admin.patch_many(&path, off.clone()).await.problem(428, "precondition_required");
    admin.patch(&path, "\"7\"", off.clone()).await.problem(412, "precondition_failed");
    for (body, field) in [
        (json!({ "disabled": null }), "disabled"),
        (json!({ "disabled": "yes" }), "disabled"),
        (json!({ "email": "eve@example.com" }), "email"),
        (json!({ "roles": ["admin"] }), "roles"),
    ] {
        admin.patch(&path, "\"1\"", body).await.invalid(field);
    }
    here.get("/auth/me").await.ok(200);
    let before = admin.get(&path).await.ok(200);
    let disabled = admin.patch(&path, "\"1\"", off.clone()).await;
    assert_eq!(disabled.header("etag"), Some("\"2\""));
    let after = disabled.ok(200);
    assert!(after["disabled_at"].is_string(), "{after}");
    let entry = "SELECT jsonb_build_object('before', before, 'after', after, 'what', resource || '.' || action)
                 FROM audit_entries WHERE resource = 'account' AND action = 'changed'";
    let entry: Value = serde_json::from_str(&app.text(entry)).expect("JSON");
    assert_eq!(entry, json!({ "before": before, "after": after, "what": "account.changed" }));

    for session in [&here, &there] {
        session.get("/auth/me").await.problem(401, "token_invalid");
        let refresh = session.post("/auth/refresh", json!({ "refresh_token": session.refresh_token })).await;
        refresh.problem(401, "refresh_token_invalid");
    }
    let login = json!({ "email": ada.email, "password": PASSWORD });
    ada.post("/auth/login", login).await.problem(401, "invalid_credentials");
    assert_eq!(admin.patch(&path, "\"2\"", off).await.ok(200), after, "nothing is to be changed");

    admin.patch(&path, "*", json!({ "disabled": false })).await.ok(200);
    here.get("/auth/me").await.problem(401, "token_invalid");
    ada.login(&ada.email, PASSWORD).await.get("/auth/me").await.ok(200);
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_counts_on_the_next_request_from_its_grant_to_its_end() {
    let app = TestApp::start().await;
    let (admin, ada) = (app.admin(), app.guest());
    let made = Made::by(&admin).await;
    let path = account(&ada).await;
    let roles = format!("{path}/roles");
    admin.post(&made.path("members"), json!({ "email": ada.email })).await.ok(201);
    ada.get(&made.path("")).await.problem(403, "forbidden");

    let manager = json!({ "role": "manager" });
    let granted = admin.post(&roles, manager.clone()).await.ok(201);
    assert_eq!(granted["role"], "manager");
    ada.get(&made.path("")).await.ok(200);
    assert_eq!(admin.post(&roles, manager.clone()).await.ok(200), granted, "they have it already");
    let listed = admin.get(&roles).await.ok(200);
    assert_eq!((&listed["data"][0]["role"], &listed["data"][1]), (&json!("guest"), &granted));
    let user = admin.get(&path).await;
    assert_eq!((user.header("etag"), &user.json()["roles"]), (Some("\"2\""), &json!(["guest", "manager"])));

    admin.delete(&format!("{roles}/manager")).await.ok(204);
    ada.get(&made.path("")).await.problem(403, "forbidden");
    admin.delete(&format!("{roles}/manager")).await.problem(404, "not_found");
    assert_eq!(admin.get(&path).await.header("etag"), Some("\"3\""));
    let log =
        "SELECT string_agg(action || ' ' || coalesce(before ->> 'role', after ->> 'role'), ', ' ORDER BY audit_id)
               FROM audit_entries WHERE resource = 'role' AND actor_id IS NOT NULL";
    assert_eq!(app.text(log), "granted manager, revoked manager");

    admin.post(&roles, json!({ "role": "king" })).await.invalid("role");
    admin.post(&roles, json!({ "role": "" })).await.invalid("role");
    admin.post(&roles, json!({ "roles": ["admin"] })).await.invalid("roles");
    let nobody = format!("/admin/users/{}/roles", uuid::Uuid::now_v7());
    admin.post(&nobody, manager.clone()).await.problem(404, "not_found");
    admin.get(&nobody).await.problem(404, "not_found");
    for odd in ["king", "%00", "%27", "..", "%2e%2e", "a%20b", "%ff"] {
        let answer = admin.delete(&format!("{roles}/{odd}")).await;
        assert!([404, 405].contains(&answer.status), "{odd}: {}", answer.text);
    }
    for staff in [&ada, &app.manager()] {
        staff.post(&roles, json!({ "role": "admin" })).await.problem(403, "forbidden");
        staff.patch(&path, "*", json!({ "disabled": true })).await.problem(403, "forbidden");
        staff.get("/admin/users").await.problem(403, "forbidden");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_registers_with_a_role() {
    let app = TestApp::start().await;
    let stranger = Guest::stranger(&app);
    for field in ["role", "roles", "user_id", "disabled_at", "email_verified_at"] {
        let mut body = json!({ "email": "eve@example.com", "password": PASSWORD, "full_name": "Eve" });
        body[field] = json!("admin");
        stranger.post("/auth/register", body).await.invalid(field);
    }
    assert_eq!(app.rows("users"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_say_what_a_role_may_do() {
    let app = TestApp::start().await;
    let (admin, manager) = (app.admin(), app.manager());
    let made = Made::by(&admin).await;
    app.grant(&manager, std::slice::from_ref(&made.hotel_id));
    let roles = admin.get("/admin/roles").await.ok(200);
    let names: Vec<_> = roles["data"].as_array().expect("roles").iter().map(|role| text(&role["role"])).collect();
    assert_eq!(names, ["admin", "guest", "manager"]);
    let first = admin.get("/admin/roles?limit=2").await.ok(200);
    let rest = admin.get(&format!("/admin/roles?cursor={}", text(&first["next_cursor"]))).await.ok(200);
    assert_eq!((&rest["data"][0], &rest["next_cursor"]), (&roles["data"][2], &Value::Null));
    let path = "/admin/roles/manager";
    let before = admin.get(path).await;
    assert_eq!(before.header("etag"), Some("\"1\""));
    let before = before.ok(200);
    assert_eq!(before, roles["data"][2]);

    let fewer: Vec<_> = before["permissions"].as_array().expect("permissions").iter().collect();
    let fewer: Vec<_> = fewer.into_iter().filter(|permission| **permission != "hotels:read").collect();
    let patch = json!({ "permissions": fewer });
    admin.patch_many(path, patch.clone()).await.problem(428, "precondition_required");
    admin.patch(path, "\"3\"", patch.clone()).await.problem(412, "precondition_failed");
    manager.get(&made.path("")).await.ok(200);
    let changed = admin.patch(path, "\"1\"", patch.clone()).await;
    assert_eq!(changed.header("etag"), Some("\"2\""));
    let changed = changed.ok(200);
    manager.get(&made.path("")).await.problem(403, "forbidden");
    assert_eq!(admin.patch(path, "\"2\"", patch).await.ok(200), changed, "nothing is to be changed");
    // Whatever order and however often they are named.
    let back = json!("hotels:read");
    let all = [fewer.clone(), fewer, vec![&back]].concat();
    let more = json!({ "permissions": all, "description": "Runs hotels" });
    let more = admin.patch(path, "\"2\"", more).await.ok(200);
    assert_eq!((&more["permissions"], &more["description"]), (&before["permissions"], &json!("Runs hotels")));
    manager.get(&made.path("")).await.ok(200);
    let log =
        "SELECT string_agg((after ->> 'version') || ' ' || (before -> 'permissions' <> after -> 'permissions')::text,
                   ', ' ORDER BY audit_id) FROM audit_entries WHERE resource = 'role' AND action = 'changed'";
    assert_eq!(app.text(log), "2 true, 3 true");

    for (body, field) in [
        (json!({ "permissions": ["hotels:read", "hotels:burn"] }), "permissions[1]"),
        (json!({ "permissions": "hotels:read" }), "permissions"),
        (json!({ "permissions": null }), "permissions"),
        (json!({ "description": " " }), "description"),
        (json!({ "role": "owner" }), "role"),
        (json!({ "version": 9 }), "version"),
    ] {
        admin.patch(path, "\"3\"", body).await.invalid(field);
    }
    admin.patch("/admin/roles/king", "*", json!({})).await.problem(404, "not_found");
    admin.get("/admin/roles/king").await.problem(404, "not_found");
    admin
        .send(
            Method::PATCH,
            "/admin/roles/%00",
            &[("content-type", "application/json"), ("if-match", "*")],
            Some(b"{}".to_vec()),
        )
        .await
        .problem(404, "not_found");
    // A role may be left without any permission.
    admin.patch("/admin/roles/guest", "*", json!({ "permissions": [] })).await.ok(200);
    app.guest().get("/holds").await.problem(403, "forbidden");
}
