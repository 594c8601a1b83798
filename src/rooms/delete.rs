//! Delete a physical room, and put it back.

use super::change::{locked_as_seen, not_assigned};
use super::types::store as types;
use super::wire::RoomBody;
use crate::access::guard::Caller;
use crate::db::Tx;
use crate::hotels::staff::{Kept, KeptHotel, Part, Refusal};
use crate::inventory::out_of_service;
use crate::kernel::ids::{HotelId, RoomId};
use crate::kernel::version::Expected;

/// Deletes the room, unless guests are to have it. One that was out of service is missed by the stock no more: what can
/// be sold is the capacity, whatever rooms there are.
///
/// Locks: keeps the hotel; the room type; the room; the nights, if it was out of service.
pub fn delete(
    tx: &mut Tx<'_>,
    by: &Caller,
    (hotel_id, room_id): (HotelId, RoomId),
    expected: &Expected,
) -> Result<(), Refusal> {
    let hotel = KeptHotel::lock(tx, by.scope(), hotel_id)?;
    let seen = RoomBody::find(tx, &hotel, room_id)?.ok_or(Refusal::NotFound)?.meant(expected)?;
    types::lock_all(tx, &hotel, &[seen.fields.room_type_id])?;
    let before = locked_as_seen(tx, &hotel, &seen)?;
    not_assigned(tx, &before)?;
    let missed = before.missed_by();
    before.deleted(tx, by)?;
    if let Some(room_type_id) = missed {
        out_of_service::follow(tx, hotel_id, &[room_type_id])?;
    }
    Ok(())
}

/// Puts a deleted room back as it was: out of service too, if it was. One that is not deleted stays as it is.
///
/// Locks: keeps the hotel; the room type; the room; the nights, if it is out of service. Behind it stand
/// `rooms_number_key` and `inventory_never_oversold`.
pub fn restore(tx: &mut Tx<'_>, by: &Caller, (hotel_id, room_id): (HotelId, RoomId)) -> Result<RoomBody, Refusal> {
    let hotel = KeptHotel::lock(tx, by.scope(), hotel_id)?;
    let seen = RoomBody::find(tx, &hotel, room_id)?.ok_or(Refusal::NotFound)?;
    if seen.deleted_at.is_none() {
        return Ok(seen);
    }
    types::lock_all(tx, &hotel, &[seen.fields.room_type_id])?;
    let before = locked_as_seen(tx, &hotel, &seen)?;
    let after = before.restored(tx, by)?;
    if let Some(room_type_id) = after.missed_by() {
        out_of_service::follow(tx, hotel_id, &[room_type_id])?;
    }
    Ok(after)
}
