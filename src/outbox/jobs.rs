//! Work owed to the payment provider. A job is leased for a while; if the worker dies, it comes up again.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text, Uuid as SqlUuid};
use uuid::Uuid;

use crate::db::{DbError, Tx, clock_timestamp, in_seconds, sql};
use crate::kernel::clock::Instant;
use crate::kernel::ids::{HotelId, JobId};
use crate::schema::jobs;
use crate::text_enum;

/// Seconds that a worker has for one run of a job.
const LEASE_S: i32 = 30;
/// The longest pause between two tries, in seconds.
const MAX_PAUSE_S: i32 = 600;

text_enum! {
    /// What is owed.
    pub enum JobKind {
        /// Take a payment's authorised money.
        Capture = "capture",
        /// Give a payment's authorisation back.
        Void = "void",
        /// Give captured money back.
        Refund = "refund",
        /// Void what is authorised, and refund what was taken, for a hold that ended without a booking.
        GiveBack = "give_back",
    }
}

/// A job, leased to the caller.
#[derive(Clone, Debug, QueryableByName)]
pub struct Job {
    #[diesel(sql_type = SqlUuid)]
    pub hotel_id: HotelId,
    #[diesel(sql_type = SqlUuid)]
    pub job_id: JobId,
    #[diesel(sql_type = Text)]
    pub kind: JobKind,
    #[diesel(sql_type = SqlUuid)]
    pub subject_id: Uuid,
    #[diesel(sql_type = Integer)]
    pub tries: i32,
}

/// Owes `kind` for `subject_id`; owed already, nothing changes. Of the jobs of one lane, a payment's, one runs at a time.
pub fn owe(tx: &mut Tx<'_>, hotel_id: HotelId, kind: JobKind, subject_id: Uuid, lane: Uuid) -> Result<(), DbError> {
    diesel::insert_into(jobs::table)
        .values((
            jobs::hotel_id.eq(hotel_id),
            jobs::job_id.eq(JobId::new()),
            jobs::kind.eq(kind),
            jobs::subject_id.eq(subject_id),
            jobs::lane.eq(lane),
        ))
        .on_conflict_do_nothing()
        .execute(&mut **tx)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Due {
    #[diesel(sql_type = SqlUuid)]
    hotel_id: HotelId,
    #[diesel(sql_type = SqlUuid)]
    job_id: JobId,
    #[diesel(sql_type = SqlUuid)]
    lane: Uuid,
}

/// Leases the job that has waited longest, if one is due and nobody works in its lane. Workers pass over each other's.
///
/// Locks: the job, then all open jobs of its lane, passing over locked ones and so never waiting. If one of them is
/// locked elsewhere, another worker is about to lease it or has just done it: nothing is leased this time.
pub fn lease(tx: &mut Tx<'_>) -> Result<Option<Job>, DbError> {
    let due: Option<Due> = sql("SELECT j.hotel_id, j.job_id, j.lane FROM jobs j
         WHERE j.done_at IS NULL AND j.run_at <= clock_timestamp()
           AND NOT EXISTS (SELECT FROM jobs o
                           WHERE o.hotel_id = j.hotel_id AND o.lane = j.lane AND o.done_at IS NULL
                             AND (o.leased_until > clock_timestamp()
                                  OR o.run_at <= clock_timestamp() AND (o.run_at, o.job_id) < (j.run_at, j.job_id)))
         ORDER BY j.run_at LIMIT 1
         FOR UPDATE OF j SKIP LOCKED")
    .get_result(&mut **tx)
    .optional()?;
    let Some(due) = due else {
        return Ok(None);
    };
    Ok(sql("WITH free AS MATERIALIZED (
             SELECT leased_until FROM jobs WHERE hotel_id = $1 AND lane = $2 AND done_at IS NULL FOR UPDATE SKIP LOCKED
         )
         UPDATE jobs SET run_at = clock_timestamp() + $4 * interval '1 second', tries = tries + 1,
                         leased_until = clock_timestamp() + $4 * interval '1 second'
         WHERE hotel_id = $1 AND job_id = $3
           AND (SELECT count(*) FROM free)
               = (SELECT count(*) FROM jobs WHERE hotel_id = $1 AND lane = $2 AND done_at IS NULL)
           AND NOT EXISTS (SELECT FROM free WHERE leased_until > clock_timestamp())
         RETURNING hotel_id, job_id, kind, subject_id, tries")
    .bind::<SqlUuid, _>(due.hotel_id)
    .bind::<SqlUuid, _>(due.lane)
    .bind::<SqlUuid, _>(due.job_id)
    .bind::<Integer, _>(LEASE_S)
    .get_result(&mut **tx)
    .optional()?)
}

/// The job is done. Nothing changes if another worker has leased it since: each lease is another try.
pub fn done(tx: &mut Tx<'_>, job: &Job) -> Result<(), DbError> {
    diesel::update(jobs::table.find((job.hotel_id, job.job_id)))
        .filter(jobs::tries.eq(job.tries).and(jobs::done_at.is_null()))
        .set(jobs::done_at.eq(clock_timestamp().nullable()))
        .execute(&mut **tx)?;
    Ok(())
}

/// The job failed for now: again later, each time a little more so. Nothing changes if another worker has leased it since.
pub fn postpone(tx: &mut Tx<'_>, job: &Job, error: &str) -> Result<(), DbError> {
    let pause_s = job.tries.saturating_mul(job.tries).clamp(1, MAX_PAUSE_S);
    diesel::update(jobs::table.find((job.hotel_id, job.job_id)))
        .filter(jobs::tries.eq(job.tries).and(jobs::done_at.is_null()))
        .set((jobs::run_at.eq(in_seconds(pause_s)), jobs::leased_until.eq(None::<Instant>), jobs::last_error.eq(error)))
        .execute(&mut **tx)?;
    Ok(())
}

/// Removes up to `most` jobs that were done so many days ago; how many.
///
/// Locks: those rows, passing over locked ones.
pub fn reap(tx: &mut Tx<'_>, days: i32, most: i64) -> Result<usize, DbError> {
    Ok(sql("DELETE FROM jobs WHERE ctid = ANY(ARRAY(
             SELECT ctid FROM jobs WHERE done_at < (SELECT clock_timestamp()) - $1 * interval '1 day'
             LIMIT $2 FOR UPDATE SKIP LOCKED))")
    .bind::<Integer, _>(days)
    .bind::<BigInt, _>(most)
    .execute(&mut **tx)?)
}
