//! Retire a rate plan, and sell by it again. Quotes of it are held no more; holds and bookings keep their terms.

use super::lists::store as lists;
use super::wire::PlanBody;
use super::{base, store};
use crate::access::guard::Caller;
use crate::db::Tx;
use crate::hotels::staff::{Kept, KeptHotel, Part, Refusal};
use crate::kernel::ids::{HotelId, RatePlanId};
use crate::kernel::version::Expected;

/// Retires the plan, unless others derive from it.
///
/// Locks: keeps the hotel; the plan. Whoever derives from it holds it shared until that is done, so it is counted here.
pub fn delete(
    tx: &mut Tx<'_>,
    by: &Caller,
    (hotel_id, rate_plan_id): (HotelId, RatePlanId),
    expected: &Expected,
) -> Result<(), Refusal> {
    let hotel = KeptHotel::lock(tx, by.scope(), hotel_id)?;
    let before = PlanBody::lock_meant(tx, &hotel, rate_plan_id, expected)?;
    let derived_plans = store::derived_from(tx, &before, None)?;
    if !derived_plans.is_empty() {
        return Err(Refusal::PlanInUse { derived_plans });
    }
    before.deleted(tx, by)
}

/// Sells by the plan again, with the prices that it had. One that is not deleted stays as it is.
///
/// Locks: keeps the hotel; the plan; its base plan, shared.
pub fn restore(
    tx: &mut Tx<'_>,
    by: &Caller,
    (hotel_id, rate_plan_id): (HotelId, RatePlanId),
) -> Result<PlanBody, Refusal> {
    let hotel = KeptHotel::lock(tx, by.scope(), hotel_id)?;
    let before = PlanBody::lock(tx, &hotel, rate_plan_id)?.ok_or(Refusal::NotFound)?;
    if before.deleted_at.is_none() {
        return Ok(before);
    }
    if base::misfit(tx, &hotel, &before.fields)?.is_some() {
        return Err(Refusal::BasePlanUnavailable);
    }
    lists::keep_to_base(tx, hotel_id, rate_plan_id)?;
    before.restored(tx, by)
}
