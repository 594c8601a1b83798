//! Change a room type. Bookings keep what was booked; quotes are looked at again when they are held.

use super::wire::{RoomTypeBody, RoomTypePatch};
use super::{store, subject};
use crate::access::guard::Caller;
use crate::audit::{self, Action};
use crate::db::Tx;
use crate::hotels::staff::{KeptHotel, Refusal};
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
    let before = store::lock(tx, &hotel, room_type_id)?.filter(|room_type| room_type.deleted_at.is_none());
    let before = before.ok_or(Refusal::NotFound)?;
    expected.meets(before.version)?;
    let fields = patch.apply(&before.fields);
    if fields == before.fields {
        return Ok(before);
    }
    fields.check()?;
    let after = store::update(tx, &before, &fields)?;
    audit::record(tx, by, Action::Changed, subject(hotel_id, room_type_id), Some(&before), Some(&after))?;
    Ok(after)
}
