//! Change a room type. Bookings keep what was booked; quotes are looked at again when they are held.

use super::wire::{RoomTypeBody, RoomTypePatch};
use crate::access::guard::Caller;
use crate::db::Tx;
use crate::hotels::staff::{Kept, KeptHotel, Part, Refusal};
use crate::kernel::ids::{HotelId, RoomTypeId};
use crate::kernel::version::Expected;

/// Makes the patch's changes; a patch that changes nothing leaves the version as it is.
///
/// Locks: keeps the hotel; the room type.
pub fn change(
    tx: &mut Tx<'_>,
    by: &Caller,
    (hotel_id, room_type_id): (HotelId, RoomTypeId),
    expected: &Expected,
    patch: RoomTypePatch,
) -> Result<RoomTypeBody, Refusal> {
    let hotel = KeptHotel::lock(tx, by.scope(), hotel_id)?;
    let before = RoomTypeBody::lock_meant(tx, &hotel, room_type_id, expected)?;
    let fields = patch.apply(&before.fields);
    if fields == before.fields {
        return Ok(before);
    }
    fields.check()?;
    before.changed(tx, by, &fields)
}
