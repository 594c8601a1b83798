//! The conversation with the provider, outside of any transaction. Every step can be repeated: the same provider key
//! finds the same intent.

use std::time::Duration;

use serde_json::json;

use super::evidence::contradiction;
use super::machine::Outcome;
use super::provider::{Intent, IntentStatus, NewIntent, Provider, ProviderError, Unknown};
use super::store::{self, PaymentRow};
use crate::db::{Db, DbError};

/// How long the provider has in all, in one go.
const PATIENCE: Duration = Duration::from_secs(20);

/// Asks for the money while the hold waits for it; after that only finds out what became of the attempt.
pub async fn ask(db: &Db, provider: &Provider, payment: &PaymentRow) -> Result<Outcome, DbError> {
    if payment.is_awaited { authorize(db, provider, payment).await } else { surface(db, provider, payment).await }
}

/// Creates the intent, stores its id and asks for the authorisation. Whatever cannot be told is unknown, never failed.
async fn authorize(db: &Db, provider: &Provider, payment: &PaymentRow) -> Result<Outcome, DbError> {
    let asked = async {
        let intent = intent(provider, payment).await?;
        if !stored(db, payment, &intent).await? {
            return Ok(Outcome::Unknown);
        }
        let intent = match intent.status {
            IntentStatus::RequiresConfirmation => provider.confirm(&intent.intent_id).await?,
            _ => intent,
        };
        if let IntentStatus::RequiresAction { url } = &intent.status {
            keep_action(db, payment, url).await?;
        }
        Ok(sound(payment, intent))
    };
    known(tokio::time::timeout(PATIENCE, asked).await)
}

/// Finds out what became of an attempt whose hold has ended, without asking for money any more.
async fn surface(db: &Db, provider: &Provider, payment: &PaymentRow) -> Result<Outcome, DbError> {
    let asked = async {
        let intent = intent(provider, payment).await?;
        if !stored(db, payment, &intent).await? {
            return Ok(Outcome::Unknown);
        }
        match intent.status {
            IntentStatus::RequiresConfirmation | IntentStatus::RequiresAction { .. } => {
                Ok(sound(payment, provider.void(&intent.intent_id).await.map_err(open_still)?))
            }
            _ => Ok(sound(payment, intent)),
        }
    };
    known(tokio::time::timeout(PATIENCE, asked).await)
}

enum Broken {
    Provider(ProviderError),
    Db(DbError),
}

impl From<ProviderError> for Broken {
    fn from(error: ProviderError) -> Self {
        Self::Provider(error)
    }
}

impl From<DbError> for Broken {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

/// The payment's intent: read where its id is known, for a provider replays the answer of a creation as it was then,
/// and forgets its keys some day; else created.
async fn intent(provider: &Provider, payment: &PaymentRow) -> Result<Intent, ProviderError> {
    if let Some(intent_id) = &payment.intent_id {
        return provider.read(intent_id).await.map_err(open_still);
    }
    let metadata =
        json!({ "hotel_id": payment.hotel_id, "payment_id": payment.payment_id, "hold_id": payment.hold_id });
    let new = NewIntent {
        key: payment.provider_key.clone(),
        amount: payment.money(),
        payment_method: payment.payment_method.clone(),
        metadata,
    };
    provider.create(new).await
}

/// Only a refusal to create or to confirm says that no money will come of an attempt.
fn open_still(error: ProviderError) -> ProviderError {
    match error {
        ProviderError::Refused { code } => {
            tracing::error!(code, "the provider does not know an intent of its own: staff must see to it");
            Unknown(format!("the provider refused: {code}")).into()
        }
        unknown @ ProviderError::Unknown(_) => unknown,
    }
}

/// Whether the intent's id could be stored: not if somebody else has taken the attempt over.
async fn stored(db: &Db, payment: &PaymentRow, intent: &Intent) -> Result<bool, DbError> {
    let (hotel_id, attempt_id, epoch) = (payment.hotel_id, payment.attempt_id, payment.epoch);
    let intent_id = intent.intent_id.clone();
    db.write(move |tx| store::store_intent(tx, hotel_id, attempt_id, epoch, &intent_id)).await
}

/// Keeps where the guest is to go, before it is settled that they have to.
async fn keep_action(db: &Db, payment: &PaymentRow, url: &str) -> Result<(), DbError> {
    let (hotel_id, attempt_id, url) = (payment.hotel_id, payment.attempt_id, url.to_owned());
    db.write(move |tx| store::note_action(tx, hotel_id, attempt_id, &url)).await
}

/// What an intent says of its attempt, if that can be true: what cannot is as good as nothing.
fn sound(payment: &PaymentRow, intent: Intent) -> Outcome {
    match contradiction(payment.money(), payment.status, &intent) {
        None => outcome(intent),
        Some(why) => {
            tracing::error!(payment_id = %payment.payment_id, why, "the provider contradicts a payment: staff must see to it");
            Outcome::Unknown
        }
    }
}

/// What an intent says of its attempt.
pub(super) fn outcome(intent: Intent) -> Outcome {
    match intent.status {
        IntentStatus::RequiresAction { .. } => Outcome::RequiresAction,
        IntentStatus::Authorized => Outcome::Authorized,
        IntentStatus::Declined { code } => Outcome::Declined { code },
        IntentStatus::Captured { amount } => Outcome::Captured { amount },
        IntentStatus::Voided => Outcome::Gone,
        IntentStatus::RequiresConfirmation | IntentStatus::Processing => Outcome::Unknown,
    }
}

fn known(asked: Result<Result<Outcome, Broken>, tokio::time::error::Elapsed>) -> Result<Outcome, DbError> {
    match asked {
        Ok(Ok(outcome)) => Ok(outcome),
        Ok(Err(Broken::Db(error))) => Err(error),
        Ok(Err(Broken::Provider(ProviderError::Unknown(unknown)))) => {
            tracing::warn!(%unknown, "a payment goes on in the background");
            Ok(Outcome::Unknown)
        }
        // Nothing was done for this attempt, and nothing will be.
        Ok(Err(Broken::Provider(ProviderError::Refused { code }))) => {
            tracing::error!(code, "the provider refuses a payment for good");
            Ok(Outcome::Declined { code })
        }
        Err(_) => {
            tracing::warn!("the provider did not answer in time; the payment goes on in the background");
            Ok(Outcome::Unknown)
        }
    }
}
