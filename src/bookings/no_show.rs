//! No-show: the day of arrival has come, and the guest has not.

use super::penalty::Cost;
use super::state::{BookingStatus, NoShowError};
use super::store::{self, BookingRow};
use super::wire::BookingBody;
use crate::access::guard::Caller;
use crate::audit::{self, Action, Resource, Subject};
use crate::db::Tx;
use crate::hotels::staff::{ManagedHotel, Refusal};
use crate::kernel::ids::{BookingId, HotelId};
use crate::payments::store as payments;
use crate::rates::policy;

/// Marks the booking; what its policy says from the last deadline on is the penalty, and is kept of what was paid. Its
/// nights stay sold.
///
/// The hotel's own day, by the database's clock, says whether the day of arrival has come.
///
/// Locks: the booking, then its payments by id.
pub fn no_show(
    tx: &mut Tx<'_>,
    by: &Caller,
    hotel_id: HotelId,
    booking_id: BookingId,
) -> Result<BookingRow, NoShowError> {
    ManagedHotel::find(tx, by.scope(), hotel_id).map_err(|refusal| match refusal {
        Refusal::Db(error) => NoShowError::Db(error),
        _ => NoShowError::NotFound,
    })?;
    let booking = store::lock(tx, hotel_id, booking_id)?.ok_or(NoShowError::NotFound)?;
    if booking.status != BookingStatus::Confirmed {
        return Err(NoShowError::Not(booking.status));
    }
    if store::today(tx, hotel_id)? < booking.check_in {
        return Err(NoShowError::TooEarly);
    }
    let rooms = store::rooms(tx, &[&booking])?;
    let cost = Cost::of(&rooms, policy::no_show)?;
    let payments = payments::lock_of_hold(tx, hotel_id, booking.hold_id)?;
    if let Some(payment) = payments.iter().find(|payment| payment.is_current) {
        cost.keep(tx, payment)?;
    }
    let before = BookingBody::one(tx, Some(booking.clone()))?;
    let marked = store::mark_no_show(tx, &booking, cost.penalty)?;
    let after = BookingBody::one(tx, Some(marked.clone()))?;
    let subject = Subject { hotel_id, resource: Resource::Booking, resource_id: Some(booking_id.0) };
    audit::record(tx, by, Action::NoShow, subject, before.as_ref(), after.as_ref())?;
    Ok(marked)
}
