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

/// Where nights go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Movement {
    /// Free → held.
    Hold,
    /// Held → free.
    Release,
    /// Held → sold.
    Sell,
}

impl Movement {
    /// Change of (held, sold) a room.
    fn deltas(self) -> (i32, i32) {
        match self {
            Self::Hold => (1, 0),
            Self::Release => (-1, 0),
            Self::Sell => (-1, 1),
        }
    }
}

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

/// Locks the nights, in order. Blocks while others hold them, up to the connection's `lock_timeout`.
pub fn lock<'n>(tx: &mut Tx<'_>, hotel_id: HotelId, wanted: &'n Nights) -> Result<LockedNights<'n>, DbError> {
    let rows = store::lock(tx, hotel_id, wanted)?;
    Ok(LockedNights { hotel_id, wanted, rows })
}

impl LockedNights<'_> {
    /// The first night that cannot be held, if any.
    #[must_use]
    pub fn lack(&self) -> Option<Lack> {
        let rows: BTreeMap<_, _> = self.rows.iter().map(|row| ((row.room_type_id, row.stay_date), row)).collect();
        self.wanted.iter().find_map(|(&(room_type_id, night), &rooms)| match rows.get(&(room_type_id, night)) {
            Some(row) if !row.closed && row.free() >= rooms => None,
            Some(row) if !row.closed => Some(Lack::Short { room_type_id, night }),
            _ => Some(Lack::Closed { room_type_id, night }),
        })
    }

    /// Moves the nights. Every one of them, or an error.
    pub fn shift(self, tx: &mut Tx<'_>, movement: Movement) -> Result<(), DbError> {
        let (held, sold) = movement.deltas();
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
