//! What is owed to the provider: captures and voids, one at a time per payment, each re-reading before it acts.

use super::provider::{IntentStatus, Provider, Unknown};
use super::settle::Outcome;
use super::state::PaymentStatus;
use super::{settle, store};
use crate::db::{Db, DbError};
use crate::kernel::ids::{HoldId, PaymentId};
use crate::outbox::events::{self, nothing_more};
use crate::outbox::jobs::{self, Job, JobKind};

/// Why a job is not done yet.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    #[error(transparent)]
    Unknown(#[from] Unknown),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("no such work: {0}")]
    NoSuchWork(JobKind),
}

/// Does the job, so that doing it again after a crash on any line changes nothing.
pub async fn run(db: &Db, provider: &Provider, job: &Job, confirm_window_s: i32) -> Result<(), JobError> {
    match job.kind {
        JobKind::Capture => capture(db, provider, job).await,
        JobKind::Void => void(db, provider, job, confirm_window_s).await,
        JobKind::GiveBack => Ok(give_back(db, job).await?),
        JobKind::Refund => Err(JobError::NoSuchWork(job.kind)),
    }
}

async fn capture(db: &Db, provider: &Provider, job: &Job) -> Result<(), JobError> {
    let (hotel_id, payment_id) = (job.hotel_id, PaymentId(job.subject_id));
    let payment = db.read(move |conn| store::get(conn, hotel_id, payment_id)).await?;
    if payment.status == PaymentStatus::CapturePending {
        let intent_id = payment.intent_id.ok_or_else(|| DbError::invariant("an authorised payment has its intent"))?;
        let amount = payment.capture_amount.unwrap_or(payment.amount);
        let outcome = match provider.capture(&intent_id, amount).await?.status {
            IntentStatus::Captured { amount } => Some(amount),
            _ => None,
        };
        db.write(move |tx| {
            if store::lock(tx, hotel_id, payment_id)? != PaymentStatus::CapturePending {
                return Ok::<_, DbError>(());
            }
            match outcome {
                Some(amount) => {
                    store::capture(tx, hotel_id, payment_id, PaymentStatus::CapturePending, amount)?;
                    events::emit(tx, hotel_id, "payment.captured", payment_id.0, nothing_more())
                }
                None => {
                    let (from, to) = (PaymentStatus::CapturePending, PaymentStatus::CaptureFailed);
                    tracing::error!(%payment_id, "the provider refuses the capture for good: staff must see to it");
                    store::step(tx, hotel_id, payment_id, from, to)?;
                    events::emit(tx, hotel_id, "payment.capture_failed", payment_id.0, nothing_more())
                }
            }
        })
        .await?;
    }
    done(db, job).await
}

async fn void(db: &Db, provider: &Provider, job: &Job, confirm_window_s: i32) -> Result<(), JobError> {
    let (hotel_id, payment_id) = (job.hotel_id, PaymentId(job.subject_id));
    let payment = db.read(move |conn| store::get(conn, hotel_id, payment_id)).await?;
    if payment.status == PaymentStatus::VoidPending {
        let intent_id = payment.intent_id.ok_or_else(|| DbError::invariant("an authorised payment has its intent"))?;
        let attempt_id = payment.attempt_id;
        let status = provider.void(&intent_id).await?.status;
        db.write(move |tx| {
            if let IntentStatus::Captured { amount } = status {
                tracing::error!(%payment_id, "a payment to be voided was captured: staff must see to it");
                let outcome = Outcome::Captured { amount };
                return settle::settle(tx, hotel_id, attempt_id, &outcome, confirm_window_s).map(|_| ());
            }
            if store::lock(tx, hotel_id, payment_id)? != PaymentStatus::VoidPending {
                return Ok::<_, DbError>(());
            }
            store::step(tx, hotel_id, payment_id, PaymentStatus::VoidPending, PaymentStatus::Voided)?;
            events::emit(tx, hotel_id, "payment.voided", payment_id.0, nothing_more())
        })
        .await?;
    }
    done(db, job).await
}

/// The hold ended without a booking: what is authorised for it is to be voided.
async fn give_back(db: &Db, job: &Job) -> Result<(), DbError> {
    let job = job.clone();
    db.write(move |tx| {
        for (payment_id, status) in store::lock_of_hold(tx, job.hotel_id, HoldId(job.subject_id))? {
            if status == PaymentStatus::Authorized {
                store::step(tx, job.hotel_id, payment_id, status, PaymentStatus::VoidPending)?;
                events::emit(tx, job.hotel_id, "payment.void_pending", payment_id.0, nothing_more())?;
                jobs::owe(tx, job.hotel_id, JobKind::Void, payment_id.0)?;
            }
        }
        jobs::done(tx, &job)
    })
    .await
}

async fn done(db: &Db, job: &Job) -> Result<(), JobError> {
    let job = job.clone();
    Ok(db.write(move |tx| jobs::done(tx, &job)).await?)
}
