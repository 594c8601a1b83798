//! Cancel: a booking ends before its stay, by the terms that were frozen with its quotes.

use super::penalty::Cost;
use super::state::{BookingStatus, CancelError};
use super::store::{self, BookingRow};
use crate::db::{Tx, now};
use crate::inventory::stock;
use crate::kernel::ids::{BookingId, UserId};
use crate::outbox::events::{self, nothing_more};
use crate::payments::store as payments;
use crate::rates::policy;

/// What a cancellation comes to, in minor units of the booking's currency.
#[derive(Clone, Debug)]
pub struct Cancellation {
    /// As it is afterwards.
    pub booking: BookingRow,
    pub penalty: i64,
    /// What goes back, or is never taken.
    pub refund: i64,
}

/// Cancels the booking; with `dry_run` only tells what that would cost.
///
/// The database's clock, read under the booking's lock, says which deadline has passed.
///
/// Locks: the booking, its payments by id, its nights in order. Stock, status and what is owed to the provider change
/// in one transaction. A capture that is on its way to the provider just now is told to keep less: what it takes too
/// much is refunded when it is settled.
pub fn cancel(
    tx: &mut Tx<'_>,
    user_id: UserId,
    booking_id: BookingId,
    dry_run: bool,
) -> Result<Cancellation, CancelError> {
    let booking = store::find(tx, user_id, booking_id)?.ok_or(CancelError::NotFound)?;
    let booking = store::lock(tx, booking.hotel_id, booking_id)?.ok_or(CancelError::NotFound)?;
    match booking.status {
        BookingStatus::Confirmed => {}
        BookingStatus::Cancelled => return Err(CancelError::Already),
        status => return Err(CancelError::NotCancellable(status)),
    }
    let rooms = store::rooms(tx, &[&booking])?;
    let now = now(tx)?;
    let cost = Cost::of(&rooms, |deadlines| policy::at(deadlines, now))?;
    let paid = payments::lock_of_hold(tx, booking.hotel_id, booking.hold_id)?;
    let paid = paid.into_iter().find(|payment| payment.is_current);
    let refund = paid.as_ref().map_or(0, |payment| cost.given_up(payment));
    if dry_run {
        return Ok(Cancellation { booking, penalty: cost.penalty, refund });
    }
    if let Some(payment) = &paid {
        cost.keep(tx, payment)?;
    }
    let nights = store::nights(tx, &booking)?;
    stock::lock(tx, booking.hotel_id, &nights)?.return_sold(tx)?;
    store::free_nights(tx, &booking)?;
    let booking = store::cancel(tx, &booking, cost.penalty, now)?;
    events::emit(tx, booking.hotel_id, "booking.cancelled", booking_id.0, nothing_more())?;
    Ok(Cancellation { booking, penalty: cost.penalty, refund })
}
