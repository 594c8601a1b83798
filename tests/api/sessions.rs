//! Sessions: seen, ended, and all of them with the password.

use lastroom::config::Given;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::actors::PASSWORD;
use crate::support::database::Start;
use crate::support::{Answer, Guest, TestApp};

const ANOTHER: &str = "another horse, another battery";

async fn sessions(guest: &Guest) -> Vec<Value> {
    guest.get("/auth/sessions").await.ok(200)["data"].as_array().expect("a list").clone()
}

fn path(session: &Value) -> String {
    format!("/auth/sessions/{}", session["session_id"].as_str().expect("an id"))
}

async fn change(guest: &Guest, current: &str, new: &str) -> Answer {
    guest.post("/auth/password", json!({ "current_password": current, "new_password": new })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_sees_where_they_are_signed_in_and_signs_out_there() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let there = ada.login(&ada.email, PASSWORD).await;
    let seen = sessions(&ada).await;
    assert_eq!(seen.iter().map(|session| session["current"] == json!(true)).collect::<Vec<_>>(), [true, false]);
    assert_eq!(seen[0]["address"], "127.0.0.1");
    for time in ["created_at", "last_used_at", "expires_at"] {
        assert!(seen[0][time].is_string(), "{seen:?}");
    }
    for _ in 0..2 {
        ada.delete(&path(&seen[1])).await.ok(204);
        there.get("/auth/me").await.problem(401, "token_invalid");
        let refresh = there.post("/auth/refresh", json!({ "refresh_token": there.refresh_token })).await;
        refresh.problem(401, "refresh_token_invalid");
    }
    assert_eq!(sessions(&ada).await.len(), 1);
    let page = ada.get("/auth/sessions?limit=1").await.ok(200);
    assert_eq!(page["next_cursor"], Value::Null);
}

/// A call to `/auth` by a client that names itself, from an address that a proxy tells.
async fn by(client: &str, from: &str, caller: &Guest, path: &str, body: Value) -> Answer {
    let headers = [("content-type", "application/json"), ("user-agent", client), ("x-forwarded-for", from)];
    caller.send(Method::POST, path, &headers, Some(body.to_string().into_bytes())).await
}

/// Where a session began, and where it was used last.
fn places(session: &Value) -> [&str; 4] {
    ["user_agent", "address", "last_user_agent", "last_address"].map(|name| session[name].as_str().expect("a text"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_tells_where_it_began_and_who_was_last_given_tokens() {
    let change = |given: &mut Given| {
        given.trusted_proxies = Some("127.0.0.0/8".to_owned());
        given.refresh_grace_s = Some("300".to_owned());
    };
    let app = TestApp::start_with(Start::Migrated, change).await;
    let ada = app.guest();
    app.execute("DELETE FROM sessions");
    let credentials = json!({ "email": ada.email, "password": PASSWORD });
    let tokens = by("phone/1", "192.0.2.9", &ada, "/auth/login", credentials).await.ok(200);
    let ada = ada.with_token(tokens["access_token"].as_str().expect("a token"));
    let first = json!({ "refresh_token": tokens["refresh_token"] });
    let begun = sessions(&ada).await;
    assert_eq!(places(&begun[0]), ["phone/1", "192.0.2.9", "phone/1", "192.0.2.9"]);
    let used = |session: &Value| session["last_used_at"].as_str().and_then(|at| at.parse().ok()).expect("a time");
    let mut last: chrono::DateTime<chrono::Utc> = used(&begun[0]);
    // Rotated by somebody else than who signed in, then asked again within the grace, which rotates nothing.
    for (client, from) in [("laptop/2", "198.51.100.7"), ("thief/3", "203.0.113.5")] {
        by(client, from, &ada, "/auth/refresh", first.clone()).await.ok(200);
        let seen = sessions(&ada).await;
        assert_eq!(places(&seen[0]), ["phone/1", "192.0.2.9", client, from]);
        assert!(used(&seen[0]) > last, "{seen:?} {last}");
        last = used(&seen[0]);
        assert_eq!(seen[0]["created_at"], begun[0]["created_at"]);
    }
    assert_eq!(app.number("SELECT generation FROM sessions"), 2);
    // Who is refused has not used it.
    app.execute("UPDATE sessions SET rotated_at = rotated_at - interval '301 seconds'");
    by("late/4", "203.0.113.6", &ada, "/auth/refresh", first).await.problem(401, "refresh_token_reused");
    assert_eq!(app.text("SELECT concat_ws(' ', last_user_agent, last_address) FROM sessions"), "thief/3 203.0.113.5");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_at_its_time_however_often_it_is_refreshed() {
    let app = TestApp::start().await;
    let mut ada = app.guest();
    let end = || app.text("SELECT expires_at::text FROM sessions");
    let at_first = end();
    for _ in 0..2 {
        let tokens = ada.post("/auth/refresh", json!({ "refresh_token": ada.refresh_token })).await.ok(200);
        ada = ada.with_token(tokens["access_token"].as_str().expect("a token"));
        ada.refresh_token = tokens["refresh_token"].as_str().expect("a token").to_owned();
        assert_eq!(end(), at_first);
    }
    ada.get("/auth/me").await.ok(200);
    app.execute("UPDATE sessions SET expires_at = clock_timestamp()");
    ada.get("/auth/me").await.problem(401, "token_invalid");
    let refresh = ada.post("/auth/refresh", json!({ "refresh_token": ada.refresh_token })).await;
    refresh.problem(401, "refresh_token_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_a_page_at_a_time() {
    let app = TestApp::start().await;
    let ada = app.guest();
    for _ in 0..2 {
        ada.login(&ada.email, PASSWORD).await;
    }
    let first = ada.get("/auth/sessions?limit=2").await.ok(200);
    let cursor = first["next_cursor"].as_str().expect("another page");
    let second = ada.get(&format!("/auth/sessions?limit=2&cursor={cursor}")).await.ok(200);
    assert_eq!((second["data"].as_array().map(Vec::len), &second["next_cursor"]), (Some(1), &Value::Null));
    let bob = app.guest();
    bob.get(&format!("/auth/sessions?cursor={cursor}")).await.problem(400, "cursor_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_session_is_not_found_and_goes_on() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.guest(), app.guest());
    let hers = sessions(&ada).await;
    bob.delete(&path(&hers[0])).await.problem(404, "not_found");
    app.admin().delete(&path(&hers[0])).await.problem(404, "not_found");
    bob.delete("/auth/sessions/not-an-id").await.problem(404, "not_found");
    ada.get("/auth/me").await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_password_ends_every_session() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.guest(), app.guest());
    let there = ada.login(&ada.email, PASSWORD).await;
    change(&ada, PASSWORD, ANOTHER).await.ok(204);
    for gone in [&ada, &there] {
        gone.get("/auth/me").await.problem(401, "token_invalid");
        let refresh = gone.post("/auth/refresh", json!({ "refresh_token": gone.refresh_token })).await;
        refresh.problem(401, "refresh_token_invalid");
    }
    let old = json!({ "email": ada.email, "password": PASSWORD });
    ada.post("/auth/login", old).await.problem(401, "invalid_credentials");
    ada.login(&ada.email, ANOTHER).await.get("/auth/me").await.ok(200);
    bob.get("/auth/me").await.ok(200);
    let why = "SELECT string_agg(DISTINCT revoked_because, ',') FROM sessions WHERE revoked_at IS NOT NULL";
    assert_eq!(app.text(why), "password_changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_may_not_be_changed_stays() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let field = |answer: Answer| answer.problem(422, "invalid")["errors"][0]["field"].clone();
    assert_eq!(field(change(&ada, "not the password", ANOTHER).await), "current_password");
    for new in ["short", "password1234", &ada.email.to_uppercase()] {
        assert_eq!(field(change(&ada, PASSWORD, new).await), "new_password", "{new}");
    }
    let more = json!({ "current_password": PASSWORD, "new_password": ANOTHER, "user_id": ada.email });
    assert_eq!(field(ada.post("/auth/password", more).await), "user_id");
    ada.get("/auth/me").await.ok(200);
    ada.login(&ada.email, PASSWORD).await;
}

/// A login with the old password that is under way while the password changes opens no session that stays open.
#[tokio::test(flavor = "multi_thread")]
async fn no_session_of_the_old_password_outlives_it() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let old = || ada.post("/auth/login", json!({ "email": ada.email, "password": PASSWORD }));
    let (logins, changed) =
        tokio::join!(futures_util::future::join_all((0..12).map(|_| old())), change(&ada, PASSWORD, ANOTHER));
    changed.ok(204);
    for login in logins {
        if login.status == 200 {
            let token = login.json()["access_token"].as_str().expect("a token").to_owned();
            ada.with_token(&token).get("/auth/me").await.problem(401, "token_invalid");
        } else if login.status == 429 {
            login.problem(429, "too_many_attempts");
        } else {
            login.problem(401, "invalid_credentials");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_ten_changes_at_once_one_wins() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let names: Vec<_> = (0..10).map(|nth| format!("password number {nth} of ten")).collect();
    let changes = futures_util::future::join_all(names.iter().map(|new| change(&ada, PASSWORD, new))).await;
    let won: Vec<_> = changes.iter().zip(&names).filter(|(answer, _)| answer.status == 204).collect();
    assert_eq!(won.len(), 1, "{changes:?}");
    // Those who lost had the wrong password by then, as if they had guessed.
    app.execute("DELETE FROM throttles");
    ada.login(&ada.email, won[0].1).await.get("/auth/me").await.ok(200);
}
