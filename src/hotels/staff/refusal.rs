//! Why something that staff ask for is not done.

use chrono::NaiveDate;

use crate::access::guard::Barred;
use crate::carries_db;
use crate::db::DbError;
use crate::kernel::ids::RatePlanId;
use crate::kernel::version::Mismatch;

/// A refusal of staff's work on the catalogue.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Not there, or in a hotel that the caller may not reach.
    #[error("there is no such thing")]
    NotFound,
    #[error(transparent)]
    Version(#[from] Mismatch),
    /// A value that is wrong only together with what is stored.
    #[error("{field}: {message}")]
    Invalid { field: String, message: String },
    /// Amounts were given in the currency that is to change.
    #[error("amounts are in the hotel's currency")]
    CurrencyInUse,
    /// Guests are to stay, or are about to book.
    #[error("{bookings} bookings and {holds} holds are ahead")]
    HasFutureBookings { bookings: i64, holds: i64 },
    /// Fewer rooms would be left on the night than are sold and held.
    #[error("more is sold or held on {first_night} than would be left")]
    BelowCommitments { first_night: NaiveDate },
    /// Another room of the hotel has the number.
    #[error("another room has this number")]
    NumberTaken,
    /// Guests are to have the room.
    #[error("the room is given to guests for {nights} nights")]
    RoomAssigned { nights: i64 },
    /// Other plans derive from the plan, and need it, or what it sells.
    #[error("other plans derive from it")]
    PlanInUse { derived_plans: Vec<RatePlanId> },
    /// The plan that this one derives from is deleted, or does not sell what this one sells.
    #[error("the base plan is not available")]
    BasePlanUnavailable,
    /// Nobody would be left who may change users and roles.
    #[error("nobody would be left to administer")]
    LastAdmin,
    /// What the caller might do has changed since the request began.
    #[error(transparent)]
    Barred(Barred),
    #[error(transparent)]
    Db(#[from] DbError),
}
carries_db!(Refusal);

impl From<Barred> for Refusal {
    fn from(barred: Barred) -> Self {
        match barred {
            Barred::Db(error) => Self::Db(error),
            barred => Self::Barred(barred),
        }
    }
}

impl Refusal {
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), message: message.into() }
    }
}
