//! Delete a room type, and put it back. Its rate plans, rooms and nights stay as they are.

use super::wire::RoomTypeBody;
use super::{store, subject};
use crate::access::guard::Caller;
use crate::audit::{self, Action};
use crate::db::Tx;
use crate::hotels::staff::{KeptHotel, Refusal, no_future_bookings};
use crate::inventory::horizon;
use crate::kernel::ids::{HotelId, RoomTypeId};
use crate::kernel::version::Expected;

/// Deletes the room type, unless guests are to stay in it or are about to book.
///
/// Locks: the hotel, alone, so that no placement slips in behind the count; the room type.
pub fn delete(
    tx: &mut Tx<'_>,
    by: &Caller,
    (hotel_id, room_type_id): (HotelId, RoomTypeId),
    expected: &Expected,
) -> Result<(), Refusal> {
    let hotel = KeptHotel::lock_alone(tx, by.scope(), hotel_id)?;
    let before = store::lock(tx, &hotel, room_type_id)?.filter(|room_type| room_type.deleted_at.is_none());
    let before = before.ok_or(Refusal::NotFound)?;
    expected.meets(before.version)?;
    no_future_bookings(tx, &hotel, Some(room_type_id))?;
    let after = store::mark_deleted(tx, &before, true)?;
    audit::record(tx, by, Action::Deleted, subject(hotel_id, room_type_id), Some(&before), Some(&after))?;
    Ok(())
}

/// Puts a deleted room type back, with the nights that it missed. One that is not deleted stays as it is.
///
/// Locks: keeps the hotel; the room type; inserts nights.
pub fn restore(
    tx: &mut Tx<'_>,
    by: &Caller,
    (hotel_id, room_type_id): (HotelId, RoomTypeId),
) -> Result<RoomTypeBody, Refusal> {
    let hotel = KeptHotel::lock(tx, by.scope(), hotel_id)?;
    let before = store::lock(tx, &hotel, room_type_id)?.ok_or(Refusal::NotFound)?;
    if before.deleted_at.is_none() {
        return Ok(before);
    }
    let after = store::mark_deleted(tx, &before, false)?;
    horizon::extend_one(tx, hotel_id, room_type_id)?;
    audit::record(tx, by, Action::Restored, subject(hotel_id, room_type_id), Some(&before), Some(&after))?;
    Ok(after)
}
