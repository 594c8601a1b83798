//! Change a hotel.

use super::store;
use super::wire::{HotelBody, HotelPatch};
use crate::access::guard::Caller;
use crate::db::Tx;
use crate::hotels::staff::{Kept, KeptHotel, Refusal};
use crate::kernel::ids::HotelId;
use crate::kernel::version::Expected;

/// Makes the patch's changes; a patch that changes nothing leaves the version as it is. Quotes made before are priced
/// again when they are held.
///
/// Locks: the hotel; alone, if its currency is to change, because whoever gives an amount keeps the hotel.
pub fn change(
    tx: &mut Tx<'_>,
    by: &Caller,
    hotel_id: HotelId,
    expected: &Expected,
    patch: HotelPatch,
) -> Result<HotelBody, Refusal> {
    if patch.currency.is_some() {
        KeptHotel::lock_alone(tx, by.scope(), hotel_id)?;
    }
    let before = store::lock(tx, by.scope(), hotel_id)?.ok_or(Refusal::NotFound)?.meant(expected)?;
    let fields = patch.apply(&before.fields);
    if fields == before.fields {
        return Ok(before);
    }
    if fields.currency != before.fields.currency && store::has_amounts(tx, hotel_id)? {
        return Err(Refusal::CurrencyInUse);
    }
    before.changed(tx, by, &fields)
}
