//! End somebody's membership of a hotel.

use super::{store, subject};
use crate::access::guard::Caller;
use crate::audit::{self, Action};
use crate::db::Tx;
use crate::hotels::staff::{KeptHotel, Refusal};
use crate::kernel::ids::{HotelId, UserId};

/// Revokes membership: it counts on the member's next request.
///
/// Locks: keeps the hotel; the membership, by its DELETE.
pub fn revoke(tx: &mut Tx<'_>, by: &Caller, hotel_id: HotelId, user_id: UserId) -> Result<(), Refusal> {
    let hotel = KeptHotel::lock(tx, by.scope(), hotel_id)?;
    let before = store::find(tx, &hotel, user_id)?.ok_or(Refusal::NotFound)?;
    if !store::delete(tx, &hotel, user_id)? {
        return Err(Refusal::NotFound);
    }
    audit::record(tx, by, Action::Revoked, subject(hotel_id, user_id), Some(&before), None)?;
    Ok(())
}
