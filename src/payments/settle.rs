//! Settle: the one place where an attempt's outcome meets its hold, under both row locks.
//!
//! It may be told the same outcome any number of times, by anybody, in any order: the first that changes something
//! does, the rest find it done.

use super::state::PaymentStatus;
use super::store::{self, PaymentRow};
use crate::db::{DbError, Tx};
use crate::holds::expire;
use crate::holds::live::{LiveHold, LockedHold};
use crate::holds::state::{HoldError, HoldStatus};
use crate::kernel::ids::{AttemptId, HotelId, PaymentId};
use crate::outbox::events::{self, nothing_more};
use crate::outbox::jobs::{self, JobKind};

/// What the provider says of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Authorized,
    Declined {
        code: String,
    },
    /// The money is taken already.
    Captured {
        amount: i64,
    },
    /// The intent is void: it will never yield money.
    Gone,
    /// It cannot be told yet.
    Unknown,
}

/// Records the outcome; the payment as it is then.
///
/// Locks: the hold, the payment, and the nights if the hold's time is over. Whether the hold is live is judged by the
/// database's clock under its lock.
pub fn settle(
    tx: &mut Tx<'_>,
    hotel_id: HotelId,
    attempt_id: AttemptId,
    outcome: &Outcome,
    confirm_window_s: i32,
) -> Result<PaymentRow, DbError> {
    let payment = store::of_attempt(tx, hotel_id, attempt_id)?;
    let hold = LiveHold::lock_any(tx, hotel_id, payment.hold_id).map_err(|error| match error {
        HoldError::Db(error) => error,
        other => DbError::invariant(format!("a payment's hold: {other}")),
    })?;
    let status = store::lock(tx, hotel_id, payment.payment_id)?;
    let is_open =
        matches!(status, PaymentStatus::Initiated | PaymentStatus::Processing | PaymentStatus::RequiresAction);
    match outcome {
        Outcome::Authorized if is_open => authorized(tx, &payment, status, hold, confirm_window_s)?,
        Outcome::Authorized if status == PaymentStatus::Abandoned => give_back(tx, &payment, status)?,
        Outcome::Declined { code } if is_open => {
            move_on(tx, &payment, status, PaymentStatus::Failed)?;
            store::note_failure(tx, hotel_id, payment.payment_id, code)?;
            store::close_attempt(tx, hotel_id, attempt_id)?;
            resume(tx, hold, attempt_id)?;
        }
        Outcome::Gone if is_open => {
            move_on(tx, &payment, status, PaymentStatus::Abandoned)?;
            store::close_attempt(tx, hotel_id, attempt_id)?;
            resume(tx, hold, attempt_id)?;
        }
        Outcome::Unknown if is_open && !is_awaited(&hold, attempt_id) => {
            move_on(tx, &payment, status, PaymentStatus::Abandoned)?;
            resume(tx, hold, attempt_id)?;
        }
        Outcome::Unknown if status == PaymentStatus::Initiated => {
            move_on(tx, &payment, status, PaymentStatus::Processing)?;
        }
        Outcome::Captured { amount } if status.successors().contains(&PaymentStatus::Captured) => {
            captured(tx, &payment, status, hold, *amount, confirm_window_s)?;
        }
        // Told again, or told late what cannot change anything: it is as it is.
        Outcome::Authorized | Outcome::Declined { .. } | Outcome::Captured { .. } | Outcome::Gone => {
            store::close_attempt(tx, hotel_id, attempt_id)?;
        }
        Outcome::Unknown => {}
    }
    store::get(tx, hotel_id, payment.payment_id)
}

fn authorized<'t>(
    tx: &mut Tx<'t>,
    payment: &PaymentRow,
    status: PaymentStatus,
    hold: LockedHold<'t>,
    confirm_window_s: i32,
) -> Result<(), DbError> {
    let is_current = is_current(&hold, payment.attempt_id);
    move_on(tx, payment, status, PaymentStatus::Authorized)?;
    match hold {
        LockedHold::Live(hold) if is_current => {
            store::close_attempt(tx, payment.hotel_id, payment.attempt_id)?;
            hold.paid(tx, confirm_window_s).map(|_| ())
        }
        _ => give_back(tx, payment, PaymentStatus::Authorized),
    }
}

/// The provider has taken the money, asked or not. It belongs to the hold that waits for it or the booking that was
/// made of it; anything else is refunded.
fn captured<'t>(
    tx: &mut Tx<'t>,
    payment: &PaymentRow,
    status: PaymentStatus,
    hold: LockedHold<'t>,
    amount: i64,
    confirm_window_s: i32,
) -> Result<(), DbError> {
    let is_current = is_current(&hold, payment.attempt_id);
    store::capture(tx, payment.hotel_id, payment.payment_id, status, amount)?;
    events::emit(tx, payment.hotel_id, "payment.captured", payment.payment_id.0, nothing_more())?;
    store::close_attempt(tx, payment.hotel_id, payment.attempt_id)?;
    let was_kept =
        matches!(status, PaymentStatus::Authorized | PaymentStatus::CapturePending | PaymentStatus::CaptureFailed);
    match hold {
        LockedHold::Live(hold) if is_current => hold.paid(tx, confirm_window_s).map(|_| ()),
        LockedHold::Live(_) if status == PaymentStatus::Authorized => Ok(()),
        LockedHold::Ended(row) if row.status == HoldStatus::Converted && was_kept => Ok(()),
        other => {
            owe_refund(tx, payment.hotel_id, payment.payment_id, amount)?;
            resume(tx, other, payment.attempt_id)
        }
    }
}

/// Captured money without a booking is given back, once.
pub(super) fn owe_refund(
    tx: &mut Tx<'_>,
    hotel_id: HotelId,
    payment_id: PaymentId,
    amount: i64,
) -> Result<(), DbError> {
    if let Some(refund_id) = store::insert_refund(tx, hotel_id, payment_id, amount, "no_booking")? {
        jobs::owe(tx, hotel_id, JobKind::Refund, refund_id)?;
        events::emit(tx, hotel_id, "refund.pending", refund_id, nothing_more())?;
    }
    Ok(())
}

/// Money that came too late is not kept.
fn give_back(tx: &mut Tx<'_>, payment: &PaymentRow, status: PaymentStatus) -> Result<(), DbError> {
    move_on(tx, payment, status, PaymentStatus::VoidPending)?;
    jobs::owe(tx, payment.hotel_id, JobKind::Void, payment.payment_id.0)?;
    store::close_attempt(tx, payment.hotel_id, payment.attempt_id)
}

/// The hold goes on as if the attempt had not been: active until its own expiry, or expired if that has passed.
fn resume<'t>(tx: &mut Tx<'t>, hold: LockedHold<'t>, attempt_id: AttemptId) -> Result<(), DbError> {
    match hold {
        LockedHold::Live(hold)
            if hold.row().status == HoldStatus::Paying && hold.row().current_attempt == Some(attempt_id) =>
        {
            let row = hold.paid_nothing(tx)?;
            if row.expires_at <= row.now { expire::expire_locked(tx, &row) } else { Ok(()) }
        }
        LockedHold::Lapsed(row) => expire::expire_locked(tx, &row),
        LockedHold::Live(_) | LockedHold::Ended(_) => Ok(()),
    }
}

/// Whether the attempt's authorisation would count.
fn is_current(hold: &LockedHold<'_>, attempt_id: AttemptId) -> bool {
    match hold {
        LockedHold::Live(hold) => {
            hold.row().status == HoldStatus::Paying && hold.row().current_attempt == Some(attempt_id)
        }
        LockedHold::Lapsed(_) | LockedHold::Ended(_) => false,
    }
}

/// Whether the hold goes on waiting: no answer by `paying_until` is as good as none.
fn is_awaited(hold: &LockedHold<'_>, attempt_id: AttemptId) -> bool {
    match hold {
        LockedHold::Live(live) => {
            is_current(hold, attempt_id) && live.row().paying_until.is_some_and(|until| until > live.row().now)
        }
        LockedHold::Lapsed(_) | LockedHold::Ended(_) => false,
    }
}

fn move_on(tx: &mut Tx<'_>, payment: &PaymentRow, from: PaymentStatus, to: PaymentStatus) -> Result<(), DbError> {
    store::step(tx, payment.hotel_id, payment.payment_id, from, to)?;
    events::emit(tx, payment.hotel_id, &format!("payment.{to}"), payment.payment_id.0, nothing_more())
}
