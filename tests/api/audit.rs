//! The audit log: what is written of sign-ins and denials, how it is sealed, who reads it.

mod reading;
mod sealing;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Guest, Made, TestApp};

/// What was written that belongs to no hotel, the oldest first, without its times and ids.
fn notes(app: &TestApp, resource: &str) -> Vec<Value> {
    let sql = format!(
        "SELECT coalesce(jsonb_agg(jsonb_build_object('action', action, 'actor', email, 'resource_id', resource_id,
             'after', after, 'address', address, 'before', before) ORDER BY a.created_at), '[]')
         FROM audit_entries a LEFT JOIN users u ON u.user_id = a.actor_id
         WHERE resource = '{resource}' AND hotel_id = '{}'",
        uuid::Uuid::nil()
    );
    serde_json::from_str::<Vec<Value>>(&app.text(&sql)).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_and_out_is_written_down_and_what_was_typed_is_not() {
    let app = TestApp::start().await;
    let ada = Guest::register(&app, "ada@example.com").await;
    let nobody = Guest::stranger(&app);
    let again = json!({ "email": ada.email, "password": crate::support::actors::PASSWORD, "full_name": "Eve" });
    nobody.post("/auth/register", again).await.ok(202);
    let me = ada.get("/auth/me").await.ok(200)["user_id"].clone();
    for (email, password) in [
        (ada.email.as_str(), "not her password"),
        ("typed.my.password@example.com", "not her password"),
        (ada.email.as_str(), crate::support::actors::PASSWORD),
    ] {
        if password == crate::support::actors::PASSWORD {
            app.execute("UPDATE users SET disabled_at = clock_timestamp()");
        }
        nobody
            .post("/auth/login", json!({ "email": email, "password": password }))
            .await
            .problem(401, "invalid_credentials");
    }
    app.execute("UPDATE users SET disabled_at = NULL");
    let entries = notes(&app, "account");
    let (registered, failed) = entries.split_at(2);
    for (entry, action) in registered.iter().zip(["created", "denied"]) {
        let of = (&entry["action"], &entry["resource_id"], &entry["actor"], &entry["address"]);
        assert_eq!(of, (&json!(action), &me, &Value::Null, &json!("127.0.0.1")));
    }
    let expected = |resource_id: &Value, reason: &str| {
        json!({ "action": "sign_in_failed", "actor": null, "resource_id": resource_id, "before": null,
                "after": { "reason": reason, "user_agent": null }, "address": "127.0.0.1" })
    };
    assert_eq!(
        failed,
        [expected(&me, "wrong_password"), expected(&json!(null), "unknown_account"), expected(&me, "disabled")]
    );
    assert!(!app.text("SELECT string_agg(a::text, ' ') FROM audit_entries a").contains("typed"));

    // A session that is ended once is written of once, however it ends.
    let stolen = nobody.login(&ada.email, crate::support::actors::PASSWORD).await;
    let refresh = |token: String| nobody.post("/auth/refresh", json!({ "refresh_token": token }));
    let mut token = stolen.refresh_token.clone();
    for _ in 0..2 {
        token = refresh(token).await.ok(200)["refresh_token"].as_str().expect("a token").to_owned();
    }
    for code in ["refresh_token_reused", "refresh_token_invalid"] {
        refresh(stolen.refresh_token.clone()).await.problem(401, code);
    }
    for _ in 0..2 {
        nobody.post("/auth/logout", json!({ "refresh_token": ada.refresh_token })).await.ok(204);
    }
    let sessions = notes(&app, "session");
    let actions: Vec<_> = sessions.iter().map(|note| note["action"].as_str().expect("a word")).collect();
    assert_eq!(actions, ["signed_in", "signed_in", "refresh_reused", "signed_out"]);
    let of: Vec<_> = sessions.iter().map(|note| note["resource_id"].clone()).collect();
    assert!(of[0] == of[3] && of[1] == of[2] && of[0] != of[1], "{sessions:?}");
    assert!(sessions.iter().all(|note| note["actor"] == ada.email && note["address"] == "127.0.0.1"), "{sessions:?}");
    app.all_sealed().await;
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ended_from_another_and_a_new_password_are_written_down() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let other = Guest::stranger(&app).login(&ada.email, crate::support::actors::PASSWORD).await;
    let open = ada.get("/auth/sessions").await.ok(200);
    let current = open["data"].as_array().expect("a list").iter().find(|session| session["current"] == false);
    let id = current.expect("the other")["session_id"].as_str().expect("an id").to_owned();
    for _ in 0..2 {
        ada.delete(&format!("/auth/sessions/{id}")).await.ok(204);
    }
    other.get("/auth/me").await.problem(401, "token_invalid");
    let revoked: Vec<_> = notes(&app, "session").into_iter().filter(|note| note["action"] == "revoked").collect();
    assert_eq!((revoked.len(), &revoked[0]["resource_id"], &revoked[0]["actor"]), (1, &json!(id), &json!(ada.email)));
    let new =
        json!({ "current_password": crate::support::actors::PASSWORD, "new_password": "another horse's battery" });
    ada.post("/auth/password", new).await.ok(204);
    let changed = notes(&app, "account");
    assert_eq!((changed.len(), &changed[0]["action"], &changed[0]["actor"]), (1, &json!("changed"), &json!(ada.email)));
    assert_eq!(
        (&changed[0]["after"], &changed[0]["address"]),
        (&json!({ "password": "changed" }), &json!("127.0.0.1"))
    );
}

/// Whoever has found a token and guesses the password behind it is seen, guess by guess.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_current_password_is_written_down() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let me = ada.get("/auth/me").await.ok(200)["user_id"].clone();
    let guess = json!({ "current_password": "not her password", "new_password": "another horse's battery" });
    for _ in 0..3 {
        ada.post("/auth/password", guess.clone()).await.invalid("current_password");
    }
    let denied = json!({ "action": "denied", "actor": ada.email, "resource_id": me, "before": null, "address": "127.0.0.1",
                         "after": { "by": "changing_password", "reason": "wrong_password" } });
    assert_eq!(notes(&app, "account"), vec![denied; 3]);
    ada.get("/auth/me").await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_made_the_first_admin_is_written_down() {
    let app = TestApp::start().await;
    let admin = app.first_admin().await;
    let me = admin.get("/auth/me").await.ok(200)["user_id"].clone();
    let granted = json!({ "action": "granted", "actor": null, "resource_id": me, "before": null,
                          "after": { "role": "admin" }, "address": null });
    assert_eq!(notes(&app, "role"), [granted]);
    app.first_admin().await;
    assert_eq!(notes(&app, "role").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_denials_one_for_each_caller_and_permission_is_written_in_ten_minutes() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.guest(), app.guest());
    let denied = || notes(&app, "permission");
    for _ in 0..3 {
        ada.post("/admin/hotels", json!({})).await.problem(403, "forbidden");
    }
    let first = denied();
    let details = json!({ "permission": "hotels:create", "call": "POST /api/v1/admin/hotels" });
    assert_eq!((first.len(), &first[0]["after"], &first[0]["actor"]), (1, &details, &json!(ada.email)));
    assert_eq!((&first[0]["action"], &first[0]["address"]), (&json!("denied"), &json!("127.0.0.1")));
    // Another permission, and another caller, are another's ten minutes.
    ada.get("/admin/hotels").await.problem(403, "forbidden");
    ada.get("/admin/audit").await.problem(403, "forbidden");
    bob.post("/admin/hotels", json!({})).await.problem(403, "forbidden");
    assert_eq!(denied().len(), 4);
    app.execute("UPDATE audit_entries SET created_at = created_at - interval '9 minutes'");
    ada.post("/admin/hotels", json!({})).await.problem(403, "forbidden");
    assert_eq!(denied().len(), 4);
    app.execute("UPDATE audit_entries SET created_at = created_at - interval '1 minute'");
    ada.post("/admin/hotels", json!({})).await.problem(403, "forbidden");
    assert_eq!(denied().len(), 5);
    // What is not known to be there is no denial, and neither is a token that is none.
    let admin = app.first_admin().await;
    let made = Made::by(&admin).await;
    app.manager().get(&made.path("")).await.problem(404, "not_found");
    ada.with_token("garbage").get("/admin/hotels").await.problem(401, "token_invalid");
    assert_eq!(denied().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_opens_no_door() {
    let app = TestApp::start().await;
    let ada = app.guest();
    app.execute("ALTER TABLE audit_unsealed RENAME TO audit_gone");
    ada.post("/admin/hotels", json!({})).await.problem(403, "forbidden");
    // What staff and guests do is not done without its entry.
    let again = json!({ "email": ada.email, "password": crate::support::actors::PASSWORD });
    Guest::stranger(&app).post("/auth/login", again).await.problem(500, "internal");
    assert_eq!(app.rows("sessions"), 1);
}

/// The distinct words in a member of the entries of a page.
fn words<'a>(page: &'a Value, member: &str) -> BTreeSet<&'a str> {
    page["data"].as_array().expect("a list").iter().filter_map(|entry| entry[member].as_str()).collect()
}
