//! No-show: the day of arrival has come, and the guest has not.

use chrono::NaiveDate;

use super::penalty::Cost;
use super::state::{BookingStatus, DeskError};
use super::store::{self, BookingRow};
use super::wire::BookingBody;
use crate::access::guard::Caller;
use crate::audit::{self, Action, Resource, Subject};
use crate::db::Tx;
use crate::hotels::staff::{ManagedHotel, Refusal};
use crate::kernel::ids::{BookingId, HotelId};
use crate::outbox::events::{self, nothing_more};
use crate::payments::store as payments;
use crate::rates::policy;

/// Marks the booking for staff, and writes that down.
///
/// The hotel's own day, by the database's clock, says whether the day of arrival has come.
///
/// Locks: the booking, then its payments by id.
pub fn no_show(
    tx: &mut Tx<'_>,
    by: &Caller,
    hotel_id: HotelId,
    booking_id: BookingId,
) -> Result<BookingRow, DeskError> {
    ManagedHotel::find(tx, by.scope(), hotel_id).map_err(|refusal| match refusal {
        Refusal::Db(error) => DeskError::Db(error),
        _ => DeskError::NotFound,
    })?;
    let booking = store::lock(tx, hotel_id, booking_id)?.ok_or(DeskError::NotFound)?;
    let before = BookingBody::one(tx, Some(booking.clone()))?;
    let today = store::today(tx, hotel_id)?;
    let marked = mark(tx, booking, today)?;
    let after = BookingBody::one(tx, Some(marked.clone()))?;
    let subject = Subject { hotel_id, resource: Resource::Booking, resource_id: Some(booking_id.0) };
    audit::record(tx, by, Action::NoShow, subject, before.as_ref(), after.as_ref())?;
    Ok(marked)
}

/// Marks the booking on a business day that the caller states, and tells of it.
///
/// Locks: the booking, then its payments by id.
pub fn no_show_on(
    tx: &mut Tx<'_>,
    hotel_id: HotelId,
    booking_id: BookingId,
    today: NaiveDate,
) -> Result<(), DeskError> {
    let booking = store::lock(tx, hotel_id, booking_id)?.ok_or(DeskError::NotFound)?;
    let marked = mark(tx, booking, today)?;
    Ok(events::emit(tx, hotel_id, "booking.no_show", marked.booking_id.0, nothing_more())?)
}

/// Marks a locked booking on a business day; what its policy says from the last deadline on is the penalty, and is kept
/// of what was paid. Its nights stay sold. The event is left to the caller.
///
/// Locks: its payments by id.
fn mark(tx: &mut Tx<'_>, booking: BookingRow, today: NaiveDate) -> Result<BookingRow, DeskError> {
    if booking.status != BookingStatus::Confirmed {
        return Err(DeskError::Not(booking.status));
    }
    if today < booking.check_in {
        return Err(DeskError::TooEarly);
    }
    let rooms = store::rooms(tx, &[&booking])?;
    let cost = Cost::of(&rooms, policy::no_show)?;
    let payments = payments::lock_of_hold(tx, booking.hotel_id, booking.hold_id)?;
    if let Some(payment) = payments.iter().find(|payment| payment.is_current) {
        cost.keep(tx, payment)?;
    }
    Ok(store::mark_no_show(tx, &booking, cost.penalty)?)
}
