//! Settle: the one place where an attempt's outcome meets its hold, under both row locks. What follows is decided by
//! [`machine::settle`].
//!
//! It may be told the same outcome any number of times, by anybody, in any order: the first that changes something
//! does, the rest find it done.

use super::ledger;
use super::machine::{self, HoldMove, HoldSeen, Outcome, Owed, Verdict};
use super::refunds::owe::{RefundReason, owe};
use super::state::PaymentStatus;
use super::store::{self, PaymentRow};
use crate::db::{DbError, Tx};
use crate::holds::expire;
use crate::holds::live::{LiveHold, LockedHold};
use crate::holds::state::{HoldError, HoldStatus};
use crate::kernel::ids::{AttemptId, HotelId};
use crate::outbox::events::{self, nothing_more};
use crate::outbox::jobs::{self, JobKind};

/// How long a hold lives at least while its guest has something to do at the provider's, in seconds.
const ACTION_S: i32 = 600;

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
    let payment = store::lock(tx, hotel_id, payment.payment_id)?;
    let seen = seen(&hold, &payment);
    let keep = payment.capture_amount.unwrap_or_default();
    let verdict = machine::settle(payment.status, keep, seen, outcome);
    if let Outcome::Declined { code } = outcome
        && verdict.path.contains(&PaymentStatus::Failed)
    {
        store::note_failure(tx, hotel_id, payment.payment_id, code)?;
    }
    let is_booked = seen == HoldSeen::Booked;
    carry_out(tx, &payment, &verdict, if is_booked { RefundReason::Excess } else { RefundReason::NoBooking })?;
    match verdict.hold {
        HoldMove::Stays => {}
        HoldMove::AwaitsAction => live(hold)?.await_action(tx, ACTION_S).map(|_| ())?,
        HoldMove::Paid => live(hold)?.paid(tx, confirm_window_s).map(|_| ())?,
        HoldMove::Resumes => {
            let row = live(hold)?.paid_nothing(tx)?;
            if row.expires_at <= row.now {
                expire::expire_locked(tx, &row)?;
            }
        }
        HoldMove::Expires => {
            if let LockedHold::Lapsed(row) = &hold {
                expire::expire_locked(tx, row)?;
            }
        }
    }
    store::get(tx, hotel_id, payment.payment_id)
}

/// Does to a locked payment what was decided.
pub fn carry_out(
    tx: &mut Tx<'_>,
    payment: &PaymentRow,
    verdict: &Verdict,
    reason: RefundReason,
) -> Result<(), DbError> {
    let PaymentRow { hotel_id, payment_id, attempt_id, .. } = *payment;
    let mut from = payment.status;
    for &to in &verdict.path {
        store::step(tx, hotel_id, payment_id, from, to, verdict.captured)?;
        if to == PaymentStatus::CaptureFailed {
            tracing::error!(%payment_id, "the provider refuses the capture for good: staff must see to it");
        }
        events::emit(tx, hotel_id, &format!("payment.{to}"), payment_id.0, nothing_more())?;
        from = to;
    }
    if verdict.captured > 0 {
        ledger::captured(tx, payment, verdict.captured)?;
    }
    if verdict.earned > 0 {
        ledger::earned(tx, payment, verdict.earned)?;
    }
    if verdict.is_closed {
        store::close_attempt(tx, hotel_id, attempt_id)?;
    }
    match verdict.owes {
        Owed::Nothing => Ok(()),
        Owed::Capture => jobs::owe(tx, hotel_id, JobKind::Capture, payment_id.0, payment_id.0),
        Owed::Void => jobs::owe(tx, hotel_id, JobKind::Void, payment_id.0, payment_id.0),
        Owed::Refund { amount } => owe(tx, payment, amount, reason).map(|_| ()),
    }
}

fn seen(hold: &LockedHold<'_>, payment: &PaymentRow) -> HoldSeen {
    match hold {
        LockedHold::Live(live) => {
            let row = live.row();
            let is_current = row.current_attempt == Some(payment.attempt_id);
            match (row.status, row.paying_until) {
                (HoldStatus::Paying, Some(until)) if is_current && until > row.now => HoldSeen::Awaits,
                (HoldStatus::Paying, _) if is_current => HoldSeen::Overdue,
                // Its guest did something with the hold, when the payment should have had an outcome.
                (HoldStatus::Active, _) if is_current && payment.status.is_open() => HoldSeen::Overdue,
                _ => HoldSeen::Live,
            }
        }
        LockedHold::Lapsed(_) => HoldSeen::Lapsed,
        LockedHold::Ended(row) if row.status == HoldStatus::Converted => HoldSeen::Booked,
        LockedHold::Ended(_) => HoldSeen::Ended,
    }
}

fn live(hold: LockedHold<'_>) -> Result<LiveHold<'_>, DbError> {
    match hold {
        LockedHold::Live(hold) => Ok(hold),
        LockedHold::Lapsed(_) | LockedHold::Ended(_) => Err(DbError::invariant("only a live hold waits for a payment")),
    }
}
