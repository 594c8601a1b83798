//! Change a hotel.

use super::wire::{HotelBody, HotelPatch};
use super::{store, subject};
use crate::access::guard::Caller;
use crate::audit::{self, Action};
use crate::db::Tx;
use crate::hotels::staff::{KeptHotel, Refusal};
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
    let before = store::lock(tx, by.scope(), hotel_id)?.filter(|hotel| hotel.deleted_at.is_none());
    let before = before.ok_or(Refusal::NotFound)?;
    expected.meets(before.version)?;
    let fields = patch.apply(&before.fields);
    if fields == before.fields {
        return Ok(before);
    }
    if fields.currency != before.fields.currency && store::has_amounts(tx, hotel_id)? {
        return Err(Refusal::CurrencyInUse);
    }
    let after = store::update(tx, &before, &fields)?;
    audit::record(tx, by, Action::Changed, subject(hotel_id), Some(&before), Some(&after))?;
    Ok(after)
}
