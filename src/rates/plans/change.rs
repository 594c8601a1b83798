//! Change a rate plan.

use super::patch::PlanPatch;
use super::wire::{PlanBody, PlanFields};
use super::{base, store};
use crate::access::guard::Caller;
use crate::db::Tx;
use crate::hotels::staff::{Kept, KeptHotel, Part, Refusal};
use crate::kernel::ids::{HotelId, RatePlanId};
use crate::kernel::version::Expected;

/// Makes the patch's changes; a patch that changes nothing leaves the version as it is.
///
/// Locks: keeps the hotel; the plan; its base plan, shared. Behind it stands `rate_plans_derived_from_base`.
pub fn change(
    tx: &mut Tx<'_>,
    by: &Caller,
    (hotel_id, rate_plan_id): (HotelId, RatePlanId),
    expected: &Expected,
    patch: PlanPatch,
) -> Result<PlanBody, Refusal> {
    let hotel = KeptHotel::lock(tx, by.scope(), hotel_id)?;
    let before = PlanBody::lock_meant(tx, &hotel, rate_plan_id, expected)?;
    let fields = patch.apply(&before.fields);
    if fields == before.fields {
        return Ok(before);
    }
    fields.check()?;
    base::fits(tx, &hotel, &fields)?;
    same_kind(&before.fields, &fields)?;
    sells_what_others_need(tx, &before, &fields)?;
    before.changed(tx, by, &fields)
}

/// A base plan that became derived would lose its prices, and a derived one that became base would have none.
fn same_kind(before: &PlanFields, after: &PlanFields) -> Result<(), Refusal> {
    match (&before.derived_from, &after.derived_from) {
        (None, Some(_)) => {
            Err(Refusal::invalid("derived_from", "a base plan stays one: create a derived plan beside it"))
        }
        (Some(_), None) => {
            Err(Refusal::invalid("derived_from", "a derived plan stays one: create a base plan beside it"))
        }
        (None, None) | (Some(_), Some(_)) => Ok(()),
    }
}

/// Refuses to stop selling what plans that derive from this one sell.
fn sells_what_others_need(tx: &mut Tx<'_>, before: &PlanBody, after: &PlanFields) -> Result<(), Refusal> {
    let sold = before.fields.room_type_ids.iter();
    let removed: Vec<_> = sold.filter(|id| !after.room_type_ids.contains(id)).copied().collect();
    let derived_plans = store::derived_from(tx, before, Some(&removed))?;
    if derived_plans.is_empty() { Ok(()) } else { Err(Refusal::PlanInUse { derived_plans }) }
}
