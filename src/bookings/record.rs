//! Record: a stay that was agreed elsewhere, at a price and on terms of its own, becomes a booking if its nights are free.
//!
//! What the search and the quote would look at was looked at by whoever agreed to it: the price list, restrictions,
//! whom a room sleeps, whether the dates are past. The stock was not: the stay walks the funnel through the same quote,
//! the same hold under the same locks, and the same confirmation as any other, in one transaction.

use super::confirm::{Guest, confirm_in};
use super::state::ConfirmError;
use crate::db::{DbError, Tx};
use crate::holds::place::{Taken, take};
use crate::hotels::store as hotels;
use crate::kernel::ids::{BookingId, UserId};
use crate::quotes::store as quotes;
use crate::search::offer::{Choice, Terms};

/// The hold lives within one transaction.
const HOLD_TTL_S: i32 = 600;

/// What was agreed.
#[derive(Clone, Debug)]
pub struct Agreed {
    /// On whose behalf it is kept.
    pub user_id: UserId,
    pub choice: Choice,
    /// Of one room. Nothing may be due now: there is nobody here who pays.
    pub terms: Terms,
    pub guest: Guest,
}

/// Makes the booking, or says which night is not free.
///
/// Locks: the hotel (to keep it), the nights in order; then what only this transaction knows. Behind it stands
/// `inventory_never_oversold`.
pub fn record(tx: &mut Tx<'_>, stay: Agreed) -> Result<BookingId, ConfirmError> {
    let Agreed { user_id, choice, terms, guest } = stay;
    let hotel_id = choice.hotel_id;
    hotels::keep(tx, hotel_id)?;
    // The price came from no row of ours, so there are no versions to compare it with.
    let quote = quotes::insert(tx, user_id, choice, terms, Vec::new(), HOLD_TTL_S)?;
    match take(tx, user_id, &[quote], HOLD_TTL_S, false)? {
        Taken::Held { hold_id } => confirm_in(tx, hotel_id, user_id, hold_id, guest, None),
        Taken::InTheWay { .. } => Err(DbError::Busy("expired holds are in the way").into()),
    }
}
