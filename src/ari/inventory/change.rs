//! Change the stock of many nights: all of it, or none.

use std::collections::BTreeMap;

use super::store::{self, AtFault, RoomTypes, Short, StockStrip};
use super::wire::{InventoryItem, InventorySet};
use crate::access::guard::Caller;
use crate::ari::bulk::{Bulk, Done};
use crate::ari::refusal::{Below, Fault, Refused, none};
use crate::ari::strips::Strip;
use crate::ari::{patience, trail};
use crate::audit::{Resource, Subject};
use crate::db::{DbError, Tx};
use crate::hotels::staff::{KeptHotel, Refusal};
use crate::hotels::store as hotels;
use crate::inventory::horizon;
use crate::inventory::stock::Nights;
use crate::kernel::ids::HotelId;

/// How a change ended.
#[derive(Debug)]
pub enum Changed {
    Done(Done),
    /// Only expired holds are in the way. Roll back, give their rooms back, and start again.
    InTheWay(Nights),
}

/// Sets what the items say of nights that are there, and makes those that are not. A night that is so already keeps its
/// version; a change of nothing leaves no trace, any other what [`trail::record`] says.
///
/// How many rooms of a night are out of service is written anew where its capacity or allowance is: those whose status says
/// so, and at most as many as there are.
///
/// Locks: keeps the hotel; its room types by id, shared, so that no room goes out of service meanwhile; the nights, in
/// order, as late as can be, for guests wait from then on. Behind it stands `inventory_never_oversold`.
pub fn change(tx: &mut Tx<'_>, by: &Caller, hotel_id: HotelId, bulk: &Bulk<InventoryItem>) -> Result<Changed, Refused> {
    patience(tx)?;
    let hotel = KeptHotel::lock(tx, by.scope(), hotel_id).map_err(|refusal| bulk.refusal(refusal))?;
    let today = hotels::find(tx, hotel_id)?.ok_or(Refusal::NotFound)?.today();
    let room_types = store::share_room_types(tx, &hotel)?;
    bulk.sound(today, foreign(bulk, &room_types))?;
    let strips = strips(bulk, &room_types);
    if store::count(tx, &hotel, &strips)? < bulk.nights {
        // Nights that the horizon has still to add are no holes, and those made now are to leave none behind.
        horizon::extend(tx, hotel_id)?;
    }
    let found = store::lock(tx, &hotel, &strips)?;
    if found < bulk.nights {
        none(without_capacity(bulk, &store::missing(tx, &hotel, &strips)?))?;
    }
    let stale = store::stale(tx, &hotel, &bulk.expecting())?;
    if !stale.is_empty() {
        return Err(Refused::Stale(stale));
    }
    let short = store::short(tx, &hotel, &strips)?;
    let below = below(bulk, &short);
    if !below.is_empty() {
        return Err(Refused::Below(below));
    }
    if !short.is_empty() {
        return Ok(Changed::InTheWay(store::short_nights(tx, &hotel, &strips)?));
    }
    let before = if bulk.is_told() { store::before(tx, &hotel, &strips)? } else { Vec::new() };
    let done = write(tx, &hotel, bulk, &strips, found)?;
    let subject = Subject { hotel_id, resource: Resource::Inventory, resource_id: None };
    trail::record(tx, by, subject, (bulk, done), &before)?;
    Ok(Changed::Done(done))
}

/// Writes what is locked and judged.
fn write(
    tx: &mut Tx<'_>,
    hotel: &KeptHotel<'_>,
    bulk: &Bulk<InventoryItem>,
    strips: &[StockStrip],
    found: i64,
) -> Result<Done, DbError> {
    let updated = store::update(tx, hotel, strips)?;
    let created = if found < bulk.nights { store::create(tx, hotel, strips)? } else { 0 };
    if found + created == bulk.nights {
        Ok(Done { nights: bulk.nights, changed: updated + created, created })
    } else {
        Err(DbError::Conflict("somebody else made some of the nights meanwhile".to_owned()))
    }
}

/// Items of room types that the hotel does not have.
fn foreign(bulk: &Bulk<InventoryItem>, room_types: &RoomTypes) -> Vec<Fault> {
    bulk.unknown(|room_type_id| room_types.contains_key(&room_type_id))
        .map(|item| Fault::of(item, "room_type_id", "is not a room type of this hotel"))
        .collect()
}

/// The nights, each once, with what is to be set of it.
fn strips(bulk: &Bulk<InventoryItem>, room_types: &RoomTypes) -> Vec<StockStrip> {
    let strip = |strip: &Strip<_>| {
        let items = strip.items.iter().filter_map(|item| bulk.items.get(*item));
        StockStrip {
            room_type_id: strip.key,
            span: strip.span,
            set: items.fold(InventorySet::default(), |set, item| set.and(item.set)),
            out_of_service: room_types.get(&strip.key).copied().unwrap_or_default(),
        }
    };
    bulk.strips.iter().map(strip).collect()
}

/// Items with nights that are not there and that nobody gives a capacity.
fn without_capacity(bulk: &Bulk<InventoryItem>, missing: &[store::Missing]) -> Vec<Fault> {
    let mut first = BTreeMap::new();
    for missing in missing {
        for item in bulk.strips.get(missing.strip).into_iter().flat_map(|strip| &strip.items) {
            first.entry(*item).or_insert(missing.first_night);
        }
    }
    let fault =
        |(item, night)| Fault::missing(item, "set.capacity", format!("is needed: there is no night {night} yet"));
    first.into_iter().map(fault).collect()
}

/// What live holds and bookings forbid, by the items that bear on how many rooms can be sold.
fn below(bulk: &Bulk<InventoryItem>, short: &[Short]) -> Vec<Below> {
    let mut by_item: BTreeMap<usize, Below> = BTreeMap::new();
    for (strip, fault) in short.iter().filter_map(|short| Some((short.strip, short.at_fault?))) {
        let items = bulk.strips.get(strip).into_iter().flat_map(|strip| &strip.items);
        for &item in items.filter(|item| bulk.items.get(**item).is_some_and(|item| item.set.moves_rooms())) {
            let AtFault { first_night, nights, committed, sellable } = fault;
            let seen = by_item.entry(item).or_insert(Below { item, first_night, nights: 0, committed, sellable });
            seen.nights += nights;
            if first_night < seen.first_night {
                *seen = Below { first_night, committed, sellable, ..*seen };
            }
        }
    }
    by_item.into_values().collect()
}
