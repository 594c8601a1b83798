//! Create a hotel: an empty one, and no night of it is on sale yet.

use super::store;
use super::wire::{HotelBody, HotelFields};
use crate::access::guard::Caller;
use crate::db::Tx;
use crate::hotels::staff::{Kept, Refusal};
use crate::kernel::ids::HotelId;

/// Inserts the hotel.
///
/// Locks: nothing; inserts. Behind it stand the table's CHECKs.
pub fn create(tx: &mut Tx<'_>, by: &Caller, fields: &HotelFields) -> Result<HotelBody, Refusal> {
    store::insert(tx, HotelId::new(), fields)?.created(tx, by)
}
