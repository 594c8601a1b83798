//! What a plan may be made of: room types of its hotel, and a base plan that sells as much.

use super::lists::store as lists;
use super::store;
use super::wire::PlanFields;
use crate::db::Tx;
use crate::hotels::staff::{KeptHotel, Refusal};
use crate::hotels::store as hotels;

/// Why a derived plan does not fit its base plan.
pub(super) enum Misfit {
    /// There is no such plan, or it is deleted, or is derived itself.
    NoBase,
    /// The base plan does not sell the room type at this place of the list.
    NotSold { at: usize },
}

/// Refuses room types that are not the hotel's, and a base plan that is none or sells less.
///
/// Locks: the base plan, shared, so that it stays and sells as much until this is done.
pub(super) fn fits(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, fields: &PlanFields) -> Result<(), Refusal> {
    let own = hotels::room_types(tx, hotel.hotel_id)?;
    let is_foreign = |id| !own.iter().any(|room_type| room_type.room_type_id == id);
    if let Some(at) = fields.room_type_ids.iter().position(|id| is_foreign(*id)) {
        return Err(Refusal::invalid(format!("room_type_ids[{at}]"), "is no room type of this hotel"));
    }
    match misfit(tx, hotel, fields)? {
        None => Ok(()),
        Some(Misfit::NoBase) => Err(Refusal::invalid(
            "derived_from.rate_plan_id",
            "must be a base plan of this hotel: plans derive in no chain and no circle",
        )),
        Some(Misfit::NotSold { at }) => {
            Err(Refusal::invalid(format!("room_type_ids[{at}]"), "is not sold by the base plan"))
        }
    }
}

/// The same of the base plan alone.
pub(super) fn misfit(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, fields: &PlanFields) -> Result<Option<Misfit>, Refusal> {
    let Some(derived) = &fields.derived_from else {
        return Ok(None);
    };
    let base = store::share(tx, hotel, derived.rate_plan_id)?;
    let Some(base) = base.filter(|plan| plan.deleted_at.is_none() && plan.fields.derived_from.is_none()) else {
        return Ok(Some(Misfit::NoBase));
    };
    let sold = lists::links_of(tx, &base)?;
    let missing = fields.room_type_ids.iter().position(|id| !sold.contains(id));
    Ok(missing.map(|at| Misfit::NotSold { at }))
}
