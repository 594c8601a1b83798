//! Keys of access tokens: one follows another, and nobody is refused.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lastroom::access::keys::{self, Before};
use serde_json::json;

use crate::support::actors::PASSWORD;
use crate::support::app::SECRET;
use crate::support::program::lastroom;
use crate::support::{Guest, TestApp};

async fn published(caller: &Guest) -> Vec<String> {
    let keys = caller.get("//.well-known/jwks.json").await.ok(200)["keys"].clone();
    keys.as_array().expect("keys").iter().map(|key| key["kid"].as_str().expect("a kid").to_owned()).collect()
}

fn kid(guest: &Guest) -> String {
    jsonwebtoken::decode_header(guest.token.as_deref().expect("a token")).expect("a header").kid.expect("a kid")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_key_is_published_before_it_signs_and_the_one_before_fades() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let first = kid(&ada);
    assert_eq!(published(&ada).await, std::slice::from_ref(&first));
    let rotated = keys::rotate(&app.db(), 600, Before::Fade).await.expect("rotated");
    let [old, new] = &rotated[..] else { panic!("{rotated:?}") };
    // The longest life of the last token that it signs, and as much as the clocks may differ.
    let afterlife = old.retires_at.expect("an end") - new.signs_from;
    assert!(afterlife >= chrono::Duration::seconds(900 + 30), "{afterlife}");
    let both = published(&ada).await;
    assert_eq!((both.len(), &both[0]), (2, &first));
    assert_eq!(kid(&ada.login(&ada.email, PASSWORD).await), first, "the new one does not sign yet");
    app.execute("UPDATE token_keys SET signs_from = clock_timestamp() WHERE generation = 2");
    let again = ada.login(&ada.email, PASSWORD).await;
    assert_eq!(kid(&again), both[1]);
    again.get("/auth/me").await.ok(200);
    ada.get("/auth/me").await.ok(200);
    app.execute("UPDATE token_keys SET retires_at = clock_timestamp() WHERE generation = 1");
    assert_eq!(published(&again).await, [both[1].clone()]);
    ada.get("/auth/me").await.problem(401, "token_invalid");
    again.get("/auth/me").await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaked_key_is_refused_at_once_and_its_sessions_go_on() {
    let app = TestApp::start().await;
    let ada = app.guest();
    keys::rotate(&app.db(), 0, Before::Stop).await.expect("rotated");
    ada.get("/auth/me").await.problem(401, "token_invalid");
    let ada = refreshed(&ada).await;
    ada.get("/auth/me").await.ok(200);
    assert_eq!(published(&ada).await, [kid(&ada)]);
    let written = "SELECT concat_ws(' ', after->>'generation', after->>'lead_s', after->>'leaked') FROM audit_entries
                   WHERE resource = 'token_key' AND action = 'created'";
    assert_eq!(app.text(written), "2 0 true");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_ten_rotations_at_once_every_one_adds_a_key_or_is_told() {
    let app = TestApp::start().await;
    let db = app.db();
    let rotations = futures_util::future::join_all((0..10).map(|_| keys::rotate(&db, 0, Before::Fade))).await;
    let added = rotations.iter().filter(|rotated| rotated.is_ok()).count();
    let generations = app.number("SELECT count(*) FROM token_keys");
    assert_eq!(i64::try_from(added).expect("few"), generations - 1);
    assert_eq!(app.number("SELECT max(generation) FROM token_keys"), generations);
    assert_eq!(app.number("SELECT count(*) FROM token_keys WHERE retires_at IS NULL"), 1);
}

/// Two servers under load from guests who refresh at one and read at both, while the keys are rotated; and from one who
/// keeps the token that the first key has signed.
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_rotated_under_load_without_a_request_refused() {
    let app = TestApp::start().await;
    let other = app.beside().await;
    let stop = AtomicBool::new(false);
    let guests = [app.guest(), app.guest(), app.guest()];
    let keeper = app.guest();
    let first = kid(&keeper);
    let kept = async {
        let mut requests = 0_u32;
        while !stop.load(Ordering::Relaxed) {
            keeper.get("/auth/me").await.ok(200);
            keeper.at(&other).get("/auth/me").await.ok(200);
            requests += 2;
        }
        requests
    };
    let load = futures_util::future::join_all(guests.map(|mut guest| {
        let (stop, other) = (&stop, &other);
        async move {
            let mut requests = 0_u32;
            while !stop.load(Ordering::Relaxed) {
                guest = refreshed(&guest).await;
                guest.get("/auth/me").await.ok(200);
                guest.at(other).get("/auth/me").await.ok(200);
                requests += 3;
            }
            requests
        }
    }));
    let rotations = async {
        for _ in 0..20 {
            keys::rotate(&app.db(), 0, Before::Fade).await.expect("rotated");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        stop.store(true, Ordering::Relaxed);
    };
    let (mut requests, kept, ()) = tokio::join!(load, kept, rotations);
    requests.push(kept);
    assert!(requests.iter().all(|requests| *requests >= 30), "{requests:?}");
    for server in [&app, &other] {
        keeper.at(server).get("/auth/me").await.ok(200);
    }
    let published = published(&Guest::stranger(&app)).await;
    assert_eq!((published.len(), &published[0]), (21, &first));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_rotates_beside_a_server() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let folder = tempfile::tempdir().expect("a folder");
    let url = app.database.app_url();
    let ended = |args: &[&str]| {
        let settings = [("DATABASE_URL", url.as_str()), ("LASTROOM_SECRET_KEY", SECRET)];
        lastroom(folder.path(), &settings).arg("keys").args(args).output().expect("the command")
    };
    let run = |args: &[&str]| {
        let output = ended(args);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let listed = run(&["list"]);
    assert!(listed.starts_with("key 1: signs from ") && listed.trim_end().ends_with("no end"), "{listed}");
    // Sooner than others read the public keys again, they would not know the key that signs.
    let jwks = ada.get("//.well-known/jwks.json").await;
    assert_eq!(jwks.header("cache-control"), Some("public, max-age=60"));
    assert_eq!(ended(&["rotate", "--lead-s", "59"]).status.code(), Some(2));
    assert_eq!(published(&ada).await.len(), 1);
    assert_eq!(run(&["rotate", "--lead-s", "60"]).lines().count(), 2);
    assert_eq!(published(&ada).await.len(), 2);
    ada.get("/auth/me").await.ok(200);
    assert_eq!(run(&["rotate", "--leaked"]).lines().count(), 1);
    ada.get("/auth/me").await.problem(401, "token_invalid");
}

/// The guest with new tokens.
async fn refreshed(guest: &Guest) -> Guest {
    let tokens = guest.post("/auth/refresh", json!({ "refresh_token": guest.refresh_token })).await.ok(200);
    let token = |name: &str| tokens[name].as_str().expect("a token").to_owned();
    let mut guest = guest.with_token(&token("access_token"));
    guest.refresh_token = token("refresh_token");
    guest
}
