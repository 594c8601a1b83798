//! Keys: the generations of key pairs that sign access tokens, and how one follows another without a token refused.

pub mod store;

use serde_json::json;

pub use store::Generation;

use super::AccessError;
use super::tokens::{AccessTokens, Shown};
use crate::audit::{self, Action, Actor, Resource};
use crate::db::{Db, Tx};

/// How long others may keep the public keys before they read them again, in seconds. Whoever verifies by a copy that old
/// knows every key that signs, if none signs sooner after it was published.
pub const CACHED_S: u16 = 60;
/// How long a key verifies after the next one signs, in seconds: its last tokens' 15 minutes, and a minute for clocks.
const AFTERLIFE_S: i32 = 960;

/// What becomes of the keys of before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// They verify the tokens that they have signed to their end.
    Fade,
    /// They verify nothing from now on, and the new one signs at once: one of them is in wrong hands.
    Stop,
}

/// Adds a key, which signs in `lead_s` seconds; all that are good still then. In fewer than [`CACHED_S`] others than our
/// servers may not know it yet.
///
/// Locks: the newest generation, so that of two rotations at once one is refused. Behind it stands
/// `token_keys_one_lasting`.
pub async fn rotate(db: &Db, lead_s: i32, before: Before) -> Result<Vec<Generation>, AccessError> {
    db.write(move |tx| follow(tx, lead_s, before)).await
}

fn follow(tx: &mut Tx<'_>, lead_s: i32, before: Before) -> Result<Vec<Generation>, AccessError> {
    let newest = store::lock_newest(tx)?.ok_or(AccessError::RotatedElsewhere)?;
    let lead_s = match before {
        Before::Fade => {
            store::retire_newest(tx, lead_s.saturating_add(AFTERLIFE_S))?;
            lead_s
        }
        Before::Stop => {
            store::retire_all(tx)?;
            0
        }
    };
    let generation = newest.saturating_add(1);
    store::insert(tx, generation, lead_s)?;
    let details = json!({ "generation": generation, "lead_s": lead_s, "leaked": before == Before::Stop });
    audit::note(tx, Actor::Operator, Action::Created, Resource::TokenKey, None, details)?;
    Ok(store::good(tx)?)
}

/// The generations that verify.
pub async fn good(db: &Db) -> Result<Vec<i32>, AccessError> {
    let good = db.read(store::good).await?;
    Ok(good.iter().map(|key| key.generation).collect())
}

/// What a token is worth. If it names a key that this process does not know, the keys are read again: another process
/// may have rotated them a moment ago.
pub async fn verify(db: &Db, tokens: &AccessTokens, token: &str) -> Result<Shown, AccessError> {
    match tokens.verify(token) {
        Shown::UnknownKey => {
            tokens.learn(&good(db).await?)?;
            Ok(tokens.verify(token))
        }
        shown => Ok(shown),
    }
}
