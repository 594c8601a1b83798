//! Release: the guest gives the rooms back before the time is over.

use super::expire;
use super::live::{LiveHold, LockedHold};
use super::state::{HoldError, HoldStatus};
use super::store;
use crate::db::Tx;
use crate::kernel::ids::{HoldId, UserId};
use crate::outbox::jobs::{self, JobKind};

/// Releases the hold. Released or expired before, nothing changes. What was authorised for it is voided.
///
/// Locks: the hold, then its nights in order.
pub fn release(tx: &mut Tx<'_>, user_id: UserId, hold_id: HoldId) -> Result<(), HoldError> {
    let hotel_id = store::hotel_of(tx, user_id, hold_id)?.ok_or(HoldError::NotFound)?;
    match LiveHold::lock(tx, hotel_id, hold_id, user_id)? {
        LockedHold::Live(hold) if hold.row().status == HoldStatus::Paying => Err(HoldError::PaymentInProgress),
        LockedHold::Live(hold) => {
            let may_be_paid = hold.row().current_attempt.is_some();
            hold.release(tx)?;
            if may_be_paid {
                jobs::owe(tx, hotel_id, JobKind::GiveBack, hold_id.0, hold_id.0)?;
            }
            Ok(())
        }
        LockedHold::Lapsed(row) => Ok(expire::expire_locked(tx, &row)?),
        LockedHold::Ended(row) => match row.booking_id {
            Some(booking_id) => Err(HoldError::Converted(booking_id)),
            None => Ok(()),
        },
    }
}
