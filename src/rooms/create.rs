//! Create a physical room.

use super::store;
use super::types::store as types;
use super::wire::{RoomBody, RoomFields};
use crate::access::guard::Caller;
use crate::db::Tx;
use crate::hotels::staff::{Kept, KeptHotel, ManagedHotel, Refusal};
use crate::inventory::out_of_service;
use crate::kernel::ids::{HotelId, RoomTypeId};

/// Inserts the room. One that is out of service from the beginning takes a room off sale.
///
/// Locks: keeps the hotel; the room type; its nights, if the room is out of service. Behind it stand
/// `rooms_number_key` and `inventory_never_oversold`.
pub fn create(tx: &mut Tx<'_>, by: &Caller, hotel_id: HotelId, fields: &RoomFields) -> Result<RoomBody, Refusal> {
    let hotel = KeptHotel::lock(tx, by.scope(), hotel_id)?;
    types::lock_all(tx, &hotel, &[fields.room_type_id])?;
    of_the_hotel(tx, &hotel, fields.room_type_id)?;
    let room = store::insert(tx, &hotel, fields)?.created(tx, by)?;
    if let Some(room_type_id) = room.missed_by() {
        out_of_service::follow(tx, hotel_id, &[room_type_id])?;
    }
    Ok(room)
}

/// Refuses a room type that is another hotel's, or deleted.
pub(super) fn of_the_hotel(tx: &mut Tx<'_>, hotel: &ManagedHotel, room_type_id: RoomTypeId) -> Result<(), Refusal> {
    if types::of_hotel(tx, hotel, &[room_type_id])?.is_empty() {
        return Err(Refusal::invalid("room_type_id", "is no room type of this hotel"));
    }
    Ok(())
}
