//! The last admin stays, whoever else wants it otherwise, and at whatever instant.

use reqwest::Method;
use serde_json::{Value, json};

use super::account;
use crate::support::{Answer, Guest, TestApp};

/// Everything but one permission, as an admin's role is to have it.
async fn without(admin: &Guest, permission: &str) -> Value {
    let role = admin.get("/admin/roles/admin").await.ok(200);
    let permissions = role["permissions"].as_array().expect("permissions").iter();
    json!({ "permissions": permissions.filter(|held| **held != permission).collect::<Vec<_>>() })
}

/// One more admin.
async fn another(app: &TestApp, admin: &Guest) -> Guest {
    let other = app.guest();
    admin.post(&format!("{}/roles", account(&other).await), json!({ "role": "admin" })).await.ok(201);
    other
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_admin_is_neither_removed_nor_disabled_nor_stripped() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let (path, disabled) = (account(&admin).await, json!({ "disabled": true }));
    let refused = || async {
        let trace =
            || (app.rows("audit_entries"), app.number("SELECT sum(version) FROM users"), app.rows("role_permissions"));
        let before = trace();
        admin.delete(&format!("{path}/roles/admin")).await.problem(409, "last_admin");
        admin.patch(&path, "*", disabled.clone()).await.problem(409, "last_admin");
        let stripped = without(&admin, "users:write").await;
        admin.patch("/admin/roles/admin", "*", stripped).await.problem(409, "last_admin");
        admin.patch("/admin/roles/admin", "*", json!({ "permissions": [] })).await.problem(409, "last_admin");
        assert_eq!(trace(), before, "a refusal changes nothing");
        admin.get("/admin/users").await.ok(200);
    };
    refused().await;
    // An admin who may not sign in is none.
    let other = another(&app, &admin).await;
    let others = account(&other).await;
    admin.patch(&others, "*", disabled.clone()).await.ok(200);
    refused().await;
    // Another role's permission is not enough for the admin's to be given up.
    let manager = json!({ "permissions": ["users:read", "users:write"] });
    admin.patch("/admin/roles/manager", "*", manager).await.ok(200);
    let deputy = app.manager();
    deputy.delete(&format!("{path}/roles/admin")).await.problem(409, "last_admin");
    // But with it an admin's role may do with less, and gets it back.
    admin.patch("/admin/roles/admin", "*", without(&admin, "users:write").await).await.ok(200);
    admin.patch(&others, "*", json!({ "disabled": false })).await.problem(403, "forbidden");
    deputy.patch("/admin/roles/manager", "*", json!({ "permissions": [] })).await.problem(409, "last_admin");
    let whole = json!({ "permissions": app.text("SELECT string_agg(permission, ' ') FROM permissions").split(' ').collect::<Vec<_>>() });
    deputy.patch("/admin/roles/admin", "*", whole).await.ok(200);
    // Of two, one may go.
    admin.patch(&others, "*", json!({ "disabled": false })).await.ok(200);
    admin.delete(&format!("{path}/roles/admin")).await.ok(204);
    admin.get("/admin/users").await.problem(403, "forbidden");
    other.login(&other.email, crate::support::actors::PASSWORD).await.get("/admin/users").await.ok(200);
}

/// What an admin does to another so that they are none.
async fn remove(by: Guest, path: String, how: &'static str) -> Answer {
    match how {
        "revoke" => by.delete(&format!("{path}/roles/admin")).await,
        _ => {
            let body = json!({ "disabled": true }).to_string().into_bytes();
            let headers = [("content-type", "application/json"), ("if-match", "*")];
            by.send(Method::PATCH, &path, &headers, Some(body)).await
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_admins_who_remove_each_other_at_the_same_instant_one_stays() {
    let app = TestApp::start().await;
    let elsewhere = app.beside().await;
    let mut first = app.admin();
    for (one, two) in [("revoke", "revoke"), ("disable", "disable"), ("revoke", "disable")] {
        let second = another(&app, &first).await;
        let paths = (account(&first).await, account(&second).await);
        // Both are let in and wait for the same lock before either has done anything.
        let mut held = app.connect();
        diesel::connection::SimpleConnection::batch_execute(
            &mut held,
            "BEGIN; SELECT FROM permissions WHERE permission = 'users:write' FOR UPDATE",
        )
        .expect("the lock");
        let by_first = tokio::spawn(remove(first.clone(), paths.1.clone(), one));
        let by_second = tokio::spawn(remove(second.at(&elsewhere), paths.0.clone(), two));
        let waiting =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        for _ in 0..150 {
            if app.number(waiting) == 2 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        diesel::connection::SimpleConnection::batch_execute(&mut held, "COMMIT").expect("the lock is free");
        let answers = (by_first.await.expect("an answer"), by_second.await.expect("an answer"));
        let (won, lost) = if answers.0.status < 300 { (&answers.0, &answers.1) } else { (&answers.1, &answers.0) };
        assert!(won.status < 300, "one of the two goes: {answers:?}");
        // Who comes second is no admin any more.
        match if answers.0.status < 300 { one } else { two } {
            "disable" => lost.problem(401, "token_invalid"),
            _ => lost.problem(403, "forbidden"),
        };
        let left = "SELECT count(*) FROM users JOIN user_roles USING (user_id)
                    WHERE role = 'admin' AND disabled_at IS NULL";
        assert_eq!(app.number(left), 1, "{one} against {two}");
        first = if answers.0.status < 300 { first } else { second };
        first.get("/admin/users").await.ok(200);
    }
}
