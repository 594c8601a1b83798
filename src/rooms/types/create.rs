//! Create a room type, with its stock for every night ahead.

use serde::Serialize;

use super::store;
use super::wire::{RoomTypeBody, RoomTypeFields};
use crate::access::guard::Caller;
use crate::audit::{self, Action};
use crate::db::Tx;
use crate::hotels::staff::{Kept, KeptHotel, Refusal};
use crate::inventory::horizon;
use crate::kernel::ids::HotelId;

/// What the audit log keeps: the capacity is the nights' own from then on.
#[derive(Serialize)]
struct Seeded<'r> {
    #[serde(flatten)]
    room_type: &'r RoomTypeBody,
    capacity: i32,
}

/// Inserts the room type and its nights, from the hotel's today to its horizon. It is sold once a rate plan sells it.
///
/// Locks: keeps the hotel; inserts. Behind it stand the CHECKs of both tables.
pub fn create(
    tx: &mut Tx<'_>,
    by: &Caller,
    hotel_id: HotelId,
    (fields, capacity): &(RoomTypeFields, i32),
) -> Result<RoomTypeBody, Refusal> {
    let hotel = KeptHotel::lock(tx, by.scope(), hotel_id)?;
    let room_type = store::insert(tx, &hotel, fields)?;
    horizon::seed(tx, hotel_id, room_type.room_type_id, *capacity)?;
    let seeded = Seeded { room_type: &room_type, capacity: *capacity };
    audit::record(tx, by, Action::Created, room_type.subject(), None, Some(&seeded))?;
    Ok(room_type)
}
