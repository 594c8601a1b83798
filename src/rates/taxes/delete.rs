//! Delete a tax, and put it back.

use super::wire::HotelTaxBody;
use super::{store, subject};
use crate::access::guard::Caller;
use crate::audit::{self, Action};
use crate::db::Tx;
use crate::hotels::staff::{KeptHotel, Refusal};
use crate::kernel::ids::{HotelId, TaxId};
use crate::kernel::version::Expected;

/// Deletes the tax: it is part of no price any more.
///
/// Locks: keeps the hotel; the tax.
pub fn delete(
    tx: &mut Tx<'_>,
    by: &Caller,
    (hotel_id, tax_id): (HotelId, TaxId),
    expected: &Expected,
) -> Result<(), Refusal> {
    let hotel = KeptHotel::lock(tx, by.scope(), hotel_id)?;
    let before = store::lock(tx, &hotel, tax_id)?.filter(|tax| tax.deleted_at.is_none()).ok_or(Refusal::NotFound)?;
    expected.meets(before.version)?;
    let after = store::mark_deleted(tx, &before, true)?;
    audit::record(tx, by, Action::Deleted, subject(hotel_id, tax_id), Some(&before), Some(&after))?;
    Ok(())
}

/// Puts a deleted tax back. One that is not deleted stays as it is.
///
/// Locks: keeps the hotel; the tax.
pub fn restore(tx: &mut Tx<'_>, by: &Caller, (hotel_id, tax_id): (HotelId, TaxId)) -> Result<HotelTaxBody, Refusal> {
    let hotel = KeptHotel::lock(tx, by.scope(), hotel_id)?;
    let before = store::lock(tx, &hotel, tax_id)?.ok_or(Refusal::NotFound)?;
    if before.deleted_at.is_none() {
        return Ok(before);
    }
    let after = store::mark_deleted(tx, &before, false)?;
    audit::record(tx, by, Action::Restored, subject(hotel_id, tax_id), Some(&before), Some(&after))?;
    Ok(after)
}
