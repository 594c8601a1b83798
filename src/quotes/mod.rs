//! Quotes: an offer frozen for one user for some minutes. A quote takes no stock; the hold that uses it does.

pub mod create;
pub mod http;
pub mod recheck;
pub mod store;

use crate::carries_db;
use crate::db::DbError;
use crate::rates::restrictions::Reason;
use crate::search::offer::Offer;

/// Why there is no quote.
#[derive(Debug, thiserror::Error)]
pub enum QuoteError {
    #[error("the offer is not one of ours")]
    OfferInvalid,
    #[error("the offer is too old")]
    OfferExpired,
    /// The hotel, room type or plan is gone.
    #[error("no such offer any more")]
    Gone,
    #[error("the offer is not on sale")]
    Unavailable { reasons: Vec<Reason> },
    #[error("the price is another now")]
    PriceChanged { current: Box<Offer> },
    #[error(transparent)]
    Db(#[from] DbError),
}
carries_db!(QuoteError);
