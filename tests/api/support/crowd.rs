//! Many guests at once, signed in without the minutes that their passwords' hashes would take.

use std::fmt::Write;
use std::sync::Arc;

use diesel::connection::SimpleConnection;
use lastroom::access::tokens::AccessTokens;
use lastroom::kernel::ids::{SessionId, UserId};
use lastroom::kernel::secret::Keyring;
use secrecy::SecretString;
use uuid::Uuid;

use super::actors::Guest;
use super::app::{SECRET, TestApp};

/// Seconds a member's token lives: as long as a token can.
const TOKEN_TTL_S: i32 = 900;

/// So many new guests with a session and a token each. They have no password to sign in again with.
pub fn crowd(app: &TestApp, guests: usize) -> Vec<Guest> {
    let stranger = Guest::stranger(app);
    let tokens = AccessTokens::new(Arc::new(Keyring::new(&SecretString::from(SECRET))), TOKEN_TTL_S);
    let mut rows = String::new();
    let mut members = Vec::new();
    for _ in 0..guests {
        let (user_id, session_id) = (Uuid::now_v7(), Uuid::now_v7());
        let email = format!("{}@example.com", user_id.simple());
        writeln!(
            rows,
            "INSERT INTO users (user_id, email, email_key, full_name, password_hash)
                 VALUES ('{user_id}', '{email}', '{email}', 'Ada Lovelace', 'none');
             INSERT INTO user_roles (user_id, role) VALUES ('{user_id}', 'guest');
             INSERT INTO sessions (user_id, session_id, expires_at)
                 VALUES ('{user_id}', '{session_id}', clock_timestamp() + interval '1 hour');
             INSERT INTO refresh_tokens (user_id, session_id, generation, token_hash)
                 VALUES ('{user_id}', '{session_id}', 1, sha256('{session_id}'));"
        )
        .expect("a text");
        let token = tokens.issue(1, UserId(user_id), SessionId(session_id), chrono::Utc::now()).expect("a token");
        members.push(Guest { email, token: Some(token), ..stranger.clone() });
    }
    app.connect().batch_execute(&rows).expect("the guests' rows");
    members
}
