//! SQL of the counts.

use diesel::prelude::*;
use diesel::sql_types::{Bytea, Integer, Nullable, Text, Timestamptz};

use super::rule::Count;
use super::{Charged, Subject};
use crate::db::tx::exactly;
use crate::db::{DbError, Tx, sql};
use crate::kernel::clock::Instant;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Integer)]
    failures: i32,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    paused_until: Option<Instant>,
    #[diesel(sql_type = Timestamptz)]
    forgotten_at: Instant,
    #[diesel(sql_type = Timestamptz)]
    now: Instant,
}

impl Row {
    fn seen(self) -> (Count, Instant) {
        let Self { failures, paused_until, forgotten_at, now } = self;
        (Count { failures, paused_until, forgotten_at }, now)
    }
}

/// The subject's count and the time, without a lock; `None` without a failure.
pub(super) fn look(conn: &mut PgConnection, subject: &Subject) -> Result<Option<(Count, Instant)>, DbError> {
    let row: Option<Row> = sql("SELECT failures, paused_until, forgotten_at, clock_timestamp() AS now
         FROM throttles WHERE subject = $1 AND key = $2")
    .bind::<Text, _>(subject.kind)
    .bind::<Bytea, _>(subject.key.clone())
    .get_result(conn)
    .optional()?;
    Ok(row.map(Row::seen))
}

/// Locks the subject's row, made if there is none; its count, and the time since it is locked.
pub(super) fn lock(tx: &mut Tx<'_>, subject: &Subject) -> Result<(Count, Instant), DbError> {
    let row: Row = sql("INSERT INTO throttles AS t (subject, key, failures, forgotten_at)
         VALUES ($1, $2, 0, clock_timestamp())
         ON CONFLICT (subject, key) DO UPDATE SET failures = t.failures
         RETURNING failures, paused_until, forgotten_at, clock_timestamp() AS now")
    .bind::<Text, _>(subject.kind)
    .bind::<Bytea, _>(subject.key.clone())
    .get_result(&mut **tx)?;
    Ok(row.seen())
}

/// Gives a locked row this count.
pub(super) fn write(tx: &mut Tx<'_>, subject: &Subject, count: &Count) -> Result<(), DbError> {
    let written = sql("UPDATE throttles SET failures = $3, paused_until = $4, forgotten_at = $5
         WHERE subject = $1 AND key = $2")
    .bind::<Text, _>(subject.kind)
    .bind::<Bytea, _>(subject.key.clone())
    .bind::<Integer, _>(count.failures)
    .bind::<Nullable<Timestamptz>, _>(count.paused_until)
    .bind::<Timestamptz, _>(count.forgotten_at)
    .execute(&mut **tx)?;
    exactly(written, 1, "row of a throttle")
}

/// Forgets every failure of the subject.
pub(super) fn forget(tx: &mut Tx<'_>, subject: &Subject) -> Result<(), DbError> {
    sql("DELETE FROM throttles WHERE subject = $1 AND key = $2")
        .bind::<Text, _>(subject.kind)
        .bind::<Bytea, _>(subject.key.clone())
        .execute(&mut **tx)?;
    Ok(())
}

/// Takes one failure back, with the pause it began, unless the count has begun anew since.
pub(super) fn take_back(tx: &mut Tx<'_>, charged: &Charged) -> Result<(), DbError> {
    sql("UPDATE throttles SET failures = failures - 1, paused_until = NULL
         WHERE subject = $1 AND key = $2 AND forgotten_at = $3 AND failures > 0")
    .bind::<Text, _>(charged.subject.kind)
    .bind::<Bytea, _>(charged.subject.key.clone())
    .bind::<Timestamptz, _>(charged.forgotten_at)
    .execute(&mut **tx)?;
    Ok(())
}

/// Removes a few rows whose failures are forgotten, passing over those that somebody has locked.
pub(super) fn tidy(tx: &mut Tx<'_>, most: i32) -> Result<(), DbError> {
    sql("DELETE FROM throttles WHERE (subject, key) IN (
             SELECT subject, key FROM throttles WHERE forgotten_at <= clock_timestamp()
             LIMIT $1 FOR UPDATE SKIP LOCKED)")
    .bind::<Integer, _>(most)
    .execute(&mut **tx)?;
    Ok(())
}
