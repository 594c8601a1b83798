//! Change the rates of many nights: all of it, or none.

use std::collections::BTreeMap;

use super::store::{self, NightSet, RateStrip, Sold};
use super::wire::RateItem;
use crate::access::guard::Caller;
use crate::ari::bulk::{Bulk, Done};
use crate::ari::refusal::{Fault, Refused, none};
use crate::ari::{patience, trail};
use crate::audit::{Resource, Subject};
use crate::db::{DbError, Tx};
use crate::hotels::staff::{KeptHotel, Refusal};
use crate::hotels::store as hotels;
use crate::kernel::ids::HotelId;

/// Sets what the items say. A night that is so already keeps its version; a change of nothing leaves no trace, any other what
/// [`trail::record`] says. Quotes made before are looked at again when they are held.
///
/// Locks: keeps the hotel; the rates in order. Behind it stands the primary key of `rates`.
pub fn change(tx: &mut Tx<'_>, by: &Caller, hotel_id: HotelId, bulk: &Bulk<RateItem>) -> Result<Done, Refused> {
    patience(tx)?;
    let hotel = KeptHotel::lock(tx, by.scope(), hotel_id).map_err(|refusal| bulk.refusal(refusal))?;
    let today = hotels::find(tx, hotel_id)?.ok_or(Refusal::NotFound)?.today();
    let sold = store::sold(tx, &hotel)?;
    let mut faults = foreign(bulk, &sold);
    faults.extend(of_another_currency(bulk, &hotel));
    bulk.sound(today, faults)?;
    let strips = strips(bulk);
    store::lock(tx, &hotel, &strips)?;
    none(contradictory(bulk, &store::contradictory(tx, &hotel, &strips)?))?;
    let stale = store::stale(tx, &hotel, &bulk.expecting())?;
    if !stale.is_empty() {
        return Err(Refused::Stale(stale));
    }
    let derived = derived(bulk, &sold);
    if !derived.is_empty() {
        return Err(Refused::RateIsDerived(derived));
    }
    let before = if bulk.is_told() { store::before(tx, &hotel, &strips)? } else { Vec::new() };
    let done = Done { nights: bulk.nights, ..write(tx, &hotel, &strips)? };
    let subject = Subject { hotel_id, resource: Resource::Rates, resource_id: None };
    trail::record(tx, by, subject, (bulk, done), &before)?;
    Ok(done)
}

/// Writes strips whose nights are locked, and which do not contradict what is stored.
pub fn write(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, strips: &[RateStrip]) -> Result<Done, DbError> {
    let updated = store::update(tx, hotel, strips)?;
    let created = store::create(tx, hotel, strips)?;
    let created =
        created.ok_or_else(|| DbError::Conflict("somebody else set some of the nights meanwhile".to_owned()))?;
    let nights = strips.iter().map(|strip| strip.span.nights()).sum();
    Ok(Done { nights, changed: updated + created, created })
}

/// Items of what the hotel does not have, or does not sell together.
fn foreign(bulk: &Bulk<RateItem>, sold: &Sold) -> Vec<Fault> {
    let fault = |item| {
        let (plan, room_type) = bulk.items.get(item).map(|item: &RateItem| (item.rate_plan_id, item.room_type_id))?;
        Some(if !sold.plans.contains_key(&plan) {
            Fault::of(item, "rate_plan_id", "is not a rate plan of this hotel")
        } else if !sold.room_types.contains(&room_type) {
            Fault::of(item, "room_type_id", "is not a room type of this hotel")
        } else {
            Fault::of(item, "room_type_id", "is not sold by this rate plan")
        })
    };
    let sells = |(plan, room_type)| {
        sold.pairs.contains(&(plan, room_type))
            && sold.plans.contains_key(&plan)
            && sold.room_types.contains(&room_type)
    };
    bulk.unknown(sells).filter_map(fault).collect()
}

fn of_another_currency(bulk: &Bulk<RateItem>, hotel: &KeptHotel<'_>) -> Vec<Fault> {
    let fault = |(at, item): (usize, &RateItem)| {
        let price = item.set.price.flatten().filter(|price| price.currency != hotel.currency)?;
        let message = format!("must be {}, the hotel's, and is {}", hotel.currency, price.currency);
        Some(Fault::of(at, "set.price.currency", message))
    };
    bulk.items.iter().enumerate().filter_map(fault).collect()
}

/// Items that set a price where it is computed.
fn derived(bulk: &Bulk<RateItem>, sold: &Sold) -> Vec<usize> {
    let is_derived = |item: &RateItem| {
        item.set.price.is_some() && sold.plans.get(&item.rate_plan_id).is_some_and(|derived| *derived)
    };
    bulk.items.iter().enumerate().filter_map(|(at, item)| is_derived(item).then_some(at)).collect()
}

/// The nights, each once, with what is to be set of it.
fn strips(bulk: &Bulk<RateItem>) -> Vec<RateStrip> {
    let strips = bulk.strips.iter().map(|strip| {
        let items = strip.items.iter().filter_map(|item| bulk.items.get(*item));
        let (rate_plan_id, room_type_id) = strip.key;
        let set = items.fold(NightSet::default(), |set, item| set.and(item.set.night()));
        RateStrip { rate_plan_id, room_type_id, span: strip.span, set }
    });
    strips.collect()
}

/// Items that would leave a night whose stays are to be longer than they may be.
fn contradictory(bulk: &Bulk<RateItem>, strips: &[(usize, chrono::NaiveDate)]) -> Vec<Fault> {
    let mut faults = BTreeMap::new();
    for (strip, night) in strips {
        for &at in bulk.strips.get(*strip).into_iter().flat_map(|strip| &strip.items) {
            let field = match bulk.items.get(at).map(|item| item.set) {
                Some(set) if set.min_stay.is_some() => "set.min_stay",
                Some(set) if set.max_stay.is_some() => "set.max_stay",
                _ => continue,
            };
            let message = format!("min_stay would be more than max_stay on {night}");
            faults.entry(at).or_insert_with(|| Fault::of(at, field, message));
        }
    }
    faults.into_values().collect()
}
