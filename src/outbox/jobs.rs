//! Work owed to the payment provider. A job is leased by pushing its time out; if the worker dies, it comes up again.

use diesel::prelude::*;
use diesel::sql_types::{Integer, Text, Uuid as SqlUuid};
use uuid::Uuid;

use crate::db::{DbError, Tx, clock_timestamp, in_seconds, sql};
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
        /// Void whatever is authorised for a hold that ended without a booking.
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

/// Owes `kind` for `subject_id`; owed already, nothing changes.
pub fn owe(tx: &mut Tx<'_>, hotel_id: HotelId, kind: JobKind, subject_id: Uuid) -> Result<(), DbError> {
    diesel::insert_into(jobs::table)
        .values((
            jobs::hotel_id.eq(hotel_id),
            jobs::job_id.eq(JobId::new()),
            jobs::kind.eq(kind),
            jobs::subject_id.eq(subject_id),
        ))
        .on_conflict_do_nothing()
        .execute(&mut **tx)?;
    Ok(())
}

/// Leases the job that has waited longest, if one is due. Workers pass over each other's.
pub fn lease(tx: &mut Tx<'_>) -> Result<Option<Job>, DbError> {
    Ok(sql("UPDATE jobs j SET run_at = clock_timestamp() + $1 * interval '1 second', tries = j.tries + 1
         FROM (SELECT hotel_id, job_id FROM jobs
               WHERE done_at IS NULL AND run_at <= clock_timestamp()
               ORDER BY run_at LIMIT 1 FOR UPDATE SKIP LOCKED) due
         WHERE j.hotel_id = due.hotel_id AND j.job_id = due.job_id
         RETURNING j.hotel_id, j.job_id, j.kind, j.subject_id, j.tries")
    .bind::<Integer, _>(LEASE_S)
    .get_result(&mut **tx)
    .optional()?)
}

/// The job is done.
pub fn done(tx: &mut Tx<'_>, job: &Job) -> Result<(), DbError> {
    diesel::update(jobs::table.find((job.hotel_id, job.job_id)))
        .set(jobs::done_at.eq(clock_timestamp().nullable()))
        .execute(&mut **tx)?;
    Ok(())
}

/// The job failed for now: again later, each time a little more so.
pub fn postpone(tx: &mut Tx<'_>, job: &Job, error: &str) -> Result<(), DbError> {
    let pause_s = job.tries.saturating_mul(job.tries).clamp(1, MAX_PAUSE_S);
    diesel::update(jobs::table.find((job.hotel_id, job.job_id)))
        .set((jobs::run_at.eq(in_seconds(pause_s)), jobs::last_error.eq(error)))
        .execute(&mut **tx)?;
    Ok(())
}
