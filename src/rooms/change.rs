//! Change a physical room.

use super::create::of_the_hotel;
use super::store;
use super::types::store as types;
use super::wire::{RoomBody, RoomPatch};
use crate::access::guard::Caller;
use crate::db::{DbError, Tx};
use crate::hotels::staff::{Kept, KeptHotel, Part, Refusal};
use crate::inventory::out_of_service;
use crate::kernel::ids::{HotelId, RoomId};
use crate::kernel::version::Expected;

/// Makes the patch's changes; a patch that changes nothing leaves the version as it is. The stock follows a room that
/// goes out of service, comes back, or moves to another type while it is out.
///
/// Locks: keeps the hotel; the room types that the room belongs to, before and after; the room; their nights. Behind it
/// stand `rooms_number_key` and `inventory_never_oversold`.
pub fn change(
    tx: &mut Tx<'_>,
    by: &Caller,
    (hotel_id, room_id): (HotelId, RoomId),
    expected: &Expected,
    patch: RoomPatch,
) -> Result<RoomBody, Refusal> {
    let hotel = KeptHotel::lock(tx, by.scope(), hotel_id)?;
    let seen = RoomBody::find(tx, &hotel, room_id)?.ok_or(Refusal::NotFound)?.meant(expected)?;
    let fields = patch.apply(&seen.fields);
    if fields == seen.fields {
        return Ok(seen);
    }
    types::lock_all(tx, &hotel, &[seen.fields.room_type_id, fields.room_type_id])?;
    let before = locked_as_seen(tx, &hotel, &seen)?;
    if fields.room_type_id != before.fields.room_type_id {
        of_the_hotel(tx, &hotel, fields.room_type_id)?;
        not_assigned(tx, &before)?;
    }
    let missed_before = before.missed_by();
    let after = before.changed(tx, by, &fields)?;
    if missed_before != after.missed_by() {
        let missed: Vec<_> = missed_before.into_iter().chain(after.missed_by()).collect();
        out_of_service::follow(tx, hotel_id, &missed)?;
    }
    Ok(after)
}

/// The room under its lock. Room types are locked before rooms, and which those are was only seen: should the room have
/// changed since, all of it is done again.
pub(super) fn locked_as_seen(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, seen: &RoomBody) -> Result<RoomBody, Refusal> {
    let locked = RoomBody::lock(tx, hotel, seen.room_id)?.ok_or(Refusal::NotFound)?;
    if locked.version == seen.version {
        Ok(locked)
    } else {
        Err(DbError::Conflict("the room was changed meanwhile".to_owned()).into())
    }
}

/// Refuses while guests are to have the room.
pub(super) fn not_assigned(tx: &mut Tx<'_>, room: &RoomBody) -> Result<(), Refusal> {
    match store::assigned_nights(tx, room)? {
        0 => Ok(()),
        nights => Err(Refusal::RoomAssigned { nights }),
    }
}
