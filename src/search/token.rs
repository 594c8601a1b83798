//! `offer_id`: a choice and its price, signed. Nothing is stored for an offer that nobody takes.

use serde::{Deserialize, Serialize};

use super::offer::Choice;
use crate::kernel::clock::Instant;
use crate::kernel::secret::{Keyring, Purpose, Tampered};

/// What an `offer_id` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferToken {
    pub choice: Choice,
    /// For all rooms, in minor units.
    pub total: i64,
    /// When it was priced.
    pub at: Instant,
}

impl OfferToken {
    /// The opaque text.
    pub fn seal(&self, keys: &Keyring) -> Result<String, serde_json::Error> {
        keys.seal(Purpose::Offer, self)
    }

    /// Reads one of ours.
    pub fn open(keys: &Keyring, text: &str) -> Result<Self, Tampered> {
        keys.open(Purpose::Offer, text)
    }
}
