//! Create a hotel: an empty one, and no night of it is on sale yet.

use super::wire::{HotelBody, HotelFields};
use super::{store, subject};
use crate::access::guard::Caller;
use crate::audit::{self, Action};
use crate::db::Tx;
use crate::hotels::staff::Refusal;
use crate::kernel::ids::HotelId;

/// Inserts the hotel.
///
/// Locks: nothing; inserts. Behind it stand the table's CHECKs.
pub fn create(tx: &mut Tx<'_>, by: &Caller, fields: &HotelFields) -> Result<HotelBody, Refusal> {
    let hotel = store::insert(tx, HotelId::new(), fields)?;
    audit::record(tx, by, Action::Created, subject(hotel.hotel_id), None, Some(&hotel))?;
    Ok(hotel)
}
