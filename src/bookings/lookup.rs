//! Look a booking up: by its code and its guest's address, whoever made it.

use super::store;
use super::wire::BookingBody;
use crate::access::AccessError;
use crate::access::throttle::{Kind, Throttle};
use crate::db::Tx;

/// Who looks for which booking.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// In capitals.
    pub confirmation_code: String,
    pub email: String,
    /// Where the caller is.
    pub from: Option<String>,
}

/// The booking, if the two belong together. If they do not, that is a failure, which the throttle counts of the code
/// and of where the caller is: the transaction is to be committed either way.
///
/// Locks: the throttle's rows of the code and the place.
pub fn lookup(tx: &mut Tx<'_>, throttle: &Throttle, wanted: &Wanted) -> Result<Option<BookingBody>, AccessError> {
    let Wanted { confirmation_code, email, from } = wanted;
    let subjects = throttle.subjects(Kind::BookingCode, confirmation_code, from.as_deref());
    let attempt = throttle.admit_within(tx, &subjects)?;
    let booking = store::lookup(tx, confirmation_code, email)?;
    if booking.is_some() {
        attempt.succeeded(tx)?;
    }
    Ok(BookingBody::one(tx, booking)?)
}
