//! SQL of accounts and sessions.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Text, Timestamptz, Uuid as SqlUuid};

use crate::db::{DbError, Tx, clock_timestamp, constraint, in_seconds, sql};
use crate::kernel::clock::Instant;
use crate::kernel::ids::{HotelId, SessionId, UserId};
use crate::schema::{hotel_members, refresh_tokens, sessions, user_roles, users};

/// What signing in needs of an account.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct Account {
    pub user_id: UserId,
    pub email: String,
    pub password_hash: String,
    pub disabled_at: Option<Instant>,
}

/// A person to be registered.
#[derive(Debug, Clone)]
pub struct NewUser {
    pub user_id: UserId,
    pub email: String,
    pub full_name: String,
    pub password_hash: String,
}

/// How an address is found again: without regard to case.
#[must_use]
pub fn email_key(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Inserts an account with one role; false if the address is taken.
pub fn insert_user(tx: &mut Tx<'_>, user: &NewUser, role: &str) -> Result<bool, DbError> {
    let inserted = diesel::insert_into(users::table)
        .values((
            users::user_id.eq(user.user_id),
            users::email.eq(&user.email),
            users::email_key.eq(email_key(&user.email)),
            users::full_name.eq(&user.full_name),
            users::password_hash.eq(&user.password_hash),
        ))
        .on_conflict(users::email_key)
        .do_nothing()
        .execute(&mut **tx)?;
    if inserted == 0 {
        return Ok(false);
    }
    diesel::insert_into(user_roles::table)
        .values((user_roles::user_id.eq(user.user_id), user_roles::role.eq(role)))
        .execute(&mut **tx)?;
    Ok(true)
}

pub fn find_account(conn: &mut PgConnection, email: &str) -> Result<Option<Account>, DbError> {
    Ok(users::table
        .filter(users::email_key.eq(email_key(email)))
        .select(Account::as_select())
        .first(conn)
        .optional()?)
}

pub fn account(conn: &mut PgConnection, user_id: UserId) -> Result<Account, DbError> {
    Ok(users::table.find(user_id).select(Account::as_select()).first(conn)?)
}

/// Whether anybody has the role.
pub fn role_is_held(conn: &mut PgConnection, role: &str) -> Result<bool, DbError> {
    Ok(diesel::select(diesel::dsl::exists(user_roles::table.filter(user_roles::role.eq(role)))).get_result(conn)?)
}

/// A session's row.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub struct Session {
    pub generation: i32,
    pub rotated_at: Instant,
    pub expires_at: Instant,
    pub revoked_at: Option<Instant>,
}

/// Opens a session of generation 1; its end and the database's time.
pub fn insert_session(
    tx: &mut Tx<'_>,
    user_id: UserId,
    session_id: SessionId,
    ttl_s: i32,
    user_agent: Option<&str>,
    address: Option<&str>,
) -> Result<(Instant, Instant), DbError> {
    Ok(diesel::insert_into(sessions::table)
        .values((
            sessions::user_id.eq(user_id),
            sessions::session_id.eq(session_id),
            sessions::expires_at.eq(in_seconds(ttl_s)),
            sessions::user_agent.eq(user_agent),
            sessions::address.eq(address),
            sessions::last_user_agent.eq(user_agent),
            sessions::last_address.eq(address),
        ))
        .returning((sessions::expires_at, clock_timestamp()))
        .get_result(&mut **tx)?)
}

/// Locks the session's row.
pub fn lock_session(tx: &mut Tx<'_>, user_id: UserId, session_id: SessionId) -> Result<Option<Session>, DbError> {
    Ok(sessions::table
        .find((user_id, session_id))
        .select(Session::as_select())
        .for_update()
        .first(&mut **tx)
        .optional()?)
}

/// Whether the account may be used.
pub fn is_enabled(conn: &mut PgConnection, user_id: UserId) -> Result<bool, DbError> {
    let enabled = users::table.find(user_id).filter(users::disabled_at.is_null());
    Ok(diesel::select(diesel::dsl::exists(enabled)).get_result(conn)?)
}

/// Makes `generation` the current one.
pub fn rotate(tx: &mut Tx<'_>, user_id: UserId, session_id: SessionId, generation: i32) -> Result<(), DbError> {
    diesel::update(sessions::table.find((user_id, session_id)))
        .set((sessions::generation.eq(generation), sessions::rotated_at.eq(clock_timestamp())))
        .execute(&mut **tx)?;
    Ok(())
}

/// Keeps when the session was last given tokens, and by whom they were asked for.
pub fn used(
    tx: &mut Tx<'_>,
    user_id: UserId,
    session_id: SessionId,
    user_agent: Option<&str>,
    address: Option<&str>,
) -> Result<(), DbError> {
    diesel::update(sessions::table.find((user_id, session_id)))
        .set((
            sessions::last_used_at.eq(clock_timestamp()),
            sessions::last_user_agent.eq(user_agent),
            sessions::last_address.eq(address),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

pub fn insert_refresh_token(
    tx: &mut Tx<'_>,
    user_id: UserId,
    session_id: SessionId,
    generation: i32,
    token_hash: &[u8],
) -> Result<(), DbError> {
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::user_id.eq(user_id),
            refresh_tokens::session_id.eq(session_id),
            refresh_tokens::generation.eq(generation),
            refresh_tokens::token_hash.eq(token_hash),
        ))
        .execute(&mut **tx)
        .map_err(|error| {
            if constraint::violates(&error, "refresh_tokens_hash_key") {
                return DbError::invariant("two refresh tokens are the same");
            }
            error.into()
        })?;
    Ok(())
}

/// Which generation of which session a token with this hash was issued as.
pub fn find_refresh_token(
    conn: &mut PgConnection,
    token_hash: &[u8],
) -> Result<Option<(UserId, SessionId, i32)>, DbError> {
    Ok(refresh_tokens::table
        .filter(refresh_tokens::token_hash.eq(token_hash))
        .select((refresh_tokens::user_id, refresh_tokens::session_id, refresh_tokens::generation))
        .first(conn)
        .optional()?)
}

/// What a caller is and may do, as of now.
#[derive(Debug, QueryableByName)]
pub struct Standing {
    #[diesel(sql_type = Array<Text>)]
    pub roles: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    pub permissions: Vec<String>,
}

/// The standing of a live session of an enabled user, shown by a token that the key of `generation` signed; `None` once
/// one of the three has ended.
pub fn standing(
    conn: &mut PgConnection,
    user_id: UserId,
    session_id: SessionId,
    generation: i32,
) -> Result<Option<Standing>, DbError> {
    Ok(sql("SELECT ARRAY(SELECT role FROM user_roles r WHERE r.user_id = u.user_id ORDER BY role) AS roles,
                ARRAY(SELECT DISTINCT permission FROM user_roles r JOIN role_permissions p USING (role)
                      WHERE r.user_id = u.user_id ORDER BY permission) AS permissions
         FROM sessions s JOIN users u USING (user_id)
         WHERE s.user_id = $1 AND s.session_id = $2 AND s.revoked_at IS NULL
           AND s.expires_at > clock_timestamp() AND u.disabled_at IS NULL
           AND EXISTS (SELECT FROM token_keys k
                       WHERE k.generation = $3 AND (k.retires_at IS NULL OR k.retires_at > clock_timestamp()))")
    .bind::<SqlUuid, _>(user_id)
    .bind::<SqlUuid, _>(session_id)
    .bind::<Integer, _>(generation)
    .get_result(conn)
    .optional()?)
}

/// A user as they see themselves.
#[derive(Debug, QueryableByName)]
pub struct Profile {
    #[diesel(sql_type = Text)]
    pub email: String,
    #[diesel(sql_type = Text)]
    pub full_name: String,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: Instant,
}

pub fn profile(conn: &mut PgConnection, user_id: UserId) -> Result<Profile, DbError> {
    Ok(sql("SELECT email, full_name, created_at FROM users WHERE user_id = $1")
        .bind::<SqlUuid, _>(user_id)
        .get_result(conn)?)
}

/// The hotels the user is a member of.
pub fn memberships(conn: &mut PgConnection, user_id: UserId) -> Result<Vec<HotelId>, DbError> {
    Ok(hotel_members::table
        .filter(hotel_members::user_id.eq(user_id.0))
        .order(hotel_members::hotel_id)
        .select(hotel_members::hotel_id)
        .load(conn)?)
}

/// Removes up to `most` refresh tokens of sessions that ended so many days ago; how many. They go before their session:
/// it may have thousands, and would take them all with it.
///
/// Locks: those rows, passing over locked ones.
pub fn reap_tokens(tx: &mut Tx<'_>, days: i32, most: i64) -> Result<usize, DbError> {
    Ok(sql("DELETE FROM refresh_tokens WHERE ctid = ANY(ARRAY(
             SELECT t.ctid FROM refresh_tokens t JOIN sessions s USING (user_id, session_id)
             WHERE least(s.expires_at, s.revoked_at) < (SELECT clock_timestamp()) - $1 * interval '1 day'
             LIMIT $2 FOR UPDATE OF t SKIP LOCKED))")
    .bind::<Integer, _>(days)
    .bind::<BigInt, _>(most)
    .execute(&mut **tx)?)
}

/// Removes up to `most` sessions that ended so many days ago and have no refresh token left; how many.
///
/// Locks: those rows, passing over locked ones.
pub fn reap_sessions(tx: &mut Tx<'_>, days: i32, most: i64) -> Result<usize, DbError> {
    Ok(sql("DELETE FROM sessions WHERE ctid = ANY(ARRAY(
             SELECT s.ctid FROM sessions s WHERE least(s.expires_at, s.revoked_at) < (SELECT clock_timestamp()) - $1 * interval '1 day'
               AND NOT EXISTS (
                   SELECT FROM refresh_tokens t WHERE t.user_id = s.user_id AND t.session_id = s.session_id)
             LIMIT $2 FOR UPDATE OF s SKIP LOCKED))")
    .bind::<Integer, _>(days)
    .bind::<BigInt, _>(most)
    .execute(&mut **tx)?)
}
