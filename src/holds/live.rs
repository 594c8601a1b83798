//! The witness: a hold that is live, under its row lock, in this transaction.

use std::marker::PhantomData;

use super::state::{HoldError, HoldStatus};
use super::store::{self, HoldRow};
use crate::db::{DbError, Tx};
use crate::inventory::stock;
use crate::kernel::ids::{AttemptId, BookingId, HoldId, HotelId, UserId};
use crate::outbox::events::{self, nothing_more};

/// A hold that was live when its row was locked, by the database's clock. It cannot be copied, and what ends the hold
/// consumes it: one transaction cannot both release a hold and book it.
#[must_use]
#[derive(Debug)]
pub struct LiveHold<'tx> {
    row: HoldRow,
    /// Its version as clients could read it before the lock.
    seen_version: i32,
    /// Bound to the transaction that holds the lock.
    tx: PhantomData<fn(&'tx ()) -> &'tx ()>,
}

/// A hold under its row lock.
#[must_use]
#[derive(Debug)]
pub enum LockedHold<'tx> {
    Live(LiveHold<'tx>),
    /// Its time ran out, and its rooms are still to be given back.
    Lapsed(HoldRow),
    Ended(HoldRow),
}

impl<'tx> LiveHold<'tx> {
    /// Locks the hold of `user_id`. Waits while another transaction has it.
    ///
    /// A payment that had no outcome by `paying_until` stands in the guest's way no longer: the hold is active again.
    /// The payment is for the completer then, which abandons it; or it is authorised after all, and counts, if the hold
    /// still lives and no other was begun.
    pub fn lock(
        tx: &mut Tx<'tx>,
        hotel_id: HotelId,
        hold_id: HoldId,
        user_id: UserId,
    ) -> Result<LockedHold<'tx>, HoldError> {
        match Self::lock_any(tx, hotel_id, hold_id)? {
            LockedHold::Live(hold) if hold.row.user_id != user_id => Err(HoldError::NotFound),
            LockedHold::Lapsed(row) | LockedHold::Ended(row) if row.user_id != user_id => Err(HoldError::NotFound),
            LockedHold::Live(hold) if hold.row.is_overdue() => Ok(LockedHold::Live(hold.resume(tx)?)),
            locked => Ok(locked),
        }
    }

    /// Locks a hold of anybody: for work on its behalf that no caller asked for.
    pub fn lock_any(tx: &mut Tx<'tx>, hotel_id: HotelId, hold_id: HoldId) -> Result<LockedHold<'tx>, HoldError> {
        let row = store::lock(tx, hotel_id, hold_id)?.ok_or(HoldError::NotFound)?;
        Ok(match row.live_until {
            Some(until) if until > row.now => {
                LockedHold::Live(Self { seen_version: row.version, row, tx: PhantomData })
            }
            Some(_) => LockedHold::Lapsed(row),
            None => LockedHold::Ended(row),
        })
    }

    #[must_use]
    pub fn row(&self) -> &HoldRow {
        &self.row
    }

    /// The version that a client's `If-Match` is to name. Not the row's, if the hold was resumed just now.
    #[must_use]
    pub fn seen_version(&self) -> i32 {
        self.seen_version
    }

    /// A payment attempt begins: the hold lives at least `paying_s` seconds more.
    pub fn pay(self, tx: &mut Tx<'tx>, attempt: AttemptId, paying_s: i32) -> Result<HoldRow, DbError> {
        let row = store::start_paying(tx, &self.row, attempt, paying_s)?;
        events::emit(tx, row.hotel_id, "hold.paying", row.hold_id.0, nothing_more())?;
        Ok(row)
    }

    /// Its guest has something to do at the provider's first: the hold waits `action_s` seconds at least.
    pub fn await_action(self, tx: &mut Tx<'tx>, action_s: i32) -> Result<HoldRow, DbError> {
        store::go_on_paying(tx, &self.row, action_s)
    }

    /// The attempt was authorised: the hold waits `confirm_window_s` seconds at least for its confirmation.
    pub fn paid(self, tx: &mut Tx<'tx>, confirm_window_s: i32) -> Result<HoldRow, DbError> {
        if self.row.status == HoldStatus::Active {
            return store::outlive(tx, &self.row, confirm_window_s);
        }
        let row = store::stop_paying(tx, &self.row, confirm_window_s)?;
        events::emit(tx, row.hotel_id, "hold.active", row.hold_id.0, nothing_more())?;
        Ok(row)
    }

    /// The attempt yielded nothing: the hold is active again until its own expiry, which may have passed.
    pub fn paid_nothing(self, tx: &mut Tx<'tx>) -> Result<HoldRow, DbError> {
        if self.row.status == HoldStatus::Active {
            return Ok(self.row);
        }
        let row = store::stop_paying(tx, &self.row, 0)?;
        events::emit(tx, row.hotel_id, "hold.active", row.hold_id.0, nothing_more())?;
        Ok(row)
    }

    fn resume(self, tx: &mut Tx<'tx>) -> Result<Self, DbError> {
        let row = store::stop_paying(tx, &self.row, 0)?;
        events::emit(tx, row.hotel_id, "hold.active", row.hold_id.0, nothing_more())?;
        Ok(Self { row, ..self })
    }

    /// The guest takes some more time.
    pub(super) fn extend(self, tx: &mut Tx<'tx>, by_s: i32) -> Result<HoldRow, DbError> {
        let row = store::extend(tx, &self.row, by_s)?;
        events::emit(tx, row.hotel_id, "hold.extended", row.hold_id.0, nothing_more())?;
        Ok(row)
    }

    /// The guest gives the rooms back.
    pub fn release(self, tx: &mut Tx<'tx>) -> Result<(), DbError> {
        let HoldRow { hotel_id, hold_id, .. } = self.row;
        let nights = store::nights(tx, hotel_id, &[hold_id])?;
        stock::lock(tx, hotel_id, &nights)?.release(tx)?;
        store::end(tx, &self.row, HoldStatus::Released, None)?;
        events::emit(tx, hotel_id, "hold.released", hold_id.0, nothing_more())
    }

    /// The rooms are sold. The booking's row must exist by now.
    pub fn convert(self, tx: &mut Tx<'tx>, booking_id: BookingId) -> Result<(), DbError> {
        let HoldRow { hotel_id, hold_id, .. } = self.row;
        let nights = store::nights(tx, hotel_id, &[hold_id])?;
        stock::lock(tx, hotel_id, &nights)?.sell(tx)?;
        store::end(tx, &self.row, HoldStatus::Converted, Some(booking_id))?;
        events::emit(tx, hotel_id, "hold.converted", hold_id.0, nothing_more())
    }
}

impl<'tx> LockedHold<'tx> {
    /// The live hold, or why it is none.
    pub fn live(self) -> Result<LiveHold<'tx>, HoldError> {
        match self {
            Self::Live(hold) => Ok(hold),
            Self::Lapsed(_) => Err(HoldError::Expired),
            Self::Ended(row) => Err(match (row.status, row.booking_id) {
                (HoldStatus::Converted, Some(booking_id)) => HoldError::Converted(booking_id),
                (HoldStatus::Released, _) => HoldError::Released,
                _ => HoldError::Expired,
            }),
        }
    }
}
