//! Create a rate plan. A base plan is on sale once its nights have prices; a derived plan at once, where its base plan is.

use super::wire::{PlanBody, PlanFields};
use super::{base, store};
use crate::access::guard::Caller;
use crate::db::Tx;
use crate::hotels::staff::{Kept, KeptHotel, Refusal};
use crate::kernel::ids::HotelId;

/// Inserts the plan with its lists.
///
/// Locks: keeps the hotel; the base plan, shared; inserts. Behind it stand `rate_plans_derived_from_base` and
/// `rate_plans_derivation_whole`.
pub fn create(tx: &mut Tx<'_>, by: &Caller, hotel_id: HotelId, fields: &PlanFields) -> Result<PlanBody, Refusal> {
    let hotel = KeptHotel::lock(tx, by.scope(), hotel_id)?;
    base::fits(tx, &hotel, fields)?;
    store::insert(tx, &hotel, fields)?.created(tx, by)
}
