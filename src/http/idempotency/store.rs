//! SQL of the idempotency keys.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Text};
use uuid::Uuid;

use super::answer::Answer;
use super::key::Keyed;
use crate::db::{DbError, Tx, clock_timestamp, in_seconds};
use crate::kernel::ids::HotelId;
use crate::schema::idempotency_keys::dsl;

/// Seconds a claim is its holder's alone: longer than the provider may take, shorter than a caller's patience.
const LEASE_S: i32 = 30;

/// Hours that an answer is kept, as the contract says.
const KEPT_H: i32 = 72;

/// A key's row.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = crate::schema::idempotency_keys)]
pub(super) struct Stored {
    pub body_hash: Vec<u8>,
    pub status: Option<i16>,
    pub body: Option<String>,
    pub location: Option<String>,
    pub epoch: i32,
    pub hotel_id: Option<HotelId>,
    pub resource_id: Option<Uuid>,
}

diesel::define_sql_function! {
    fn set_config(name: Text, value: Text, local: Bool) -> Text;
}

/// Inserts the row, waiting at most 1 s for another transaction that is inserting it. False if it exists.
pub(super) fn insert(tx: &mut Tx<'_>, keyed: &Keyed) -> Result<bool, DbError> {
    let usual: String = diesel::select(sql::<Text>("current_setting('lock_timeout')")).get_result(&mut **tx)?;
    diesel::select(set_config("lock_timeout", "1s", true)).execute(&mut **tx)?;
    let inserted = diesel::insert_into(dsl::idempotency_keys)
        .values((
            dsl::user_id.eq(keyed.user_id.0),
            dsl::scope.eq(&keyed.scope),
            dsl::key.eq(&keyed.key),
            dsl::body_hash.eq(&keyed.body_hash),
            dsl::lease_until.eq((in_seconds(LEASE_S)).nullable()),
        ))
        .on_conflict_do_nothing()
        .execute(&mut **tx)?;
    diesel::select(set_config("lock_timeout", usual, true)).execute(&mut **tx)?;
    Ok(inserted == 1)
}

pub(super) fn find(tx: &mut Tx<'_>, keyed: &Keyed) -> Result<Stored, DbError> {
    dsl::idempotency_keys
        .find((keyed.user_id.0, &keyed.scope, &keyed.key))
        .select(Stored::as_select())
        .first(&mut **tx)
        .optional()?
        .ok_or_else(removed)
}

/// Locks the row.
pub(super) fn lock(tx: &mut Tx<'_>, keyed: &Keyed) -> Result<Stored, DbError> {
    dsl::idempotency_keys
        .find((keyed.user_id.0, &keyed.scope, &keyed.key))
        .select(Stored::as_select())
        .for_update()
        .first(&mut **tx)
        .optional()?
        .ok_or_else(removed)
}

/// The key was there a moment ago, and its time is over: the whole is run again, and finds it free.
fn removed() -> DbError {
    DbError::Conflict("an idempotency key was removed".to_owned())
}

/// Raises the epoch if the lease has run out; the new epoch, or `None` while the lease lasts.
pub(super) fn take_over(tx: &mut Tx<'_>, keyed: &Keyed, seen: i32) -> Result<Option<i32>, DbError> {
    Ok(diesel::update(dsl::idempotency_keys.find((keyed.user_id.0, &keyed.scope, &keyed.key)))
        .filter(
            dsl::epoch.eq(seen).and(dsl::finished_at.is_null()).and(dsl::lease_until.lt(clock_timestamp().nullable())),
        )
        .set((dsl::epoch.eq(seen + 1), dsl::lease_until.eq((in_seconds(LEASE_S)).nullable())))
        .returning(dsl::epoch)
        .get_result(&mut **tx)
        .optional()?)
}

pub(super) fn works_on(tx: &mut Tx<'_>, keyed: &Keyed, hotel_id: HotelId, resource_id: Uuid) -> Result<(), DbError> {
    diesel::update(dsl::idempotency_keys.find((keyed.user_id.0, &keyed.scope, &keyed.key)))
        .set((dsl::hotel_id.eq(hotel_id), dsl::resource_id.eq(resource_id)))
        .execute(&mut **tx)?;
    Ok(())
}

/// Stores the answer; false if the epoch is no longer the caller's.
pub(super) fn finish(tx: &mut Tx<'_>, keyed: &Keyed, epoch: i32, answer: &Answer) -> Result<bool, DbError> {
    let status = i16::try_from(answer.status).map_err(|_| DbError::invariant("a status has three digits"))?;
    let finished = diesel::update(dsl::idempotency_keys.find((keyed.user_id.0, &keyed.scope, &keyed.key)))
        .filter(dsl::epoch.eq(epoch).and(dsl::finished_at.is_null()))
        .set((
            dsl::status.eq(status),
            dsl::body.eq(&answer.body),
            dsl::location.eq(&answer.location),
            dsl::finished_at.eq(clock_timestamp().nullable()),
        ))
        .execute(&mut **tx)?;
    Ok(finished == 1)
}

/// Removes up to `most` keys that were finished 72 h ago; how many. An unfinished one stays for ever: whoever takes it
/// over must find what it works on.
///
/// Locks: those keys, passing over locked ones.
pub fn reap(tx: &mut Tx<'_>, most: i64) -> Result<usize, DbError> {
    Ok(crate::db::sql(
        "DELETE FROM idempotency_keys WHERE ctid = ANY(ARRAY(
             SELECT ctid FROM idempotency_keys WHERE finished_at < (SELECT clock_timestamp()) - $1 * interval '1 hour'
             LIMIT $2 FOR UPDATE SKIP LOCKED))",
    )
    .bind::<Integer, _>(KEPT_H)
    .bind::<BigInt, _>(most)
    .execute(&mut **tx)?)
}

/// Ends the lease now.
pub(super) fn free(tx: &mut Tx<'_>, keyed: &Keyed, epoch: i32) -> Result<(), DbError> {
    diesel::update(dsl::idempotency_keys.find((keyed.user_id.0, &keyed.scope, &keyed.key)))
        .filter(dsl::epoch.eq(epoch).and(dsl::finished_at.is_null()))
        .set(dsl::lease_until.eq(clock_timestamp().nullable()))
        .execute(&mut **tx)?;
    Ok(())
}
