//! Check-out: the guest has gone.

use super::state::{BookingStatus, DeskError};
use super::store;
use crate::db::Tx;
use crate::kernel::ids::{BookingId, HotelId};

/// Checks the booking out. Its nights stay sold, those after an early departure too.
///
/// Locks: the booking.
pub fn check_out(tx: &mut Tx<'_>, hotel_id: HotelId, booking_id: BookingId) -> Result<(), DeskError> {
    let booking = store::lock(tx, hotel_id, booking_id)?.ok_or(DeskError::NotFound)?;
    if booking.status != BookingStatus::CheckedIn {
        return Err(DeskError::Not(booking.status));
    }
    Ok(store::move_on(tx, &booking, BookingStatus::CheckedOut)?)
}
