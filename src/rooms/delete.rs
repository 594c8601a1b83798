//! Delete a physical room, and put it back.

use super::change::{locked_as_seen, not_assigned};
use super::types::store as types;
use super::wire::RoomBody;
use super::{store, subject};
use crate::access::guard::Caller;
use crate::audit::{self, Action};
use crate::db::Tx;
use crate::hotels::staff::{KeptHotel, Refusal};
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
    let seen = store::find(tx, &hotel, room_id)?.filter(|room| room.deleted_at.is_none()).ok_or(Refusal::NotFound)?;
    expected.meets(seen.version)?;
    types::lock_all(tx, &hotel, &[seen.fields.room_type_id])?;
    let before = locked_as_seen(tx, &hotel, &seen)?;
    not_assigned(tx, &before)?;
    let after = store::mark_deleted(tx, &before, true)?;
    if let Some(room_type_id) = before.missed_by() {
        out_of_service::follow(tx, hotel_id, &[room_type_id])?;
    }
    audit::record(tx, by, Action::Deleted, subject(hotel_id, room_id), Some(&before), Some(&after))?;
    Ok(())
}

/// Puts a deleted room back as it was: out of service too, if it was. One that is not deleted stays as it is.
///
/// Locks: keeps the hotel; the room type; the room; the nights, if it is out of service. Behind it stand
/// `rooms_number_key` and `inventory_never_oversold`.
pub fn restore(tx: &mut Tx<'_>, by: &Caller, (hotel_id, room_id): (HotelId, RoomId)) -> Result<RoomBody, Refusal> {
    let hotel = KeptHotel::lock(tx, by.scope(), hotel_id)?;
    let seen = store::find(tx, &hotel, room_id)?.ok_or(Refusal::NotFound)?;
    if seen.deleted_at.is_none() {
        return Ok(seen);
    }
    types::lock_all(tx, &hotel, &[seen.fields.room_type_id])?;
    let before = locked_as_seen(tx, &hotel, &seen)?;
    let after = store::mark_deleted(tx, &before, false)?;
    if let Some(room_type_id) = after.missed_by() {
        out_of_service::follow(tx, hotel_id, &[room_type_id])?;
    }
    audit::record(tx, by, Action::Restored, subject(hotel_id, room_id), Some(&before), Some(&after))?;
    Ok(after)
}
