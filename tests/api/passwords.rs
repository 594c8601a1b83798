//! Passwords: which may be chosen, how they are kept.

use serde_json::json;

use crate::support::actors::PASSWORD;
use crate::support::{Guest, TestApp};

fn account(email: &str, password: &str) -> serde_json::Value {
    json!({ "email": email, "password": password, "full_name": "Ada" })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_everybody_would_guess_is_refused() {
    let app = TestApp::start().await;
    let stranger = Guest::stranger(&app);
    let email = "ada.lovelace@example.com";
    for password in ["elevenchars", &"x".repeat(129), "123456789012", "Password1234", "ADA.lovelace@example.com"] {
        let problem = stranger.post("/auth/register", account(email, password)).await.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"], "password", "{password}: {problem}");
    }
    assert_eq!(app.number("SELECT count(*) FROM users WHERE email = 'ada.lovelace@example.com'"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_the_same_however_its_accents_are_composed_and_is_never_cut() {
    let app = TestApp::start().await;
    let stranger = Guest::stranger(&app);
    let long = "0123456789abcde\u{e9}".repeat(8);
    assert_eq!(long.chars().count(), 128);
    stranger.post("/auth/register", account("ada@example.com", &long)).await.ok(202);
    // As some keyboards send them: three letters a syllable, of three bytes each.
    let (syllables, letters) = ("\u{d55c}".repeat(128), "\u{1112}\u{1161}\u{11ab}".repeat(128));
    stranger.post("/auth/register", account("han@example.com", &letters)).await.ok(202);
    stranger.login("han@example.com", &syllables).await.login("han@example.com", &letters).await;
    let endless = json!({ "email": "han@example.com", "password": "x".repeat(2049) });
    stranger.post("/auth/login", endless).await.invalid("password");
    let decomposed = long.replace('\u{e9}', "e\u{301}");
    stranger.login("ada@example.com", &decomposed).await;
    let cut: String = long.chars().take(127).collect();
    for wrong in [cut, format!("{long}x"), long.replace('\u{e9}', "e")] {
        let login = json!({ "email": "ada@example.com", "password": wrong });
        stranger.post("/auth/login", login).await.problem(401, "invalid_credentials");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weak_hash_is_replaced_by_a_strong_one_at_the_next_login() {
    let app = TestApp::start().await;
    let ada = app.guest();
    // PASSWORD by argon2id with 8 KiB, one pass.
    let weak = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$";
    let weak = format!("{weak}{}", weak_hash());
    app.execute(&format!("UPDATE users SET password_hash = '{weak}' WHERE email = '{}'", ada.email));
    let wrong = json!({ "email": ada.email, "password": "not the password" });
    ada.post("/auth/login", wrong).await.problem(401, "invalid_credentials");
    let hash = format!("SELECT password_hash FROM users WHERE email = '{}'", ada.email);
    assert_eq!(app.text(&hash), weak, "a wrong password changes nothing");
    let logins = futures_util::future::join_all((0..6).map(|_| ada.login(&ada.email, PASSWORD))).await;
    for login in logins {
        login.get("/auth/me").await.ok(200);
    }
    assert!(app.text(&hash).starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    ada.login(&ada.email, PASSWORD).await;
}

fn weak_hash() -> String {
    use base64::Engine;
    let params = argon2::Params::new(8, 1, 1, Some(32)).expect("parameters");
    let argon = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let mut hash = [0; 32];
    argon.hash_password_into(PASSWORD.as_bytes(), b"somesaltsomesalt", &mut hash).expect("a hash");
    base64::engine::general_purpose::STANDARD_NO_PAD.encode(hash)
}
