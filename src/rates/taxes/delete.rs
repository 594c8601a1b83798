//! Delete a tax, and put it back.

use super::wire::HotelTaxBody;
use crate::access::guard::Caller;
use crate::db::Tx;
use crate::hotels::staff::{Kept, KeptHotel, Part, Refusal};
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
    HotelTaxBody::lock_meant(tx, &hotel, tax_id, expected)?.deleted(tx, by)
}

/// Puts a deleted tax back. One that is not deleted stays as it is.
///
/// Locks: keeps the hotel; the tax.
pub fn restore(tx: &mut Tx<'_>, by: &Caller, (hotel_id, tax_id): (HotelId, TaxId)) -> Result<HotelTaxBody, Refusal> {
    let hotel = KeptHotel::lock(tx, by.scope(), hotel_id)?;
    let before = HotelTaxBody::lock(tx, &hotel, tax_id)?.ok_or(Refusal::NotFound)?;
    if before.deleted_at.is_none() {
        return Ok(before);
    }
    before.restored(tx, by)
}
