//! Cancel: a booking ends before its stay, by the terms that were frozen with its quotes.

use super::state::{BookingStatus, CancelError};
use super::store::{self, BookedRoom, BookingRow};
use crate::db::{DbError, Tx, now};
use crate::inventory::stock;
use crate::kernel::clock::Instant;
use crate::kernel::ids::{BookingId, UserId};
use crate::outbox::events::{self, nothing_more};
use crate::payments::machine;
use crate::payments::refunds::owe::Reason;
use crate::payments::settle::carry_out;
use crate::payments::state::PaymentStatus;
use crate::payments::store::{self as payments, PaymentRow};
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

/// What the terms say at one moment, all rooms together, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cost {
    penalty: i64,
    /// What of the money due when booking stays with the hotel.
    keep: i64,
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
    let booking = store::lock(tx, booking.hotel_id, booking_id)?;
    match booking.status {
        BookingStatus::Confirmed => {}
        BookingStatus::Cancelled => return Err(CancelError::Already),
        status => return Err(CancelError::NotCancellable(status)),
    }
    let rooms = store::rooms(tx, &[&booking])?;
    let cost = cost(rooms.iter().map(|(_, room)| room), now(tx)?)?;
    let paid = payments::lock_of_hold(tx, booking.hotel_id, booking.hold_id)?;
    let refund = paid.iter().map(|payment| given_up(payment, cost.keep)).sum();
    if dry_run {
        return Ok(Cancellation { booking, penalty: cost.penalty, refund });
    }
    for payment in &paid {
        keep(tx, payment, cost.keep)?;
    }
    let nights = store::nights(tx, &booking)?;
    stock::lock(tx, booking.hotel_id, &nights)?.return_sold(tx)?;
    store::free_nights(tx, &booking)?;
    let booking = store::cancel(tx, &booking, cost.penalty)?;
    events::emit(tx, booking.hotel_id, "booking.cancelled", booking_id.0, nothing_more())?;
    Ok(Cancellation { booking, penalty: cost.penalty, refund })
}

fn cost<'r>(rooms: impl Iterator<Item = &'r BookedRoom>, now: Instant) -> Result<Cost, DbError> {
    rooms.into_iter().try_fold(Cost { penalty: 0, keep: 0 }, |sum, room| {
        let deadline = policy::at(&room.terms.cancellation, now)
            .ok_or_else(|| DbError::invariant("the last entry of a policy has no deadline"))?;
        Ok(Cost {
            penalty: sum.penalty.saturating_add(deadline.penalty),
            keep: sum.keep.saturating_add(room.terms.price.due_now - deadline.refund),
        })
    })
}

/// What of a payment its guest gets back or never pays, if `keep` is kept.
fn given_up(payment: &PaymentRow, keep: i64) -> i64 {
    match payment.status {
        PaymentStatus::CapturePending => payment.amount - keep,
        PaymentStatus::Captured => (payment.refundable() - keep).max(0),
        _ => 0,
    }
}

/// Of a locked payment, `keep` minor units may stay. A capture that failed is told too: evidence may come late.
fn keep(tx: &mut Tx<'_>, payment: &PaymentRow, keep: i64) -> Result<(), DbError> {
    let verdict = machine::cancel(payment.status, payment.refundable(), keep);
    carry_out(tx, payment, &verdict, Reason::Cancelled)?;
    if matches!(payment.status, PaymentStatus::CapturePending | PaymentStatus::CaptureFailed) {
        let amount = (keep > 0).then_some(keep);
        payments::set_capture_amount(tx, payment.hotel_id, payment.payment_id, amount)?;
    }
    Ok(())
}
