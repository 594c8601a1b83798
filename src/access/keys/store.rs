//! SQL of the keys of access tokens.

use diesel::prelude::*;

use crate::db::{DbError, Tx, clock_timestamp, in_seconds};
use crate::kernel::clock::Instant;
use crate::schema::token_keys::{self, dsl};

/// A generation that verifies.
#[derive(Clone, Copy, Debug, Queryable, Selectable)]
#[diesel(table_name = token_keys)]
pub struct Generation {
    pub generation: i32,
    pub signs_from: Instant,
    /// None: it is the newest.
    pub retires_at: Option<Instant>,
}

/// The generations that verify, oldest first. The newest may not sign yet.
pub fn good(conn: &mut PgConnection) -> Result<Vec<Generation>, DbError> {
    Ok(dsl::token_keys
        .filter(dsl::retires_at.is_null().or(dsl::retires_at.gt(clock_timestamp().nullable())))
        .order(dsl::generation)
        .select(Generation::as_select())
        .load(conn)?)
}

/// The generation that signs now: of those whose time has come the newest.
pub fn signing(conn: &mut PgConnection) -> Result<i32, DbError> {
    let found = dsl::token_keys
        .filter(dsl::retires_at.is_null().or(dsl::retires_at.gt(clock_timestamp().nullable())))
        .filter(dsl::signs_from.le(clock_timestamp()))
        .order(dsl::generation.desc())
        .select(dsl::generation)
        .first(conn)
        .optional()?;
    found.ok_or_else(|| DbError::invariant("a key signs at any time"))
}

/// Locks the newest generation. None: another has just followed it.
pub(super) fn lock_newest(tx: &mut Tx<'_>) -> Result<Option<i32>, DbError> {
    Ok(dsl::token_keys
        .filter(dsl::retires_at.is_null())
        .select(dsl::generation)
        .for_update()
        .first(&mut **tx)
        .optional()?)
}

/// The newest generation retires in `in_s` seconds.
pub(super) fn retire_newest(tx: &mut Tx<'_>, in_s: i32) -> Result<(), DbError> {
    diesel::update(dsl::token_keys.filter(dsl::retires_at.is_null()))
        .set(dsl::retires_at.eq(in_seconds(in_s).nullable()))
        .execute(&mut **tx)?;
    Ok(())
}

/// Every generation retires now.
pub(super) fn retire_all(tx: &mut Tx<'_>) -> Result<(), DbError> {
    diesel::update(dsl::token_keys)
        .filter(dsl::retires_at.is_null().or(dsl::retires_at.gt(clock_timestamp().nullable())))
        .set(dsl::retires_at.eq(clock_timestamp().nullable()))
        .execute(&mut **tx)?;
    Ok(())
}

/// Inserts a generation that signs in `lead_s` seconds.
pub(super) fn insert(tx: &mut Tx<'_>, generation: i32, lead_s: i32) -> Result<(), DbError> {
    diesel::insert_into(token_keys::table)
        .values((dsl::generation.eq(generation), dsl::signs_from.eq(in_seconds(lead_s))))
        .execute(&mut **tx)?;
    Ok(())
}
