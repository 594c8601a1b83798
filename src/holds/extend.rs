//! Extend: the guest takes more time, once.

use super::live::LiveHold;
use super::state::{HoldError, HoldStatus};
use super::store::{self, HoldRow};
use crate::db::Tx;
use crate::kernel::ids::{HoldId, UserId};
use crate::kernel::version::{Expected, Mismatch};

/// Moves the hold's expiry out by `by_s` seconds; the hold as it is then.
///
/// A hold that has ended is gone whichever version was named: to read it again would help nobody.
///
/// Locks: the hold. Behind it stands `holds_extended_once`. Against a placement that wants the rooms it races for the
/// row: `reclaim` locks it too, and each side judges the time under that lock.
pub fn extend(
    tx: &mut Tx<'_>,
    user_id: UserId,
    hold_id: HoldId,
    expected: &Expected,
    by_s: i32,
) -> Result<HoldRow, HoldError> {
    let hotel_id = store::hotel_of(tx, user_id, hold_id)?.ok_or(HoldError::NotFound)?;
    let locked = LiveHold::lock(tx, hotel_id, hold_id, user_id)?;
    if *expected == Expected::Unstated {
        return Err(Mismatch::Unstated.into());
    }
    let hold = locked.live()?;
    expected.meets(hold.seen_version())?;
    match hold.row() {
        HoldRow { status: HoldStatus::Paying, .. } => Err(HoldError::PaymentInProgress),
        HoldRow { extensions: 1.., .. } => Err(HoldError::AlreadyExtended),
        _ => Ok(hold.extend(tx, by_s)?),
    }
}
