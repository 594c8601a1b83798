//! Delete a hotel, and put it back: it disappears from sale with all that is in it, and nothing is lost.

use super::store;
use super::wire::HotelBody;
use crate::access::guard::Caller;
use crate::db::Tx;
use crate::hotels::staff::{Kept, KeptHotel, Refusal, no_future_bookings};
use crate::kernel::ids::HotelId;
use crate::kernel::version::Expected;

/// Deletes the hotel, unless guests are to stay there or are about to book.
///
/// Locks: the hotel, alone. A placement keeps the hotel before it looks whether it is on sale, so either its hold is
/// counted here, or it finds the hotel gone.
pub fn delete(tx: &mut Tx<'_>, by: &Caller, hotel_id: HotelId, expected: &Expected) -> Result<(), Refusal> {
    let hotel = KeptHotel::lock_alone(tx, by.scope(), hotel_id)?;
    let before = store::lock(tx, by.scope(), hotel_id)?.ok_or(Refusal::NotFound)?.meant(expected)?;
    no_future_bookings(tx, &hotel, None)?;
    before.deleted(tx, by)
}

/// Puts a deleted hotel back as it was. One that is not deleted stays as it is. Nights that passed out of the horizon
/// meanwhile come back with the horizon's next look.
///
/// Locks: the hotel.
pub fn restore(tx: &mut Tx<'_>, by: &Caller, hotel_id: HotelId) -> Result<HotelBody, Refusal> {
    let before = store::lock(tx, by.scope(), hotel_id)?.ok_or(Refusal::NotFound)?;
    if before.deleted_at.is_none() {
        return Ok(before);
    }
    before.restored(tx, by)
}
