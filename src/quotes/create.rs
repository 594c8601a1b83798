//! Select a rate: an offer becomes a quote, if it still is what the caller was shown.

use chrono::Duration;

use super::QuoteError;
use super::store::{self, Quote};
use crate::db::{self, Tx};
use crate::kernel::ids::UserId;
use crate::kernel::secret::Keyring;
use crate::rates::store::priced_from;
use crate::search::offer;
use crate::search::token::OfferToken;

/// How long offers and quotes live, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    pub offer_ttl_s: i32,
    pub quote_ttl_s: i32,
}

/// Freezes the offer. Refuses one that is not ours, too old, not on sale any more, or priced otherwise now.
pub fn create(
    tx: &mut Tx<'_>,
    keys: &Keyring,
    user_id: UserId,
    offer_id: &str,
    lifetimes: Lifetimes,
) -> Result<Quote, QuoteError> {
    let token = OfferToken::open(keys, offer_id).map_err(|_| QuoteError::OfferInvalid)?;
    if db::now(tx)? >= token.at + Duration::seconds(i64::from(lifetimes.offer_ttl_s)) {
        return Err(QuoteError::OfferExpired);
    }
    let choice = token.choice;
    let versions = priced_from(tx, choice.hotel_id, choice.room_type_id, choice.rate_plan_id, choice.stay)?;
    let versions = versions.ok_or(QuoteError::Gone)?;
    let current = offer::one(tx, &choice)?.ok_or(QuoteError::Gone)?;
    let terms = match &current.terms {
        Some(terms) if current.reasons.is_empty() => terms.clone(),
        _ => return Err(QuoteError::Unavailable { reasons: current.reasons }),
    };
    if terms.price.total.saturating_mul(i64::from(choice.party.rooms)) != token.total {
        return Err(QuoteError::PriceChanged { current: Box::new(current) });
    }
    Ok(store::insert(tx, user_id, choice, terms, versions, lifetimes.quote_ttl_s)?)
}
