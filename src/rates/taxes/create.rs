//! Create a tax.

use super::wire::{HotelTaxBody, TaxFields};
use super::{store, subject};
use crate::access::guard::Caller;
use crate::audit::{self, Action};
use crate::db::Tx;
use crate::hotels::staff::{KeptHotel, Refusal};
use crate::kernel::ids::HotelId;

/// Inserts the tax: from now on it is part of every price.
///
/// Locks: keeps the hotel; inserts. Behind it stands `taxes_value_fits_kind`.
pub fn create(tx: &mut Tx<'_>, by: &Caller, hotel_id: HotelId, fields: &TaxFields) -> Result<HotelTaxBody, Refusal> {
    let hotel = KeptHotel::lock(tx, by.scope(), hotel_id)?;
    let tax = store::insert(tx, &hotel, fields)?;
    audit::record(tx, by, Action::Created, subject(hotel_id, tax.tax_id), None, Some(&tax))?;
    Ok(tax)
}
