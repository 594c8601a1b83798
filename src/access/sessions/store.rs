//! SQL of a user's sessions.

use diesel::prelude::*;
use diesel::sql_types::Text;
use ipnet::IpNet;

use crate::db::{DbError, Tx, clock_timestamp, sql};
use crate::kernel::clock::Instant;
use crate::kernel::ids::{SessionId, UserId};
use crate::schema::{sessions, users};
use crate::text_enum;

text_enum! {
    /// Why a session ended before its time.
    pub enum Because {
        Logout = "logout",
        RefreshTokenReused = "refresh_token_reused",
        PasswordChanged = "password_changed",
        /// Its user ended it from another.
        Revoked = "revoked",
        /// An admin disabled the account.
        Disabled = "disabled",
    }
}

/// A session that is open.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub struct OpenSession {
    pub session_id: SessionId,
    pub user_agent: Option<String>,
    pub address: Option<String>,
    pub created_at: Instant,
    pub last_used_at: Instant,
    pub last_user_agent: Option<String>,
    pub last_address: Option<String>,
    pub expires_at: Instant,
}

/// The user's open sessions with ids after `after`, oldest first.
pub fn list(
    conn: &mut PgConnection,
    user_id: UserId,
    after: SessionId,
    rows: i64,
) -> Result<Vec<OpenSession>, DbError> {
    Ok(sessions::table
        .filter(sessions::user_id.eq(user_id).and(sessions::session_id.gt(after)))
        .filter(sessions::revoked_at.is_null().and(sessions::expires_at.gt(clock_timestamp())))
        .order(sessions::session_id)
        .limit(rows)
        .select(OpenSession::as_select())
        .load(conn)?)
}

/// Whether the account with this address was signed in to from the network, as far as its sessions are still kept.
pub fn began_in(conn: &mut PgConnection, email_key: &str, network: IpNet) -> Result<bool, DbError> {
    let began = sql("SELECT FROM sessions JOIN users USING (user_id)
         WHERE email_key = $1 AND sessions.address::inet <<= $2::inet LIMIT 1")
    .bind::<Text, _>(email_key.to_owned())
    .bind::<Text, _>(network.to_string())
    .execute(conn)?;
    Ok(began > 0)
}

/// Whether the user ever had this session.
pub fn exists(conn: &mut PgConnection, user_id: UserId, session_id: SessionId) -> Result<bool, DbError> {
    Ok(diesel::select(diesel::dsl::exists(sessions::table.find((user_id, session_id)))).get_result(conn)?)
}

/// Ends a session; false: it had ended before, and stays as it was.
pub fn end(tx: &mut Tx<'_>, user_id: UserId, session_id: SessionId, because: Because) -> Result<bool, DbError> {
    let ended = diesel::update(sessions::table.find((user_id, session_id)))
        .filter(sessions::revoked_at.is_null())
        .set((sessions::revoked_at.eq(clock_timestamp().nullable()), sessions::revoked_because.eq(because)))
        .execute(&mut **tx)?;
    Ok(ended == 1)
}

/// Ends all sessions of the user, whose row is locked, so that none is opened meanwhile.
pub fn end_all(tx: &mut Tx<'_>, user_id: UserId, because: Because) -> Result<(), DbError> {
    diesel::update(sessions::table)
        .filter(sessions::user_id.eq(user_id).and(sessions::revoked_at.is_null()))
        .set((sessions::revoked_at.eq(clock_timestamp().nullable()), sessions::revoked_because.eq(because)))
        .execute(&mut **tx)?;
    Ok(())
}

/// Keeps the account as it is, if the password that was verified is still its own and nobody disabled it.
pub fn keep_account(tx: &mut Tx<'_>, user_id: UserId, password_hash: &str) -> Result<bool, DbError> {
    let kept: Option<UserId> = users::table
        .find(user_id)
        .filter(users::password_hash.eq(password_hash).and(users::disabled_at.is_null()))
        .select(users::user_id)
        .for_share()
        .first(&mut **tx)
        .optional()?;
    Ok(kept.is_some())
}

/// Gives the account another hash in place of this one. False: it had another already.
pub fn set_password(tx: &mut Tx<'_>, user_id: UserId, before: &str, after: &str) -> Result<bool, DbError> {
    let changed = diesel::update(users::table.find(user_id))
        .filter(users::password_hash.eq(before).and(users::disabled_at.is_null()))
        .set(users::password_hash.eq(after))
        .execute(&mut **tx)?;
    Ok(changed == 1)
}
