//! A quote at the moment it is held: still on sale, still the same price?

use super::store::{self, Quote};
use crate::db::{DbError, Tx};
use crate::inventory::store as inventory;
use crate::kernel::ids::UserId;
use crate::rates::restrictions::Reason;
use crate::rates::store::priced_from;
use crate::search::offer;

/// What a second look found.
#[derive(Debug)]
pub enum Rechecked {
    /// The same price and policy.
    Same,
    /// A restriction now forbids the stay. Whether rooms are left is not asked here: the stock's locks tell.
    Unavailable { reasons: Vec<Reason> },
    /// Another price or policy: a new quote with them.
    Changed { current: Box<Quote> },
}

/// Looks again. While no version of what the price came from has changed and no night was closed, nothing is computed.
pub fn recheck(tx: &mut Tx<'_>, user_id: UserId, quote: &Quote, quote_ttl_s: i32) -> Result<Rechecked, DbError> {
    let choice = &quote.choice;
    let found = priced_from(tx, choice.hotel_id, choice.room_type_id, choice.rate_plan_id, choice.stay)?;
    let closed = Rechecked::Unavailable { reasons: vec![Reason::Closed] };
    let Some(versions) = found else {
        return Ok(closed);
    };
    // A closed night has no say in the price, and is told before anything about the price or the rooms left.
    if versions == quote.priced_from && !inventory::any_closed(tx, choice.hotel_id, choice.room_type_id, choice.stay)? {
        return Ok(Rechecked::Same);
    }
    let Some(current) = offer::one(tx, choice)? else {
        return Ok(closed);
    };
    let reasons: Vec<_> = current.reasons.into_iter().filter(|reason| *reason != Reason::SoldOut).collect();
    match current.terms {
        Some(terms) if reasons.is_empty() && terms == quote.terms => Ok(Rechecked::Same),
        Some(terms) if reasons.is_empty() => {
            let quote = store::insert(tx, user_id, choice.clone(), terms, versions, quote_ttl_s)?;
            Ok(Rechecked::Changed { current: Box::new(quote) })
        }
        _ => Ok(Rechecked::Unavailable { reasons }),
    }
}
