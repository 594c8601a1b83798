//! Change a tax.

use super::wire::{HotelTaxBody, TaxPatch};
use crate::access::guard::Caller;
use crate::db::Tx;
use crate::hotels::staff::{Kept, KeptHotel, Part, Refusal};
use crate::kernel::ids::{HotelId, TaxId};
use crate::kernel::version::Expected;

/// Makes the patch's changes; a patch that changes nothing leaves the version as it is.
///
/// Locks: keeps the hotel; the tax. Behind it stands `taxes_value_fits_kind`.
pub fn change(
    tx: &mut Tx<'_>,
    by: &Caller,
    (hotel_id, tax_id): (HotelId, TaxId),
    expected: &Expected,
    patch: TaxPatch,
) -> Result<HotelTaxBody, Refusal> {
    let hotel = KeptHotel::lock(tx, by.scope(), hotel_id)?;
    let before = HotelTaxBody::lock_meant(tx, &hotel, tax_id, expected)?;
    let fields = patch.apply(&before.fields);
    if fields == before.fields {
        return Ok(before);
    }
    fields.check()?;
    before.changed(tx, by, &fields)
}
