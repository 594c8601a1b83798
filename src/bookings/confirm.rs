//! Confirm: a live hold, paid for, becomes a booking.

use super::paid::PaidFor;
use super::state::ConfirmError;
use super::store::{self, NewBooking};
use crate::db::Tx;
use crate::holds::live::LiveHold;
use crate::holds::state::{HoldError, HoldStatus};
use crate::holds::store as holds;
use crate::kernel::ids::{BookingId, HoldId, HotelId, UserId};
use crate::kernel::secret::random;
use crate::outbox::events::{self, nothing_more};
use crate::quotes::store as quotes;

/// Who stays.
#[derive(Clone, Debug)]
pub struct Guest {
    pub full_name: String,
    pub email: String,
    pub phone: Option<String>,
}

/// Makes the booking. Never refuses for stock: the hold has it.
///
/// Locks: the hold, its payments, its nights in order. Behind it stand `bookings_hold_key` and
/// `inventory_never_oversold`.
pub fn confirm(
    tx: &mut Tx<'_>,
    user_id: UserId,
    hold_id: HoldId,
    guest: Guest,
    special_requests: Option<String>,
) -> Result<BookingId, ConfirmError> {
    let hotel_id = holds::hotel_of(tx, user_id, hold_id)?.ok_or(HoldError::NotFound)?;
    confirm_in(tx, hotel_id, user_id, hold_id, guest, special_requests)
}

/// The same for whoever knows the hotel.
pub(super) fn confirm_in(
    tx: &mut Tx<'_>,
    hotel_id: HotelId,
    user_id: UserId,
    hold_id: HoldId,
    guest: Guest,
    special_requests: Option<String>,
) -> Result<BookingId, ConfirmError> {
    let hold = LiveHold::lock(tx, hotel_id, hold_id, user_id)?.live()?;
    if hold.row().status == HoldStatus::Paying {
        return Err(HoldError::PaymentInProgress.into());
    }
    let paid = PaidFor::of(tx, &hold)?.ok_or(ConfirmError::PaymentRequired)?;
    book(tx, hold, paid, guest, special_requests)
}

/// The rule as a signature: a booking takes a live hold and what it owes.
fn book<'t>(
    tx: &mut Tx<'t>,
    hold: LiveHold<'t>,
    paid: PaidFor<'t>,
    guest: Guest,
    special_requests: Option<String>,
) -> Result<BookingId, ConfirmError> {
    let row = hold.row().clone();
    let items = quotes::of_hold(tx, row.hotel_id, row.hold_id)?;
    let booking_id = BookingId::new();
    paid.capture(tx)?;
    let booking = NewBooking {
        booking_id,
        hold: &row,
        confirmation_code: confirmation_code(),
        guest,
        special_requests,
        items: &items,
    };
    store::insert(tx, booking)?;
    hold.convert(tx, booking_id)?;
    store::insert_nights(tx, row.hotel_id, booking_id)?;
    events::emit(tx, row.hotel_id, "booking.confirmed", booking_id.0, nothing_more())?;
    Ok(booking_id)
}

/// 50 random bits in Crockford's base 32: no letter is mistaken for another over the telephone.
fn confirmation_code() -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    random::<10>()
        .iter()
        .filter_map(|byte| ALPHABET.get(usize::from(byte % 32)))
        .map(|byte| char::from(*byte))
        .collect()
}
