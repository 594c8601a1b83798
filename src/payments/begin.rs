//! Begin: a payment attempt is recorded, and its hold lives on while the provider is asked.

use super::machine::Outcome;
use super::settle::settle;
use super::state::{PaymentError, PaymentStatus};
use super::store::{self, PaymentRow};
use crate::db::Tx;
use crate::holds::live::LiveHold;
use crate::holds::state::{HoldError, HoldStatus};
use crate::holds::store as holds;
use crate::kernel::ids::{AttemptId, HoldId, HotelId, PaymentId, UserId};
use crate::outbox::events::{self, nothing_more};
use crate::quotes::store::{self as quotes, Quote};

/// How long a hold lives at least while it is being paid, in seconds.
pub const PAYING_S: i32 = 120;
/// Declines after which a hold takes no more payments.
const MOST_DECLINED: i64 = 5;

/// Records the attempt as the hold's current one.
///
/// Locks: the hold, its payments, and what [`settle`] locks of those that had no outcome in time. Behind it stands
/// `payments_one_in_force_key`.
pub fn begin(
    tx: &mut Tx<'_>,
    provider: &str,
    user_id: UserId,
    hold_id: HoldId,
    payment_method: &str,
) -> Result<(HotelId, AttemptId), PaymentError> {
    let hotel_id = holds::hotel_of(tx, user_id, hold_id)?.ok_or(HoldError::NotFound)?;
    let hold = LiveHold::lock(tx, hotel_id, hold_id, user_id)?.live()?;
    if hold.row().status == HoldStatus::Paying {
        return Err(HoldError::PaymentInProgress.into());
    }
    if hold.row().due_now == 0 {
        return Err(PaymentError::NotRequired);
    }
    let before = store::lock_of_hold(tx, hotel_id, hold_id)?;
    if before.iter().any(PaymentRow::counts) {
        return Err(PaymentError::AlreadyPaid);
    }
    let declined = before.iter().filter(|payment| payment.status == PaymentStatus::Failed).map(|_| 1).sum();
    if declined >= MOST_DECLINED {
        return Err(PaymentError::TooManyAttempts { declined });
    }
    let hold = abandon_late(tx, hold, &before)?;
    let tax_amount = quotes::of_hold(tx, hotel_id, hold_id)?.iter().map(Quote::tax_due_now).sum();
    let (payment_id, attempt_id) = (PaymentId::new(), AttemptId::new());
    if !store::insert(tx, hold.row(), tax_amount, payment_id, attempt_id, provider, payment_method)? {
        return Err(HoldError::PaymentInProgress.into());
    }
    hold.pay(tx, attempt_id, PAYING_S)?;
    events::emit(tx, hotel_id, "payment.initiated", payment_id.0, nothing_more())?;
    Ok((hotel_id, attempt_id))
}

/// The hold without the payments that it waits for no longer: one at a time is under way.
fn abandon_late<'t>(
    tx: &mut Tx<'t>,
    hold: LiveHold<'t>,
    payments: &[PaymentRow],
) -> Result<LiveHold<'t>, PaymentError> {
    let (hotel_id, hold_id, user_id) = (hold.row().hotel_id, hold.row().hold_id, hold.row().user_id);
    let late: Vec<_> = payments.iter().filter(|payment| payment.status.is_open()).collect();
    if late.is_empty() {
        return Ok(hold);
    }
    for payment in late {
        settle(tx, hotel_id, payment.attempt_id, &Outcome::Unknown, 0)?;
    }
    // Settling reads the clock again: the hold's time may have come in between.
    Ok(LiveHold::lock(tx, hotel_id, hold_id, user_id)?.live()?)
}
