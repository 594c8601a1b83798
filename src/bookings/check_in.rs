//! Check-in: the guest has come.

use chrono::NaiveDate;

use super::state::{BookingStatus, DeskError};
use super::store;
use crate::db::Tx;
use crate::kernel::ids::{BookingId, HotelId};

/// Checks the booking in on a business day: that of arrival or a later one. The stock is left alone.
///
/// Locks: the booking.
pub fn check_in(tx: &mut Tx<'_>, hotel_id: HotelId, booking_id: BookingId, today: NaiveDate) -> Result<(), DeskError> {
    let booking = store::lock(tx, hotel_id, booking_id)?.ok_or(DeskError::NotFound)?;
    if booking.status != BookingStatus::Confirmed {
        return Err(DeskError::Not(booking.status));
    }
    if today < booking.check_in {
        return Err(DeskError::TooEarly);
    }
    Ok(store::move_on(tx, &booking, BookingStatus::CheckedIn)?)
}
