//! The payment provider as Lastroom sees it: intents under idempotency keys, as at Stripe and its like.

use std::sync::Arc;

use serde_json::Value;

use super::simulator::Simulator;
use crate::db::Db;
use crate::kernel::money::Money;

/// A payment method that the provider knows.
pub use super::simulator::KNOWN_METHODS;

/// Where an intent stands at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntentStatus {
    RequiresConfirmation,
    Authorized,
    Declined { code: String },
    Captured { amount: i64 },
    Voided,
}

/// An intent: the provider's record of one payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    pub intent_id: String,
    pub status: IntentStatus,
}

/// What is asked of a new intent.
#[derive(Clone, Debug)]
pub struct NewIntent {
    /// The same key yields the same intent, whatever else is said.
    pub key: String,
    pub amount: Money,
    pub payment_method: String,
    pub metadata: Value,
}

/// The provider did not answer, or not in a way that tells what happened: never to be taken for a refusal.
#[derive(Debug, thiserror::Error)]
#[error("the provider's answer is unknown: {0}")]
pub struct Unknown(pub String);

/// The provider. One exists, the simulator; a second becomes a second variant.
#[derive(Clone)]
pub enum Provider {
    Simulator(Arc<Simulator>),
}

impl Provider {
    /// The simulated provider, with its ledger in `db`.
    #[must_use]
    pub fn simulator(db: Db) -> Self {
        Self::Simulator(Arc::new(Simulator::new(db)))
    }

    /// Its name in the rows.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Simulator(_) => "simulator",
        }
    }

    /// Creates the intent, or finds the one created under the same key.
    pub async fn create(&self, new: NewIntent) -> Result<Intent, Unknown> {
        match self {
            Self::Simulator(simulator) => simulator.create(new).await,
        }
    }

    /// Asks for the authorisation. Confirmed before, it stays as it is.
    pub async fn confirm(&self, intent_id: &str) -> Result<Intent, Unknown> {
        match self {
            Self::Simulator(simulator) => simulator.confirm(intent_id).await,
        }
    }

    pub async fn read(&self, intent_id: &str) -> Result<Intent, Unknown> {
        match self {
            Self::Simulator(simulator) => simulator.read(intent_id).await,
        }
    }

    /// Takes `amount` minor units of what is authorised. Captured before, it stays as it is.
    pub async fn capture(&self, intent_id: &str, amount: i64) -> Result<Intent, Unknown> {
        match self {
            Self::Simulator(simulator) => simulator.capture(intent_id, amount).await,
        }
    }

    /// Gives `amount` minor units of what was captured back, once a key.
    pub async fn refund(&self, intent_id: &str, key: &str, amount: i64) -> Result<(), Unknown> {
        match self {
            Self::Simulator(simulator) => simulator.refund(intent_id, key, amount).await,
        }
    }

    /// Gives the authorisation back, or forgoes asking for it. Captured before, it stays as it is.
    pub async fn void(&self, intent_id: &str) -> Result<Intent, Unknown> {
        match self {
            Self::Simulator(simulator) => simulator.void(intent_id).await,
        }
    }
}
