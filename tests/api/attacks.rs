//! Tokens that are none: every guarded operation refuses every one of them.

use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{Duration, Utc};
use diesel::connection::SimpleConnection;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use lastroom::access::tokens::{AccessTokens, Shown};
use lastroom::kernel::ids::{SessionId, UserId};
use lastroom::kernel::secret::{Keyring, Purpose};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::support::actors::PASSWORD;
use crate::support::app::SECRET;
use crate::support::operations::{Operation, operations};
use crate::support::{Guest, TestApp};

/// What a token says, unverified.
pub fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a JWT has a payload");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64")).expect("JSON")
}

fn header(token: &str) -> Value {
    let header = token.split('.').next().expect("a JWT has a header");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).expect("base64")).expect("JSON")
}

fn encoded(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

fn signer(secret: &str) -> AccessTokens {
    AccessTokens::new(Arc::new(Keyring::new(&SecretString::from(secret))), 900)
}

/// A token signed by the service's own key: what a leaked or careless signer could make.
fn signed(header: &Header, claims: &Value) -> String {
    let seed = Keyring::new(&SecretString::from(SECRET)).seed(Purpose::AccessToken, 1);
    encode(header, claims, &seed)
}

fn encode(header: &Header, claims: &Value, seed: &[u8; 32]) -> String {
    // PKCS #8 for Ed25519 is these 16 bytes and the seed.
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend_from_slice(seed);
    jsonwebtoken::encode(header, claims, &EncodingKey::from_ed_der(&der)).expect("a token")
}

fn header_of(real: &str) -> Header {
    Header { kid: header(real)["kid"].as_str().map(str::to_owned), ..Header::new(Algorithm::EdDSA) }
}

fn forged(real: &str, claims: &Value) -> String {
    signed(&header_of(real), claims)
}

fn without_claim(real: &str, name: &str) -> String {
    let mut claims = claims(real);
    claims.as_object_mut().expect("claims").remove(name);
    forged(real, &claims)
}

fn with_kid(real: &str, kid: Option<&str>) -> String {
    signed(&Header { kid: kid.map(str::to_owned), ..header_of(real) }, &claims(real))
}

/// The attacker's own key, which the token itself brings along or points to.
fn with_own_key(real: &str, kid: Option<String>) -> String {
    let seed = [7; 32];
    let x = Ed25519KeyPair::from_seed_unchecked(&seed).expect("a key").public_key().as_ref().to_vec();
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(x) });
    let header = Header {
        kid,
        jku: Some("https://example.com/jwks.json".to_owned()),
        x5u: Some("https://example.com/x5u.pem".to_owned()),
        jwk: Some(serde_json::from_value(jwk).expect("a JWK")),
        ..Header::new(Algorithm::EdDSA)
    };
    encode(&header, &claims(real), &seed)
}

fn with_claim(real: &str, name: &str, value: &Value) -> String {
    let mut claims = claims(real);
    claims[name] = value.clone();
    forged(real, &claims)
}

/// Each attack by its name.
fn attacks(ada: &Guest) -> Vec<(&'static str, String)> {
    let real = ada.token.as_deref().expect("a token");
    let stated = claims(real);
    let user: UserId = serde_json::from_value(stated["sub"].clone()).expect("a user");
    let session: SessionId = serde_json::from_value(stated["sid"].clone()).expect("a session");
    let now = Utc::now();
    let (message, signature) = real.rsplit_once('.').expect("a signature");
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).expect("base64");
    bytes[10] ^= 1;
    let tampered = format!("{message}.{}", URL_SAFE_NO_PAD.encode(bytes));
    let mut somebody = stated.clone();
    somebody["sub"] = json!(UserId::new());
    let swapped = format!("{}.{}.{signature}", encoded(&header(real)), encoded(&somebody));
    let mut unsigned = header(real);
    unsigned["alg"] = json!("none");
    let mut symmetric = Header::new(Algorithm::HS256);
    symmetric.kid = header(real)["kid"].as_str().map(str::to_owned);
    let public = URL_SAFE_NO_PAD.decode(signer(SECRET).jwks(&[1]).expect("keys").keys[0].x.as_bytes()).expect("base64");
    let confused = jsonwebtoken::encode(&symmetric, &stated, &EncodingKey::from_secret(&public)).expect("a token");
    let issue = |secret: &str, at| signer(secret).issue(1, user, session, at).expect("a token");
    let of_generation = |generation| signer(SECRET).issue(generation, user, session, now).expect("a token");
    vec![
        ("garbage", "garbage".to_owned()),
        ("three dots", "a.b.c".to_owned()),
        ("a flipped bit in the signature", tampered),
        ("another user under the same signature", swapped),
        ("no signature", format!("{message}.")),
        ("alg none", format!("{}.{}.", encoded(&unsigned), encoded(&stated))),
        ("HMAC with the public key", confused),
        ("expired", issue(SECRET, now - Duration::seconds(900 + 40))),
        ("not valid yet", issue(SECRET, now + Duration::seconds(60))),
        ("another deployment's secret", issue("another secret: 0123456789 abcdefghijklm", now)),
        ("expired, and out of the clocks' leeway", with_claim(real, "exp", &json!(now.timestamp() - 32))),
        ("no expiry", without_claim(real, "exp")),
        ("no beginning", without_claim(real, "nbf")),
        ("no issuer", without_claim(real, "iss")),
        ("no user", without_claim(real, "sub")),
        ("no session", without_claim(real, "sid")),
        ("an expiry in words", with_claim(real, "exp", &json!((now + Duration::hours(1)).timestamp().to_string()))),
        ("an expiry beyond time", with_claim(real, "exp", &json!(1e300))),
        ("no type", without_claim(real, "typ")),
        ("no audience", without_claim(real, "aud")),
        ("a key that does not sign yet", of_generation(2)),
        ("a key from nowhere", of_generation(-1)),
        ("no key named", with_kid(real, None)),
        ("a key by its path", with_kid(real, Some("../../../../dev/null"))),
        ("a key by SQL", with_kid(real, Some("' OR 1=1 --"))),
        ("a key of its own", with_own_key(real, header_of(real).kid)),
        ("a key of its own that is unknown", with_own_key(real, Some("attacker".to_owned()))),
        ("a refresh token", ada.refresh_token.clone()),
        ("another type", with_claim(real, "typ", &json!("refresh"))),
        ("another audience", with_claim(real, "aud", &json!("elsewhere"))),
        ("another issuer", with_claim(real, "iss", &json!("elsewhere"))),
        ("a session that is not the user's", with_claim(real, "sid", &json!(SessionId::new()))),
        ("a user who is not the session's", with_claim(real, "sub", &json!(UserId::new()))),
    ]
}

/// Tokens that were good: of an admin who signed out, and of one who was disabled.
async fn ended_sessions(app: &TestApp) -> [(&'static str, String); 2] {
    let admin = app.admin();
    let (out, gone) = (admin.login(&admin.email, PASSWORD).await, app.guest());
    let account = gone.get("/auth/me").await.ok(200)["user_id"].as_str().expect("an id").to_owned();
    admin.post(&format!("/admin/users/{account}/roles"), json!({ "role": "admin" })).await.ok(201);
    out.post("/auth/logout", json!({ "refresh_token": out.refresh_token })).await.ok(204);
    admin.patch(&format!("/admin/users/{account}"), "*", json!({ "disabled": true })).await.ok(200);
    [("a session that was ended", out), ("a disabled admin", gone)]
        .map(|(attack, caller)| (attack, caller.token.expect("a token")))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_guarded_operation_refuses_every_false_token() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let real = ada.token.clone().expect("a token");
    ada.with_token(&forged(&real, &claims(&real))).get("/auth/me").await.ok(200);
    let mut attacks = attacks(&ada);
    attacks.extend(ended_sessions(&app).await);
    let stranger = Guest::stranger(&app);
    for operation in operations().into_iter().filter(Operation::is_guarded) {
        let bare = operation.call_with_garbage(&stranger).await;
        bare.problem(401, "unauthenticated");
        assert!(bare.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer")), "{bare:?}");
        for (attack, token) in &attacks {
            let answer = operation.call_with_garbage(&ada.with_token(token)).await;
            assert_eq!(answer.status, 401, "{} with {attack}: {}", operation.name(), answer.text);
            answer.problem(401, "token_invalid");
            let challenge = answer.header("www-authenticate").unwrap_or_default();
            assert!(challenge.contains("error=\"invalid_token\""), "{}: {challenge:?}", operation.name());
        }
        for header in ["Basic YWRhOmFkYQ==", "Bearer", "bearer  ", "Token x"] {
            let answer = operation.call_with(&stranger, &[("authorization", header)]).await;
            assert_eq!(answer.status, 401, "{} with {header:?}: {}", operation.name(), answer.text);
        }
    }
}

/// The clocks of the database and of a server may differ by half a minute, and no more is forgiven. By the verifier
/// itself, for on its way over HTTP a token grows older.
#[test]
fn the_leeway_is_half_a_minute_each_way() {
    let verifier = signer(SECRET);
    verifier.learn(&[1]).expect("a key");
    let now = Utc::now();
    let real = verifier.issue(1, UserId::new(), SessionId::new(), now).expect("a token");
    let is_genuine = |name, seconds: i64| {
        let token = with_claim(&real, name, &json!(now.timestamp() + seconds));
        matches!(verifier.verify(&token), Shown::Genuine { .. })
    };
    assert_eq!([-32, -25, 1].map(|seconds| is_genuine("exp", seconds)), [false, true, true]);
    assert_eq!([35, 25, -1].map(|seconds| is_genuine("nbf", seconds)), [false, true, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_refreshes_nothing() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let token = ada.token.clone().expect("a token");
    // Too long for a refresh token, as an access token is, and one that is short enough.
    ada.post("/auth/refresh", json!({ "refresh_token": token })).await.problem(422, "invalid");
    let cut: String = token.chars().take(200).collect();
    ada.post("/auth/refresh", json!({ "refresh_token": cut })).await.problem(401, "refresh_token_invalid");
    ada.get("/auth/me").await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ended_is_refused_on_the_next_request() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let (here, there) = (ada.login(&ada.email, PASSWORD).await, ada.clone());
    let logout = here.post("/auth/logout", json!({ "refresh_token": here.refresh_token })).await;
    assert_eq!((logout.status, logout.text.as_str()), (204, ""));
    here.get("/auth/me").await.problem(401, "token_invalid");
    there.get("/auth/me").await.ok(200);
    app.connect().batch_execute("UPDATE users SET disabled_at = clock_timestamp()").expect("disabled");
    there.get("/auth/me").await.problem(401, "token_invalid");
    let refresh = there.post("/auth/refresh", json!({ "refresh_token": there.refresh_token })).await;
    refresh.problem(401, "refresh_token_invalid");
    app.connect().batch_execute("UPDATE users SET disabled_at = NULL").expect("enabled");
    there.get("/auth/me").await.ok(200);
}
