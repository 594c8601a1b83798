//! What is owed to the provider: captures, voids and refunds, one at a time a payment. Each reads where the payment
//! and its intent stand before it acts, and tells what came of it to [`settle`], which changes it only from there.

use std::time::Duration;

use diesel::PgConnection;

use super::evidence::contradiction;
use super::machine::{self, Outcome};
use super::provider::{Intent, IntentStatus, Provider, ProviderError, Unknown};
use super::refunds::end;
use super::refunds::owe::RefundReason;
use super::refunds::store::{self as refunds, RefundRow};
use super::settle::{carry_out, settle};
use super::state::{PaymentStatus, RefundStatus};
use super::store::{self, PaymentRow};
use crate::db::{Db, DbError, Tx};
use crate::kernel::ids::{HoldId, PaymentId, RefundId};
use crate::outbox::jobs::{self, Job, JobKind};

/// Why a job is not done yet.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    #[error(transparent)]
    Unknown(#[from] Unknown),
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// Staff have to look: see [`contradiction`].
    #[error("{0}")]
    Contradiction(String),
    #[error(transparent)]
    Db(#[from] DbError),
}

impl JobError {
    /// Whether trying again alone will not help.
    #[must_use]
    pub fn is_for_staff(&self) -> bool {
        matches!(self, Self::Contradiction(_) | Self::Provider(ProviderError::Refused { .. }))
    }
}

/// How long the provider has for one job.
const PATIENCE: Duration = Duration::from_secs(20);

/// Does the job, so that doing it again after a crash on any line changes nothing.
pub async fn run(db: &Db, provider: &Provider, job: &Job, confirm_window_s: i32) -> Result<(), JobError> {
    let work = async {
        match job.kind {
            JobKind::Capture => capture(db, provider, job, confirm_window_s).await,
            JobKind::Void => void(db, provider, job, confirm_window_s).await,
            JobKind::Refund => refund(db, provider, job).await,
            JobKind::GiveBack => Ok(give_back(db, job).await?),
        }
    };
    let late = |_| Err(Unknown("the provider did not answer in time".to_owned()).into());
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(late)
}

async fn capture(db: &Db, provider: &Provider, job: &Job, confirm_window_s: i32) -> Result<(), JobError> {
    let payment = payment(db, job).await?;
    if payment.status != PaymentStatus::CapturePending {
        return done(db, job).await;
    }
    let amount = payment.capture_amount.ok_or_else(|| DbError::invariant("payments_capture_has_amount"))?;
    let intent_id = intent_id(&payment)?;
    let mut intent = provider.read(&intent_id).await?;
    let mut is_refused = false;
    if intent.status == IntentStatus::Authorized {
        intent = match provider.capture(&intent_id, amount).await {
            Err(ProviderError::Refused { code }) => {
                tracing::warn!(code, payment_id = %payment.payment_id, "the provider refuses a capture");
                is_refused = true;
                provider.read(&intent_id).await?
            }
            captured => captured?,
        };
    }
    match intent.status {
        IntentStatus::Authorized if is_refused => {
            settled(db, job, &payment, Outcome::CaptureRefused, confirm_window_s).await
        }
        _ => tell(db, job, &payment, intent, confirm_window_s).await,
    }
}

async fn void(db: &Db, provider: &Provider, job: &Job, confirm_window_s: i32) -> Result<(), JobError> {
    let payment = payment(db, job).await?;
    if payment.status != PaymentStatus::VoidPending {
        return done(db, job).await;
    }
    let intent_id = intent_id(&payment)?;
    let mut intent = provider.read(&intent_id).await?;
    let is_open = matches!(
        intent.status,
        IntentStatus::Authorized | IntentStatus::RequiresConfirmation | IntentStatus::RequiresAction { .. }
    );
    if is_open {
        provider.void(&intent_id).await?;
        // The answer may be the one that was given to the same request before, whatever happened since.
        intent = provider.read(&intent_id).await?;
    }
    tell(db, job, &payment, intent, confirm_window_s).await
}

/// Settles what a capture or a void came to, and the job with it. What has not come to an end is tried again.
async fn tell(db: &Db, job: &Job, payment: &PaymentRow, intent: Intent, confirm_window_s: i32) -> Result<(), JobError> {
    if let Some(why) = contradiction(payment.money(), payment.status, &intent) {
        return Err(JobError::Contradiction(why));
    }
    let outcome = match intent.status {
        IntentStatus::Captured { amount } => Outcome::Captured { amount },
        IntentStatus::Voided | IntentStatus::Declined { .. } => Outcome::Gone,
        IntentStatus::Authorized
        | IntentStatus::RequiresConfirmation
        | IntentStatus::RequiresAction { .. }
        | IntentStatus::Processing => {
            return Err(Unknown(format!("the {} is not done yet", job.kind)).into());
        }
    };
    settled(db, job, payment, outcome, confirm_window_s).await
}

async fn settled(
    db: &Db,
    job: &Job,
    payment: &PaymentRow,
    outcome: Outcome,
    confirm_window_s: i32,
) -> Result<(), JobError> {
    let (job, attempt_id) = (job.clone(), payment.attempt_id);
    let settled = db.write(move |tx| {
        settle(tx, job.hotel_id, attempt_id, &outcome, confirm_window_s)?;
        jobs::done(tx, &job)
    });
    Ok(settled.await?)
}

async fn refund(db: &Db, provider: &Provider, job: &Job) -> Result<(), JobError> {
    let (hotel_id, refund_id) = (job.hotel_id, RefundId(job.subject_id));
    let read = move |conn: &mut PgConnection| {
        let refund = refunds::get(conn, hotel_id, refund_id)?;
        let payment = store::get(conn, hotel_id, refund.payment_id)?;
        Ok::<_, DbError>((refund, payment))
    };
    let (refund, payment) = db.read(read).await?;
    if refund.status != RefundStatus::Pending {
        return done(db, job).await;
    }
    let refused = give(provider, &payment, &refund).await?;
    let job = job.clone();
    let ended = move |tx: &mut Tx<'_>| {
        match &refused {
            None => end::made(tx, hotel_id, &refund)?,
            Some(code) => end::refused(tx, hotel_id, &refund, code)?,
        }
        jobs::done(tx, &job)
    };
    Ok(db.write(ended).await?)
}

/// Asks for a refund that was not made yet. Some: the provider refuses it for good, with this code.
///
/// The key alone would do as long as the provider knows it; a provider forgets its keys some day, but not its refunds.
async fn give(provider: &Provider, payment: &PaymentRow, refund: &RefundRow) -> Result<Option<String>, JobError> {
    let intent_id = intent_id(payment)?;
    if provider.refunds(&intent_id).await?.iter().any(|made| made.key == refund.provider_key) {
        return Ok(None);
    }
    match provider.refund(&intent_id, &refund.provider_key, refund.amount).await {
        Ok(()) => Ok(None),
        Err(ProviderError::Refused { code }) => Ok(Some(code)),
        Err(error) => Err(error.into()),
    }
}

/// The hold ended without a booking: what is authorised for it is to be voided, what was taken is to be refunded.
async fn give_back(db: &Db, job: &Job) -> Result<(), DbError> {
    let job = job.clone();
    db.write(move |tx| {
        for payment in store::lock_of_hold(tx, job.hotel_id, HoldId(job.subject_id))? {
            let verdict = machine::give_back(payment.status, payment.refundable());
            carry_out(tx, &payment, &verdict, RefundReason::NoBooking)?;
        }
        jobs::done(tx, &job)
    })
    .await
}

async fn payment(db: &Db, job: &Job) -> Result<PaymentRow, DbError> {
    let (hotel_id, payment_id) = (job.hotel_id, PaymentId(job.subject_id));
    db.read(move |conn| store::get(conn, hotel_id, payment_id)).await
}

fn intent_id(payment: &PaymentRow) -> Result<String, DbError> {
    payment.intent_id.clone().ok_or_else(|| DbError::invariant("a payment with a job has its intent"))
}

async fn done(db: &Db, job: &Job) -> Result<(), JobError> {
    let job = job.clone();
    Ok(db.write(move |tx| jobs::done(tx, &job)).await?)
}
