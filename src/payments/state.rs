//! States of payments and refunds, and why a payment is refused.

use crate::carries_db;
use crate::db::DbError;
use crate::holds::state::HoldError;
use crate::text_enum;

text_enum! {
    /// Where a payment is in its life.
    pub enum PaymentStatus {
        /// Recorded; the provider has not answered yet.
        Initiated = "initiated",
        /// The provider's answer is unknown.
        Processing = "processing",
        /// The guest has something to do at the provider's.
        RequiresAction = "requires_action",
        /// The money is reserved.
        Authorized = "authorized",
        /// Declined.
        Failed = "failed",
        /// Nobody waits for its outcome any more; if it comes, it is undone.
        Abandoned = "abandoned",
        /// The money is to be taken.
        CapturePending = "capture_pending",
        /// The money is taken.
        Captured = "captured",
        /// The provider refused for good to give the money.
        CaptureFailed = "capture_failed",
        /// The reservation is to be given back.
        VoidPending = "void_pending",
        /// The reservation is given back.
        Voided = "voided",
    }
}

impl PaymentStatus {
    /// Without an outcome yet.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Initiated | Self::Processing | Self::RequiresAction)
    }

    /// Every state that may follow; no other arrow exists. Uncaptured money that the provider proves captured is.
    #[must_use]
    pub fn successors(self) -> &'static [Self] {
        match self {
            Self::Initiated => &[
                Self::Processing,
                Self::RequiresAction,
                Self::Authorized,
                Self::Failed,
                Self::Abandoned,
                Self::Captured,
            ],
            Self::Processing | Self::RequiresAction => {
                &[Self::Authorized, Self::Failed, Self::Abandoned, Self::Captured]
            }
            Self::Authorized => &[Self::CapturePending, Self::VoidPending, Self::Captured],
            Self::CapturePending => &[Self::Captured, Self::CaptureFailed, Self::VoidPending],
            Self::Abandoned => &[Self::VoidPending, Self::Captured],
            Self::VoidPending => &[Self::Voided, Self::Captured],
            Self::Failed | Self::CaptureFailed | Self::Voided => &[Self::Captured],
            Self::Captured => &[],
        }
    }
}

text_enum! {
    /// Where a refund is in its life.
    pub enum RefundStatus {
        Pending = "pending",
        Succeeded = "succeeded",
        Failed = "failed",
    }
}

impl RefundStatus {
    /// Every state that may follow; no other arrow exists.
    #[must_use]
    pub fn successors(self) -> &'static [Self] {
        match self {
            Self::Pending => &[Self::Succeeded, Self::Failed],
            Self::Succeeded | Self::Failed => &[],
        }
    }
}

/// Why a payment is not begun.
#[derive(Debug, thiserror::Error)]
pub enum PaymentError {
    #[error(transparent)]
    Hold(HoldError),
    #[error("the hold is paid")]
    AlreadyPaid,
    #[error("nothing is due now")]
    NotRequired,
    #[error("{declined} payments of this hold were declined")]
    TooManyAttempts { declined: i64 },
    #[error(transparent)]
    Db(#[from] DbError),
}
carries_db!(PaymentError);

impl From<HoldError> for PaymentError {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::Db(error) => Self::Db(error),
            error => Self::Hold(error),
        }
    }
}
