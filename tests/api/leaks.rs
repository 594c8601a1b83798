//! What a caller learns of a failure: its name and an id, nothing of the house.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Guest, Hotel, Start, TestApp, key};

/// Words of SQL, tables, files and libraries.
const OF_THE_HOUSE: &[&str] = &[
    "SELECT",
    "INSERT",
    "relation",
    "does not exist",
    "quotes",
    "holds",
    "diesel",
    "postgres",
    "r2d2",
    ".rs",
    "src/",
    "/home",
    "/root",
    "panicked",
];

#[track_caller]
fn assert_discreet(answer: &Answer) {
    for word in OF_THE_HOUSE {
        assert!(!answer.text.contains(word), "{word}: {}", answer.text);
    }
    let problem = answer.json();
    assert_eq!(problem["request_id"].as_str(), answer.header("x-request-id"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_of_ours_tells_nothing_of_the_house() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let offer = ada.offer(&hotel.id(), &hotel.stay(10, 12)).await;
    let quote = ada.quote(&offer["offer_id"]).await;
    let (held, body) = (key(), json!({ "quote_id": quote["quote_id"] }));
    app.execute("ALTER TABLE hold_items RENAME TO hold_items_gone");
    let failed = ada.post_keyed("/holds", &held, body.clone()).await;
    failed.problem(500, "internal");
    assert_discreet(&failed);
    app.execute("ALTER TABLE quotes RENAME TO quotes_gone");
    let path = format!("/quotes/{}", quote["quote_id"].as_str().expect("an id"));
    for failed in [ada.get(&path).await, ada.post("/quotes", json!({ "offer_id": offer["offer_id"] })).await] {
        failed.problem(500, "internal");
        assert_discreet(&failed);
    }
    app.execute("ALTER TABLE quotes_gone RENAME TO quotes; ALTER TABLE hold_items_gone RENAME TO hold_items");
    assert_eq!(app.rows("idempotency_keys"), 0, "a failure is not stored");
    assert_eq!(hotel.stock(&app, hotel.day(10)), (0, 0), "and takes no room");
    ada.post_keyed("/holds", &held, body).await.ok(201);
}

/// Asks until the answer has this status, for up to 10 s.
async fn until(guest: &Guest, path: &str, status: u16) -> Answer {
    let mut answer = guest.get(path).await;
    for _ in 0..100 {
        if answer.status == status {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        answer = guest.get(path).await;
    }
    assert_eq!(answer.status, status, "{path}: {}", answer.text);
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_callers_are_told_to_come_back() {
    let app = TestApp::start_with(Start::Migrated, |given| given.pool_wait_ms = Some("300".to_owned())).await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let quote = ada.quote(&ada.offer(&hotel.id(), &hotel.stay(10, 12)).await["offer_id"]).await;
    let (key, body) = (key(), json!({ "quote_id": quote["quote_id"] }));
    let ready = ada.get("//readyz").await.ok(200);
    assert_eq!(ready, json!({ "ready": true, "database": "ok", "migrations": "current", "draining": false }));

    app.database.close();
    for refused in [ada.get("/holds").await, ada.post_keyed("/holds", &key, body.clone()).await] {
        refused.problem(503, "database_away");
        assert_discreet(&refused);
        assert!(refused.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok_and(|s| s > 0)));
    }
    assert_eq!(ada.get("//healthz").await.ok(200), json!({ "status": "ok" }));
    let not_ready = ada.get("//readyz").await.ok(503);
    assert_eq!(not_ready, json!({ "ready": false, "database": "away", "migrations": "unknown", "draining": false }));
    // Without a look at the database nobody is let in, and the token is not called invalid.
    ada.get("/auth/me").await.problem(503, "database_away");

    app.database.reopen();
    until(&ada, "//readyz", 200).await;
    let placed = ada.post_keyed("/holds", &key, body).await;
    placed.ok(201);
    assert_eq!(placed.header("idempotency-replayed"), None, "a 503 leaves the key free");
    assert_eq!(hotel.stock(&app, hotel.day(10)), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_another_version_is_not_ready() {
    let app = TestApp::start_with(Start::Blank, |_| {}).await;
    let nobody = Guest::stranger(&app);
    let not_ready = nobody.get("//readyz").await.ok(503);
    assert_eq!(not_ready, json!({ "ready": false, "database": "ok", "migrations": "pending", "draining": false }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_keeps_its_id_if_it_is_well_formed() {
    let app = TestApp::start().await;
    let nobody = Guest::stranger(&app);
    let long = "x".repeat(128);
    for id in ["a", "A.b_c-9", long.as_str()] {
        let answer = nobody.send(Method::GET, "/auth/me", &[("x-request-id", id)], None).await;
        assert_eq!(answer.problem(401, "unauthenticated")["request_id"], id);
        assert_eq!(answer.header("x-request-id"), Some(id));
    }
    let longer = "x".repeat(129);
    for id in ["", "a b", "a\tb", "<script>", "é", longer.as_str()] {
        let answer = nobody.send(Method::GET, "/auth/me", &[("x-request-id", id)], None).await;
        let made = answer.problem(401, "unauthenticated")["request_id"].as_str().map(str::to_owned).expect("an id");
        assert!(uuid::Uuid::parse_str(&made).is_ok(), "{id} {made}");
        assert_eq!(answer.header("x-request-id"), Some(made.as_str()));
    }
    for path in ["//healthz", "//nothing", "//openapi.yaml"] {
        let answer = nobody.send(Method::GET, path, &[("x-request-id", "one")], None).await;
        assert_eq!(answer.header("x-request-id"), Some("one"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_may_call_from_configured_origins_only() {
    let ours = "https://app.example.com";
    let app = TestApp::start_with(Start::Migrated, |given| given.cors_origins = Some(ours.to_owned())).await;
    let nobody = Guest::stranger(&app);
    let preflight = async |origin: &str| {
        let asked = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization,content-type,idempotency-key,if-match,x-request-id"),
        ];
        nobody.send(Method::OPTIONS, "/holds", &asked, None).await
    };
    let allowed = preflight(ours).await;
    allowed.ok(200);
    assert_eq!(allowed.header("access-control-allow-origin"), Some(ours));
    assert!(allowed.header("access-control-allow-methods").is_some_and(|methods| methods.contains("POST")));
    let headers = allowed.header("access-control-allow-headers").unwrap_or_default().to_lowercase();
    for name in ["authorization", "content-type", "idempotency-key", "if-match", "x-request-id"] {
        assert!(headers.contains(name), "{name}: {headers}");
    }
    let other = preflight("https://evil.example.com").await;
    assert_eq!(other.header("access-control-allow-origin"), None);

    let answer = nobody.send(Method::GET, "/holds", &[("origin", ours)], None).await;
    answer.problem(401, "unauthenticated");
    assert_eq!(answer.header("access-control-allow-origin"), Some(ours), "a browser may read refusals too");
    let exposed = answer.header("access-control-expose-headers").unwrap_or_default().to_lowercase();
    let mut exposed: Vec<_> = exposed.split(',').map(str::trim).collect();
    exposed.sort_unstable();
    assert_eq!(exposed, ["etag", "idempotency-replayed", "location", "ratelimit", "retry-after", "x-request-id"]);
    // Those too that are made before a handler is asked, or by the framework.
    let answer = nobody.send(Method::GET, "/holds", &[("origin", ours), ("accept", "text/html")], None).await;
    answer.problem(406, "not_acceptable");
    assert_eq!(answer.header("access-control-allow-origin"), Some(ours));
    assert!(answer.header("vary").is_some_and(|vary| vary.to_lowercase().contains("origin")), "{answer:?}");
    let answer = nobody.send(Method::GET, "//docs/no-such-page", &[("origin", ours)], None).await;
    answer.problem(404, "not_found");
    assert_eq!(answer.header("access-control-allow-origin"), Some(ours));
    let answer = nobody.send(Method::GET, "/holds", &[("origin", "https://evil.example.com")], None).await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
    assert_eq!(answer.json()["code"], Value::from("unauthenticated"));
}
