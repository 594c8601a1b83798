//! States of a booking, and why there is none.

use crate::carries_db;
use crate::db::DbError;
use crate::holds::state::HoldError;
use crate::text_enum;

text_enum! {
    /// Where a booking is in its life.
    pub enum BookingStatus {
        Confirmed = "confirmed",
        Cancelled = "cancelled",
        CheckedIn = "checked_in",
        CheckedOut = "checked_out",
        NoShow = "no_show",
    }
}

impl BookingStatus {
    /// Every state that may follow, staff's audited undos included; no other arrow exists.
    #[must_use]
    pub fn successors(self) -> &'static [Self] {
        match self {
            Self::Confirmed => &[Self::Cancelled, Self::CheckedIn, Self::NoShow],
            Self::CheckedIn => &[Self::CheckedOut, Self::Confirmed],
            Self::CheckedOut => &[Self::CheckedIn],
            Self::NoShow => &[Self::Confirmed],
            Self::Cancelled => &[],
        }
    }
}

/// Why a hold does not become a booking.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmError {
    #[error(transparent)]
    Hold(HoldError),
    #[error("the hold must be paid first")]
    PaymentRequired,
    #[error(transparent)]
    Db(#[from] DbError),
}
carries_db!(ConfirmError);

impl From<HoldError> for ConfirmError {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::Db(error) => Self::Db(error),
            error => Self::Hold(error),
        }
    }
}

/// Why a booking is not cancelled.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    #[error("no such booking of yours")]
    NotFound,
    #[error("the booking is cancelled")]
    Already,
    #[error("the booking is {0}")]
    NotCancellable(BookingStatus),
    #[error(transparent)]
    Db(#[from] DbError),
}
carries_db!(CancelError);

/// Why the front desk does not move a booking on.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    #[error("no such booking within reach")]
    NotFound,
    #[error("the day of arrival has not come")]
    TooEarly,
    #[error("the booking is {0}")]
    Not(BookingStatus),
    #[error(transparent)]
    Db(#[from] DbError),
}
carries_db!(DeskError);
