//! Rooms out of service: every night from the hotel's today on has as many fewer rooms for sale.

mod store;

use chrono::NaiveDate;

use crate::db::{DbError, Tx};
use crate::hotels::staff::Refusal;
use crate::kernel::ids::{HotelId, RoomTypeId};

/// Makes `inventory.out_of_service` of these room types follow the status of their rooms, as they are now in this
/// transaction. A night has at most as many rooms out of service as it has rooms: one that was taken off sale with a
/// capacity of 0 stands in nobody's way.
///
/// For those who change rooms (`rooms/`). Whoever writes nights does not call it: the horizon and bulk changes of capacity or
/// allowance (`ari/inventory`) look at the rooms under a share of the same room types' rows, and write it by the same rule.
///
/// Refuses where more is sold or held than would be left. Holds that have lapsed do not count, but their rooms must be
/// given back first: that is busy, not a refusal.
///
/// Locks: the nights, in order. The caller has locked the room types. Behind it stands `inventory_never_oversold`.
pub fn follow(tx: &mut Tx<'_>, hotel_id: HotelId, room_types: &[RoomTypeId]) -> Result<(), Refusal> {
    store::lock_ahead(tx, hotel_id, room_types)?;
    match store::first_short(tx, hotel_id, room_types)? {
        None => {}
        Some(Short { night, but_for_lapsed: true }) => {
            tracing::debug!(%night, "lapsed holds are in the way of a room going out of service");
            return Err(DbError::Busy("expired holds are in the way").into());
        }
        Some(Short { night, but_for_lapsed: false }) => return Err(Refusal::BelowCommitments { first_night: night }),
    }
    store::follow_rooms(tx, hotel_id, room_types)?;
    Ok(())
}

/// A night that would have fewer rooms than are sold and held.
#[derive(Clone, Copy, Debug)]
struct Short {
    night: NaiveDate,
    /// Without the holds that have lapsed it would have enough.
    but_for_lapsed: bool,
}
