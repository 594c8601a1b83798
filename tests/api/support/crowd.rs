//! People signed in without the time that their passwords' hashes would take.

use std::sync::{Arc, LazyLock};

use diesel::prelude::*;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use lastroom::access::keys::store::signing;
use lastroom::access::password::hash_now;
use lastroom::access::tokens::AccessTokens;
use lastroom::kernel::ids::{SessionId, UserId};
use lastroom::kernel::secret::Keyring;
use secrecy::SecretString;
use uuid::Uuid;

use super::actors::{Guest, PASSWORD};
use super::app::{SECRET, TestApp};

/// Seconds a token lives: as long as one can.
const TOKEN_TTL_S: i32 = 900;

/// Of the one password that everybody has.
static HASH: LazyLock<String> = LazyLock::new(|| hash_now(PASSWORD).expect("a hash"));

/// The account with its role, if it is new, and one more session.
const SIGN_IN: &str = "
    WITH account AS (
        INSERT INTO users (user_id, email, email_key, full_name, password_hash)
        VALUES ($1, $2, $2, 'Ada Lovelace', $3)
        ON CONFLICT (email_key) DO UPDATE SET email = EXCLUDED.email RETURNING user_id
    ), of_role AS (
        INSERT INTO user_roles (user_id, role) SELECT user_id, $4 FROM account ON CONFLICT DO NOTHING
    ), session AS (
        INSERT INTO sessions (user_id, session_id, expires_at, address)
        SELECT user_id, $5, clock_timestamp() + interval '1 hour', '127.0.0.1' FROM account
    ), token AS (
        INSERT INTO refresh_tokens (user_id, session_id, generation, token_hash)
        SELECT user_id, $5, 1, sha256($6::bytea) FROM account
    )
    SELECT user_id FROM account";

#[derive(QueryableByName)]
struct Account {
    #[diesel(sql_type = SqlUuid)]
    user_id: UserId,
}

/// Somebody with this address, who has the role.
pub fn signed_in(app: &TestApp, email: &str, role: &str) -> Guest {
    app.database.past(|conn| sign_in(conn, &Guest::stranger(app), email, role))
}

/// So many new guests.
pub fn crowd(app: &TestApp, guests: usize) -> Vec<Guest> {
    let (mut conn, stranger) = (app.connect(), Guest::stranger(app));
    (0..guests).map(|_| sign_in(&mut conn, &stranger, &new_address(), "guest")).collect()
}

/// An address that nobody has yet.
pub fn new_address() -> String {
    format!("{}@example.com", Uuid::now_v7().simple())
}

fn sign_in(conn: &mut PgConnection, stranger: &Guest, email: &str, role: &str) -> Guest {
    let session_id = Uuid::now_v7();
    let refresh_token = format!("lrr_{}", session_id.simple());
    let Account { user_id } = diesel::sql_query(SIGN_IN)
        .bind::<SqlUuid, _>(Uuid::now_v7())
        .bind::<Text, _>(email)
        .bind::<Text, _>(HASH.as_str())
        .bind::<Text, _>(role)
        .bind::<SqlUuid, _>(session_id)
        .bind::<Text, _>(&refresh_token)
        .get_result(conn)
        .expect("an account");
    let tokens = AccessTokens::new(Arc::new(Keyring::new(&SecretString::from(SECRET))), TOKEN_TTL_S);
    let generation = signing(conn).expect("a key");
    let token = tokens.issue(generation, user_id, SessionId(session_id), chrono::Utc::now()).expect("a token");
    Guest { email: email.to_owned(), token: Some(token), refresh_token, ..stranger.clone() }
}
