//! What is owed to the provider: captures, voids and refunds. Each reads where the payment stands before it acts, and
//! changes it only from there.

use std::time::Duration;

use diesel::PgConnection;

use super::provider::{IntentStatus, Provider, Unknown};
use super::settle::Outcome;
use super::state::{PaymentStatus, RefundStatus};
use super::{settle, store};
use crate::db::{Db, DbError, Tx};
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
}

/// How long the provider has for one job.
const PATIENCE: Duration = Duration::from_secs(20);

/// Does the job, so that doing it again after a crash on any line changes nothing.
pub async fn run(db: &Db, provider: &Provider, job: &Job, confirm_window_s: i32) -> Result<(), JobError> {
    let work = async {
        match job.kind {
            JobKind::Capture => capture(db, provider, job).await,
            JobKind::Void => void(db, provider, job, confirm_window_s).await,
            JobKind::Refund => refund(db, provider, job).await,
            JobKind::GiveBack => Ok(give_back(db, job).await?),
        }
    };
    let late = |_| Err(Unknown("the provider did not answer in time".to_owned()).into());
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(late)
}

async fn capture(db: &Db, provider: &Provider, job: &Job) -> Result<(), JobError> {
    let (hotel_id, payment_id) = (job.hotel_id, PaymentId(job.subject_id));
    let payment = db.read(move |conn| store::get(conn, hotel_id, payment_id)).await?;
    if payment.status == PaymentStatus::CapturePending {
        let intent_id = payment.intent_id.ok_or_else(|| DbError::invariant("an authorised payment has its intent"))?;
        let amount = payment.capture_amount.unwrap_or(payment.amount);
        let outcome = match provider.capture(&intent_id, amount).await?.status {
            IntentStatus::Captured { amount } => Some(amount),
            IntentStatus::Voided | IntentStatus::Declined { .. } => None,
            IntentStatus::Authorized | IntentStatus::RequiresConfirmation => {
                return Err(Unknown("the capture is not done yet".to_owned()).into());
            }
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
        if matches!(status, IntentStatus::Authorized | IntentStatus::RequiresConfirmation) {
            return Err(Unknown("the void is not done yet".to_owned()).into());
        }
        db.write(move |tx| {
            if let IntentStatus::Captured { amount } = status {
                tracing::warn!(%payment_id, "a payment to be voided was captured; it is refunded");
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

async fn refund(db: &Db, provider: &Provider, job: &Job) -> Result<(), JobError> {
    let (hotel_id, refund_id) = (job.hotel_id, job.subject_id);
    let read = move |conn: &mut PgConnection| {
        let refund = store::refund(conn, hotel_id, refund_id)?;
        let payment = store::get(conn, hotel_id, refund.payment_id)?;
        Ok::<_, DbError>((refund, payment))
    };
    let (refund, payment) = db.read(read).await?;
    if refund.status == RefundStatus::Pending {
        let intent_id = payment.intent_id.ok_or_else(|| DbError::invariant("a captured payment has its intent"))?;
        provider.refund(&intent_id, &refund.provider_key, refund.amount).await?;
        let succeeded = move |tx: &mut Tx<'_>| {
            if store::refund_succeeded(tx, hotel_id, refund_id)? {
                events::emit(tx, hotel_id, "refund.succeeded", refund_id, nothing_more())?;
            }
            Ok::<_, DbError>(())
        };
        db.write(succeeded).await?;
    }
    done(db, job).await
}

/// The hold ended without a booking: what is authorised for it is to be voided, what was taken is to be refunded.
async fn give_back(db: &Db, job: &Job) -> Result<(), DbError> {
    let job = job.clone();
    db.write(move |tx| {
        let hotel_id = job.hotel_id;
        for payment in store::lock_of_hold(tx, hotel_id, HoldId(job.subject_id))? {
            let payment_id = payment.payment_id;
            match payment.status {
                PaymentStatus::Authorized => {
                    store::step(tx, hotel_id, payment_id, payment.status, PaymentStatus::VoidPending)?;
                    events::emit(tx, hotel_id, "payment.void_pending", payment_id.0, nothing_more())?;
                    jobs::owe(tx, hotel_id, JobKind::Void, payment_id.0)?;
                }
                PaymentStatus::Captured if payment.counts => {
                    let amount = store::get(tx, hotel_id, payment_id)?.captured_amount;
                    settle::owe_refund(tx, hotel_id, payment_id, amount)?;
                }
                _ => {}
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
