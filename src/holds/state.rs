//! States of a hold, and why one is refused.

use chrono::NaiveDate;

use crate::carries_db;
use crate::db::DbError;
use crate::kernel::ids::BookingId;
use crate::kernel::version::Mismatch;
use crate::rates::restrictions::Reason;
use crate::text_enum;

text_enum! {
    /// Where a hold is in its life.
    pub enum HoldStatus {
        /// Its rooms are off sale until `expires_at`.
        Active = "active",
        /// A payment is under way.
        Paying = "paying",
        /// Given back by its guest.
        Released = "released",
        /// Its time ran out.
        Expired = "expired",
        /// It has become a booking.
        Converted = "converted",
    }
}

impl HoldStatus {
    /// Every state that may follow; no other arrow exists.
    #[must_use]
    pub fn successors(self) -> &'static [Self] {
        match self {
            Self::Active => &[Self::Paying, Self::Released, Self::Expired, Self::Converted],
            Self::Paying => &[Self::Active, Self::Expired],
            Self::Released => &[],
            Self::Expired => &[],
            Self::Converted => &[],
        }
    }
}

/// Why a hold is not placed, or not what it was.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    #[error("no such quote or hold of yours")]
    NotFound,
    #[error("quotes of several hotels")]
    SeveralHotels,
    #[error("too many live holds")]
    Limit { limit: i64 },
    #[error("quote {item} has expired")]
    QuoteExpired { item: usize },
    #[error("quote {item} was used")]
    QuoteUsed { item: usize },
    #[error("item {item} is not on sale")]
    Unavailable { item: usize, reasons: Vec<Reason> },
    #[error("item {item} is sold out on {first_night}")]
    SoldOut { item: usize, first_night: NaiveDate },
    #[error("the hold has expired")]
    Expired,
    #[error("the hold was released")]
    Released,
    #[error("the hold has become booking {0}")]
    Converted(BookingId),
    #[error("a payment is under way")]
    PaymentInProgress,
    #[error("the hold was extended before")]
    AlreadyExtended,
    #[error(transparent)]
    Version(#[from] Mismatch),
    #[error(transparent)]
    Db(#[from] DbError),
}
carries_db!(HoldError);
