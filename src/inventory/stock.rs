//! Moving nights between free, held and sold.
//!
//! Every movement locks the nights first, in the one order `(room_type_id, stay_date)`, and then changes exactly the
//! versions it read. Behind it stands the CHECK `inventory_never_oversold`.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::store;
use crate::db::{DbError, Tx, tx};
use crate::kernel::ids::{HotelId, RoomTypeId};

/// Rooms wanted by room type and night, items of one type summed. Its order is the lock order.
pub type Nights = BTreeMap<(RoomTypeId, NaiveDate), i32>;

/// Why nights cannot be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// Fewer rooms are left than wanted.
    Short { room_type_id: RoomTypeId, night: NaiveDate },
    /// The hotel closed the night, or never opened it.
    Closed { room_type_id: RoomTypeId, night: NaiveDate },
}

/// Nights under their row locks.
#[must_use]
pub struct LockedNights<'n> {
    hotel_id: HotelId,
    wanted: &'n Nights,
    rows: Vec<store::NightRow>,
}

/// Nights under their row locks with rooms enough for what is wanted: the only ones that can be held.
#[must_use]
pub struct FreeNights<'n>(LockedNights<'n>);

/// Locks the nights, in order. Blocks while others hold them, up to the connection's `lock_timeout`.
pub fn lock<'n>(tx: &mut Tx<'_>, hotel_id: HotelId, wanted: &'n Nights) -> Result<LockedNights<'n>, DbError> {
    let rows = store::lock(tx, hotel_id, wanted)?;
    Ok(LockedNights { hotel_id, wanted, rows })
}

impl<'n> LockedNights<'n> {
    /// The nights as free ones, or the first that cannot be held.
    pub fn all_free(self) -> Result<FreeNights<'n>, Lack> {
        let rows: BTreeMap<_, _> = self.rows.iter().map(|row| ((row.room_type_id, row.stay_date), row)).collect();
        let lack =
            self.wanted.iter().find_map(|(&(room_type_id, night), &rooms)| match rows.get(&(room_type_id, night)) {
                Some(row) if !row.closed && row.free() >= rooms => None,
                Some(row) if !row.closed => Some(Lack::Short { room_type_id, night }),
                _ => Some(Lack::Closed { room_type_id, night }),
            });
        match lack {
            Some(lack) => Err(lack),
            None => Ok(FreeNights(self)),
        }
    }

    /// Held → free.
    pub fn release(self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        self.shift(tx, -1, 0)
    }

    /// Held → sold.
    pub fn sell(self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        self.shift(tx, -1, 1)
    }

    /// Sold → free.
    pub fn return_sold(self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        self.shift(tx, 0, -1)
    }

    /// Moves every one of the nights by so much a room, or errs.
    fn shift(self, tx: &mut Tx<'_>, held: i32, sold: i32) -> Result<(), DbError> {
        let moves: Vec<_> = self
            .rows
            .iter()
            .filter_map(|row| {
                let rooms = *self.wanted.get(&(row.room_type_id, row.stay_date))?;
                Some(store::Move { row, held: held * rooms, sold: sold * rooms })
            })
            .collect();
        let moved = store::shift(tx, self.hotel_id, &moves)?;
        tx::exactly(moved, self.wanted.len(), "nights of the stock")
    }
}

impl FreeNights<'_> {
    /// Free → held.
    pub fn hold(self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        self.0.shift(tx, 1, 0)
    }
}
