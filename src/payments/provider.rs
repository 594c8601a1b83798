//! The payment provider as Lastroom sees it: intents under idempotency keys, as at Stripe and its like.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

use super::simulator::requests::Request;
use super::simulator::{Simulator, work};
use crate::db::Db;
use crate::kernel::money::Money;
use crate::kernel::secret::Keyring;

/// A payment method that the provider knows.
pub use super::simulator::methods::KNOWN_METHODS;

/// Where an intent stands at the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentStatus {
    RequiresConfirmation,
    /// The guest has to answer their bank at this address first.
    RequiresAction {
        url: String,
    },
    /// Confirmed, and the provider itself does not know yet.
    Processing,
    Authorized,
    Declined {
        code: String,
    },
    Captured {
        amount: i64,
    },
    Voided,
}

/// An intent: the provider's record of one payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    pub intent_id: String,
    /// What it was created for, whatever is captured of it.
    pub amount: Money,
    pub status: IntentStatus,
}

/// What is asked of a new intent.
#[derive(Clone, Debug)]
pub struct NewIntent {
    /// The same key and terms yield the same intent.
    pub key: String,
    pub amount: Money,
    pub payment_method: String,
    pub metadata: Value,
}

/// Money that the provider has given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeRefund {
    /// What it was asked for under.
    pub key: String,
    /// Minor units.
    pub amount: i64,
}

/// The provider did not answer, or not in a way that tells what happened: never to be taken for a refusal.
#[derive(Debug, thiserror::Error)]
#[error("the provider's answer is unknown: {0}")]
pub struct Unknown(pub String);

/// Why a call yielded no intent.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    #[error(transparent)]
    Unknown(#[from] Unknown),
    /// The provider did nothing, and will not: asking again is no use.
    #[error("the provider refused: {code}")]
    Refused { code: String },
}

/// The provider. One exists, the simulator; a second becomes a second variant.
///
/// Each call that changes something goes under a key of its own, the same whenever it is repeated. A call that the
/// intent's state does not allow changes nothing, and yields the intent as it stands.
#[derive(Clone)]
pub enum Provider {
    Simulator(Simulator),
}

impl Provider {
    /// The simulated provider, with its ledger in `db`; `public_url` is where guests reach this server.
    #[must_use]
    pub fn simulator(db: Db, public_url: &str) -> Self {
        Self::Simulator(Simulator::new(db, public_url))
    }

    /// Lets it do what it does of its own accord, until told to stop; its webhooks go to this server at `own_url`.
    pub fn start(
        &self,
        keys: Arc<Keyring>,
        own_url: &str,
        stopped: watch::Receiver<bool>,
    ) -> Result<(), reqwest::Error> {
        match self {
            Self::Simulator(simulator) => work::start(simulator.clone(), keys, own_url, stopped),
        }
    }

    /// Its name in the rows.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Simulator(_) => "simulator",
        }
    }

    /// Creates the intent. Repeated, the answer is the first one's, whatever became of the intent since.
    pub async fn create(&self, new: NewIntent) -> Result<Intent, ProviderError> {
        let NewIntent { key, amount, payment_method, metadata } = new;
        self.ask(key, Request::Create { amount, payment_method, metadata }).await
    }

    /// Asks for the authorisation.
    pub async fn confirm(&self, intent_id: &str) -> Result<Intent, ProviderError> {
        self.ask(format!("lastroom:{intent_id}:confirm"), Request::Confirm { intent_id: intent_id.to_owned() }).await
    }

    /// Takes `amount` minor units of what is authorised.
    pub async fn capture(&self, intent_id: &str, amount: i64) -> Result<Intent, ProviderError> {
        // With the amount: a cancellation may ask for less after an attempt for all whose answer is unknown.
        let key = format!("lastroom:{intent_id}:capture:{amount}");
        self.ask(key, Request::Capture { intent_id: intent_id.to_owned(), amount }).await
    }

    /// Gives the authorisation back, or forgoes asking for it.
    pub async fn void(&self, intent_id: &str) -> Result<Intent, ProviderError> {
        self.ask(format!("lastroom:{intent_id}:void"), Request::Void { intent_id: intent_id.to_owned() }).await
    }

    /// Gives `amount` minor units of what was captured back, once a key.
    pub async fn refund(&self, intent_id: &str, key: &str, amount: i64) -> Result<(), ProviderError> {
        let request = Request::Refund { intent_id: intent_id.to_owned(), amount };
        self.ask(key.to_owned(), request).await.map(|_| ())
    }

    /// The intent as it stands.
    pub async fn read(&self, intent_id: &str) -> Result<Intent, ProviderError> {
        match self {
            Self::Simulator(simulator) => simulator.read(intent_id).await,
        }
    }

    /// The refunds of the intent that were made.
    pub async fn refunds(&self, intent_id: &str) -> Result<Vec<MadeRefund>, ProviderError> {
        match self {
            Self::Simulator(simulator) => simulator.refunds(intent_id).await,
        }
    }

    async fn ask(&self, key: String, request: Request) -> Result<Intent, ProviderError> {
        match self {
            Self::Simulator(simulator) => simulator.perform(key, request).await,
        }
    }
}
