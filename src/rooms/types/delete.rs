//! Delete a room type, and put it back. Its rate plans, rooms and nights stay as they are.

use super::wire::RoomTypeBody;
use crate::access::guard::Caller;
use crate::db::Tx;
use crate::hotels::staff::{Kept, KeptHotel, Part, Refusal, no_future_bookings};
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
    let before = RoomTypeBody::lock_meant(tx, &hotel, room_type_id, expected)?;
    no_future_bookings(tx, &hotel, Some(room_type_id))?;
    before.deleted(tx, by)
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
    let before = RoomTypeBody::lock(tx, &hotel, room_type_id)?.ok_or(Refusal::NotFound)?;
    if before.deleted_at.is_none() {
        return Ok(before);
    }
    let after = before.restored(tx, by)?;
    horizon::extend_one(tx, hotel_id, room_type_id)?;
    Ok(after)
}
