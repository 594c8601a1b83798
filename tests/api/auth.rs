//! Accounts and sessions: register, sign in, rotate, sign out.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use lastroom::config::Given;
use serde_json::{Value, json};

use crate::attacks::claims;
use crate::support::actors::PASSWORD;
use crate::support::database::Start;
use crate::support::{Answer, Guest, TestApp};

async fn refresh(caller: &Guest, token: &str) -> Answer {
    caller.post("/auth/refresh", json!({ "refresh_token": token })).await
}

fn token(tokens: &Value, name: &str) -> String {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name} in {tokens}")).to_owned()
}

async fn without_grace() -> TestApp {
    let change = |given: &mut Given| given.refresh_grace_s = Some("0".to_owned());
    TestApp::start_with(Start::Migrated, change).await
}

#[tokio::test(flavor = "multi_thread")]
async fn registering_answers_the_same_for_a_known_address() {
    let app = TestApp::start().await;
    let stranger = Guest::stranger(&app);
    let account =
        |password: &str, name: &str| json!({ "email": "Ada@Example.com", "password": password, "full_name": name });
    let first = stranger.post("/auth/register", account(PASSWORD, "Ada")).await;
    let second = stranger.post("/auth/register", account("another password 123", "Eve")).await;
    assert_eq!((first.status, first.json()), (202, json!({ "status": "accepted" })));
    assert_eq!((second.status, &second.text), (first.status, &first.text));
    let ada = stranger.login("ada@EXAMPLE.com", PASSWORD).await;
    assert_eq!(ada.get("/auth/me").await.ok(200)["full_name"], "Ada", "the second call changes nothing");
    let eve = json!({ "email": "ada@example.com", "password": "another password 123" });
    stranger.post("/auth/login", eve).await.problem(401, "invalid_credentials");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_address_are_one_answer() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let login = |email: &str| ada.post("/auth/login", json!({ "email": email, "password": "not the password" }));
    let (wrong, unknown) = (login(&ada.email).await, login("nobody@example.com").await);
    let without_id = |answer: &Answer| {
        let mut problem = answer.problem(401, "invalid_credentials");
        problem.as_object_mut().expect("a document").remove("request_id");
        problem
    };
    assert_eq!(without_id(&wrong), without_id(&unknown));
    assert!(wrong.header("www-authenticate").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_yields_tokens_that_say_what_the_contract_says() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let body = json!({ "email": ada.email, "password": PASSWORD });
    let answer = ada.post("/auth/login", body).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let tokens = answer.ok(200);
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(900)));
    assert!(tokens["refresh_expires_in"].as_i64().is_some_and(|left| (2_591_990..=2_592_000).contains(&left)));
    let access = token(&tokens, "access_token");
    let stated = claims(&access);
    let names: Vec<_> = stated.as_object().expect("claims").keys().map(String::as_str).collect();
    for claim in ["iss", "aud", "sub", "exp", "iat", "nbf", "jti", "typ", "sid"] {
        assert!(names.contains(&claim), "{claim} is missing: {stated}");
    }
    assert_eq!(names.len(), 9, "no more than the contract says: {stated}");
    assert_eq!(stated["exp"].as_i64().zip(stated["iat"].as_i64()).map(|(exp, iat)| exp - iat), Some(900));

    ada.get("//.well-known/jwks.json?x=1").await.invalid("x");
    let keys = ada.get("//.well-known/jwks.json").await.ok(200);
    let key = &keys["keys"][0];
    assert_eq!((&key["kty"], &key["crv"], &key["alg"]), (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA")));
    let header = jsonwebtoken::decode_header(&access).expect("a header");
    assert_eq!(header.kid.as_deref(), key["kid"].as_str());
    let mut rules = Validation::new(Algorithm::EdDSA);
    rules.set_audience(&[stated["aud"].as_str().expect("an audience")]);
    let decoding = DecodingKey::from_ed_components(key["x"].as_str().expect("a key")).expect("a key");
    let verified = jsonwebtoken::decode::<Value>(&access, &decoding, &rules).expect("anybody can verify it");
    assert_eq!(verified.claims, stated);
}

#[tokio::test(flavor = "multi_thread")]
async fn me_tells_roles_permissions_and_memberships() {
    let app = TestApp::start().await;
    let hotel = crate::support::Hotel::one_room(&app);
    let ada = app.guest();
    let me = ada.get("/auth/me").await.ok(200);
    assert_eq!(me["email"], ada.email);
    assert_eq!(me["roles"], json!(["guest"]));
    assert_eq!(me["permissions"], json!(["stays:book", "stays:search"]));
    assert_eq!(me["memberships"], json!([]));
    assert!(!me.to_string().contains("password"), "{me}");
    let sql = "INSERT INTO hotel_members (hotel_id, user_id) SELECT hotel_id, user_id FROM hotels, users";
    diesel::sql_query(sql).execute(&mut app.connect()).expect("a membership");
    assert_eq!(ada.get("/auth/me").await.ok(200)["memberships"], json!([hotel.id()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_has_12_to_128_characters() {
    let app = TestApp::start().await;
    let stranger = Guest::stranger(&app);
    for (password, status) in [
        ("x".repeat(11), 422),
        ("é".repeat(11), 422),
        ("x3".repeat(6), 202),
        ("é".repeat(12), 202),
        ("é".repeat(128), 202),
        ("x".repeat(129), 422),
    ] {
        let body = json!({ "email": "ada@example.com", "password": password, "full_name": "Ada" });
        let answer = stranger.post("/auth/register", body).await;
        assert_eq!(answer.status, status, "{} characters: {}", password.chars().count(), answer.text);
        if status == 422 {
            answer.invalid("password");
            assert!(!answer.text.contains(&password), "a refusal repeats no password");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn within_the_grace_the_predecessor_gets_the_same_successor() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let first = refresh(&ada, &ada.refresh_token).await.ok(200);
    let successor = token(&first, "refresh_token");
    assert_ne!(successor, ada.refresh_token);
    let again = refresh(&ada, &ada.refresh_token).await.ok(200);
    assert_eq!(token(&again, "refresh_token"), successor);
    for tokens in [&first, &again] {
        ada.with_token(&token(tokens, "access_token")).get("/auth/me").await.ok(200);
    }
    let third = refresh(&ada, &successor).await.ok(200);
    ada.get("/auth/me").await.ok(200);
    refresh(&ada, &ada.refresh_token).await.problem(401, "refresh_token_reused");
    refresh(&ada, &token(&third, "refresh_token")).await.problem(401, "refresh_token_invalid");
    ada.get("/auth/me").await.problem(401, "token_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_grace_any_reuse_ends_the_family_and_no_other() {
    let app = without_grace().await;
    let ada = app.guest();
    let elsewhere = ada.login(&ada.email, PASSWORD).await;
    let first = refresh(&ada, &ada.refresh_token).await.ok(200);
    refresh(&ada, &ada.refresh_token).await.problem(401, "refresh_token_reused");
    refresh(&ada, &token(&first, "refresh_token")).await.problem(401, "refresh_token_invalid");
    ada.with_token(&token(&first, "access_token")).get("/auth/me").await.problem(401, "token_invalid");
    elsewhere.get("/auth/me").await.ok(200);
    refresh(&elsewhere, &elsewhere.refresh_token).await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_refreshes_at_once_leave_one_family_with_one_successor() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let tries: Vec<_> = (0..8)
        .map(|_| {
            let ada = ada.clone();
            tokio::spawn(async move { refresh(&ada, &ada.refresh_token).await.ok(200) })
        })
        .collect();
    let mut successors = Vec::new();
    for one in tries {
        successors.push(token(&one.await.expect("an answer"), "refresh_token"));
    }
    successors.dedup();
    assert_eq!(successors.len(), 1, "all were given the same successor");
    refresh(&ada, &successors[0]).await.ok(200);
    assert_eq!(count(&app, "SELECT count(*) AS count FROM sessions WHERE revoked_at IS NULL"), 1);
    assert_eq!(count(&app, "SELECT max(generation)::bigint AS count FROM sessions"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_ends_one_session_and_an_unknown_token_none() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let unknown = ada.post("/auth/logout", json!({ "refresh_token": "lrr_unknown" })).await;
    assert_eq!(unknown.status, 204, "an unknown token tells nothing");
    ada.get("/auth/me").await.ok(200);
    for _ in 0..2 {
        let body = json!({ "refresh_token": ada.refresh_token });
        assert_eq!(ada.post("/auth/logout", body).await.status, 204);
    }
    refresh(&ada, &ada.refresh_token).await.problem(401, "refresh_token_invalid");
    refresh(&ada, "lrr_unknown").await.problem(401, "refresh_token_invalid");
    refresh(&ada, "").await.invalid("refresh_token");
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn count(app: &TestApp, sql: &str) -> i64 {
    diesel::sql_query(sql).get_result::<Count>(&mut app.connect()).expect("a count").count
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    row: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_tokens_nor_passwords_are_stored() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let next = refresh(&ada, &ada.refresh_token).await.ok(200);
    let secrets = [
        ada.refresh_token.clone(),
        token(&next, "refresh_token"),
        ada.token.clone().expect("a token"),
        PASSWORD.to_owned(),
    ];
    for table in ["users", "sessions", "refresh_tokens", "idempotency_keys", "audit_entries"] {
        let rows: Vec<Row> =
            diesel::sql_query(format!("SELECT t::text AS row FROM {table} t")).load(&mut app.connect()).expect("rows");
        for (row, secret) in rows.iter().flat_map(|row| secrets.iter().map(move |secret| (row, secret))) {
            let hex = secret.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
            let bare = secret.trim_start_matches("lrr_");
            assert!(!row.row.contains(bare) && !row.row.contains(&hex), "{table} holds a secret in the clear");
        }
    }
    let hashes = "SELECT count(*) AS count FROM users WHERE password_hash LIKE '$argon2id$%'";
    assert_eq!((count(&app, hashes), count(&app, "SELECT count(*) AS count FROM refresh_tokens")), (1, 2));
}
