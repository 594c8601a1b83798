//! The real binary: what it logs, how it ends, what it refuses to start with.

use std::net::TcpListener;
use std::process::Output;

use serde_json::{Value, json};

use crate::support::app::SECRET;
use crate::support::home::kill;
use crate::support::program::{Serving, lastroom};
use crate::support::{Hotel, TestApp};

const ADMIN_PASSWORD: &str = "an admin's own passphrase";
/// Not the one of the other tests: the welcome prints an example with that.
const PASSWORD: &str = "a guest's own passphrase";

#[tokio::test(flavor = "multi_thread")]
async fn the_log_names_requests_and_keeps_secrets_and_sigterm_ends_it_well() {
    let app = TestApp::start().await;
    let hotel = Hotel::one_room(&app);
    let folder = tempfile::tempdir().expect("a folder");
    let settings =
        [("LASTROOM_LOG_FORMAT", "json"), ("LASTROOM_LOG", "debug"), ("LASTROOM_ADMIN_PASSWORD", ADMIN_PASSWORD)];
    let serving = Serving::beside(&app, folder.path(), &settings);
    let nobody = serving.caller();
    let email = "ada@example.com";
    nobody.post("/auth/register", json!({ "email": email, "password": PASSWORD, "full_name": "Ada" })).await.ok(202);
    let ada = nobody.login(email, PASSWORD).await;
    let admin = nobody.login("admin@lastroom.test", ADMIN_PASSWORD).await;
    let wrong = json!({ "email": email, "password": "not the right horse" });
    nobody.post("/auth/login", wrong).await.problem(401, "invalid_credentials");
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    ada.confirm(&hold["hold_id"]).await.ok(201);
    let refreshed = nobody.post("/auth/refresh", json!({ "refresh_token": ada.refresh_token })).await.ok(200);
    ada.send(reqwest::Method::GET, "/bookings", &[("x-request-id", "find-me")], None).await.ok(200);
    app.execute("ALTER TABLE bookings RENAME TO bookings_gone");
    ada.send(reqwest::Method::GET, "/bookings", &[("x-request-id", "find-the-failure")], None)
        .await
        .problem(500, "internal");

    let (code, log) = serving.terminate();
    assert_eq!(code, Some(0), "{log}");
    let token = |value: &Value| value.as_str().expect("a token").to_owned();
    let tokens = [token(&refreshed["access_token"]), token(&refreshed["refresh_token"]), ada.refresh_token.clone()];
    let tokens = tokens.into_iter().chain([ada.token.clone(), admin.token.clone()].into_iter().flatten());
    let secrets = [PASSWORD, ADMIN_PASSWORD, SECRET, "not the right horse"].map(str::to_owned);
    for secret in tokens.chain(secrets) {
        assert!(!log.contains(&secret), "the log tells a secret: {secret}");
    }
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let of = |id: &str| lines.iter().filter(|line| line["span"]["request_id"] == id).collect::<Vec<_>>();
    let answered = of("find-me").into_iter().find(|line| line["message"] == "answered").expect("a line");
    assert_eq!((&answered["status"], &answered["route"]), (&json!(200), &json!("/api/v1/bookings")));
    let failure = of("find-the-failure").into_iter().find(|line| line["level"] == "ERROR").expect("a line");
    assert!(failure["reason"].as_str().is_some_and(|why| why.contains("bookings")), "the log says why: {failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_told_to_stop_says_so_and_serves_on_until_told_once_more() {
    let app = TestApp::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let serving = Serving::beside(&app, folder.path(), &[("LASTROOM_DRAIN_NOTICE_MS", "60000")]);
    let caller = serving.caller();
    caller.get("//readyz").await.ok(200);
    kill("-TERM", &[serving.pid()]);
    let mut answer = caller.get("//readyz").await;
    while answer.status == 200 {
        answer = caller.get("//readyz").await;
    }
    let not_ready = answer.ok(503);
    assert_eq!(not_ready, json!({ "ready": false, "database": "ok", "migrations": "current", "draining": true }));
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
    // On a connection of its own: nothing is turned away yet.
    serving.caller().get("//healthz").await.ok(200);
    let (code, log) = serving.terminate();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("stopped at once"), "{log}");
}

fn run(settings: &[(&str, &str)], file: Option<&str>) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    if let Some(text) = file {
        std::fs::write(folder.path().join("lastroom.toml"), text).expect("a file");
    }
    lastroom(folder.path(), settings).output().expect("the binary")
}

/// It ended with this code and one line that names the setting, and no word of the value.
#[track_caller]
fn assert_refused(output: &Output, code: i32, named: &str, value: &str) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{named}: {told}");
    assert_eq!(told.trim_end().lines().count(), 1, "{named}: {told}");
    assert!(told.contains(named), "{named}: {told}");
    assert!(!told.contains(value), "{named} tells its value: {told}");
    assert!(output.stdout.is_empty(), "{named}");
}

#[test]
fn a_bad_setting_ends_it_with_2_and_one_line_that_names_it() {
    for (setting, value) in [
        ("LASTROOM_LISTEN", "nowhere"),
        ("LASTROOM_SECRET_KEY", "hunter2"),
        ("LASTROOM_SECRET_KEY", "abababababababababababababababababab"),
        ("LASTROOM_HOLD_TTL_S", "0x10"),
        ("LASTROOM_HOLD_LIMIT", "1001"),
        ("LASTROOM_DEMO", "perhaps"),
        ("LASTROOM_ADMIN_PASSWORD", "hunter2"),
        ("LASTROOM_ADMIN_EMAIL", "root"),
        ("LASTROOM_CORS_ORIGINS", "*"),
        ("LASTROOM_LOG_FORMAT", "xml"),
        ("LASTROOM_LOG", "info,lastroom=loud"),
        ("DATABASE_URL", "mysql://root:hunter2@db"),
    ] {
        let secret = if setting == "DATABASE_URL" { ("LASTROOM_SECRET_KEY", SECRET) } else { ("TZ", "UTC") };
        assert_refused(&run(&[(setting, value), secret], None), 2, setting, value);
    }
    assert_refused(
        &run(&[("DATABASE_URL", "postgres://root:hunter2@db/x")], None),
        2,
        "LASTROOM_SECRET_KEY",
        "hunter2",
    );
    assert_refused(&run(&[], Some("secret_key = hunter2")), 2, "lastroom.toml", "hunter2");
    assert_refused(&run(&[], Some("secret_word = 'hunter2'")), 2, "secret_word", "hunter2");
}

#[test]
fn a_database_that_cannot_be_reached_is_named_without_its_password() {
    // Port 1 has no server; an unescaped slash makes the password a port number.
    for url in
        ["postgres://app:hunter2@127.0.0.1:1/x", "postgres://app:hunter2/3@127.0.0.1/x", "postgres://app:hunter2@%zz/x"]
    {
        let output = run(&[("DATABASE_URL", url), ("LASTROOM_SECRET_KEY", SECRET)], None);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains("cannot connect to the database"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_ends_it_with_2() {
    let app = TestApp::start().await;
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let url = app.database.app_url();
    let settings = [("DATABASE_URL", url.as_str()), ("LASTROOM_SECRET_KEY", SECRET), ("LASTROOM_LISTEN", &address)];
    let output = run(&settings, None);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.lines().any(|line| line.contains("LASTROOM_LISTEN") && line.contains(&address)), "{told}");
}
