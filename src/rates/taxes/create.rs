//! Create a tax.

use super::store;
use super::wire::{HotelTaxBody, TaxFields};
use crate::access::guard::Caller;
use crate::db::Tx;
use crate::hotels::staff::{Kept, KeptHotel, Refusal};
use crate::kernel::ids::HotelId;

/// Inserts the tax: from now on it is part of every price.
///
/// Locks: keeps the hotel; inserts. Behind it stands `taxes_value_fits_kind`.
pub fn create(tx: &mut Tx<'_>, by: &Caller, hotel_id: HotelId, fields: &TaxFields) -> Result<HotelTaxBody, Refusal> {
    let hotel = KeptHotel::lock(tx, by.scope(), hotel_id)?;
    store::insert(tx, &hotel, fields)?.created(tx, by)
}
