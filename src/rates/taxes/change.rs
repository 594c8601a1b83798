//! Change a tax.

use super::wire::{HotelTaxBody, TaxPatch};
use super::{store, subject};
use crate::access::guard::Caller;
use crate::audit::{self, Action};
use crate::db::Tx;
use crate::hotels::staff::{KeptHotel, Refusal};
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
    let before = store::lock(tx, &hotel, tax_id)?.filter(|tax| tax.deleted_at.is_none()).ok_or(Refusal::NotFound)?;
    expected.meets(before.version)?;
    let fields = patch.apply(&before.fields);
    if fields == before.fields {
        return Ok(before);
    }
    fields.check()?;
    let after = store::update(tx, &before, &fields)?;
    audit::record(tx, by, Action::Changed, subject(hotel_id, tax_id), Some(&before), Some(&after))?;
    Ok(after)
}
