//! The calendar: night by night, what a hotel asks and whether a stay can begin or end there.
//!
//! A night is *sellable* by a room type × rate plan if the party fits the room, enough rooms are left, and the night is
//! open, priced and not past at the hotel: what an offer of that one night needs beside its restrictions on arrival,
//! departure, length and advance. Those restrict stays, not nights, and so are told apart from the price.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use diesel::PgConnection;

use super::catalogue::Catalogue;
use crate::db::DbError;
use crate::hotels::store::{self as hotels, RoomType};
use crate::kernel::ids::{HotelId, RatePlanId, RoomTypeId};
use crate::kernel::money::Currency;
use crate::kernel::party::Party;
use crate::rates::plan::RatePlan;
use crate::rates::restrictions::{self, Reason};

/// The cheapest way to sleep there one night.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheapestNight {
    /// For all rooms, every tax in it, in minor units.
    pub total: i64,
    pub room_type_id: RoomTypeId,
    pub rate_plan_id: RatePlanId,
}

/// One day of a hotel.
#[derive(Clone, Debug)]
pub struct Day {
    pub date: NaiveDate,
    /// None where the night is not sellable.
    pub cheapest: Option<CheapestNight>,
    /// The most rooms of one type that are left and on sale that night, fewer than asked for or not.
    pub rooms_left: i32,
    /// Why no stay can begin; empty: one can.
    pub no_arrival: BTreeSet<Reason>,
    /// Why no stay can end; empty: one can.
    pub no_departure: BTreeSet<Reason>,
    /// The shortest stay that can begin, in nights. None: no stay is too short, or none can begin.
    pub min_stay: Option<i16>,
    /// The longest stay that can begin, in nights. None: no stay is too long, or none can begin.
    pub max_stay: Option<i16>,
}

/// The days of a hotel, in order.
#[derive(Clone, Debug)]
pub struct Calendar {
    pub currency: Currency,
    pub days: Vec<Day>,
}

/// One night of a room type × rate plan, for a party.
struct Night<'c> {
    room: &'c RoomType,
    plan: &'c RatePlan,
    /// For all rooms; none: not priced.
    total: Option<i64>,
    /// Of the room type, whoever asks.
    rooms_left: i32,
    /// Why it is not sellable; empty: it is.
    reasons: BTreeSet<Reason>,
}

impl Night<'_> {
    fn is_on_sale(&self) -> bool {
        self.reasons.iter().all(|reason| *reason == Reason::SoldOut)
    }

    fn cheapest(&self) -> Option<CheapestNight> {
        let total = self.total.filter(|_| self.reasons.is_empty())?;
        Some(CheapestNight { total, room_type_id: self.room.room_type_id, rate_plan_id: self.plan.rate_plan_id })
    }
}

/// The shortest and the longest stay that can begin, in nights.
type Lengths = (Option<i16>, Option<i16>);

/// The calendar of the days from `from` up to, not including, `to`. None: no such hotel.
pub fn read(
    conn: &mut PgConnection,
    hotel_id: HotelId,
    from: NaiveDate,
    to: NaiveDate,
    party: &Party,
) -> Result<Option<Calendar>, DbError> {
    let Some(hotel) = hotels::find(conn, hotel_id)? else {
        return Ok(None);
    };
    let currency = hotel.currency;
    // Whether a stay can end on the first day depends on the night before it.
    let eve = from.pred_opt().unwrap_or(from);
    let catalogue = Catalogue::load(conn, hotel, eve, to)?;
    let mut before = nights(&catalogue, eve, party)?;
    let mut days = Vec::new();
    for date in from.iter_days().take_while(|date| *date < to) {
        let tonight = nights(&catalogue, date, party)?;
        days.push(day(&catalogue, date, &before, &tonight));
        before = tonight;
    }
    Ok(Some(Calendar { currency, days }))
}

/// The night of every room type × rate plan.
fn nights<'c>(catalogue: &'c Catalogue, date: NaiveDate, party: &Party) -> Result<Vec<Night<'c>>, DbError> {
    catalogue.pairs().map(|(room, plan)| night(catalogue, room, plan, date, party)).collect()
}

fn night<'c>(
    catalogue: &Catalogue,
    room: &'c RoomType,
    plan: &'c RatePlan,
    date: NaiveDate,
    party: &Party,
) -> Result<Night<'c>, DbError> {
    let stock = catalogue.left.get(&(room.room_type_id, date));
    let rooms_left = stock.map_or(0, |left| left.rooms).max(0);
    let price = catalogue.price(room, plan, std::iter::once(date), party)?;
    let shut = stock.is_none_or(|left| left.closed) || catalogue.restrictions(room, plan, date).closed;
    let reasons = [
        (shut || price.is_none() || date < catalogue.hotel.today(), Reason::Closed),
        (rooms_left < i32::from(party.rooms), Reason::SoldOut),
        (!party.fits(room.max_adults, room.max_children, room.max_occupancy), Reason::Occupancy),
    ];
    Ok(Night {
        room,
        plan,
        total: price.map(|price| price.total.saturating_mul(i64::from(party.rooms))),
        rooms_left,
        reasons: reasons.into_iter().filter_map(|(applies, reason)| applies.then_some(reason)).collect(),
    })
}

fn day(catalogue: &Catalogue, date: NaiveDate, before: &[Night<'_>], tonight: &[Night<'_>]) -> Day {
    let cheapest = tonight.iter().filter_map(Night::cheapest);
    let on_sale = tonight.iter().filter(|night| night.is_on_sale());
    let arrivals = tonight.iter().map(|night| arrival(catalogue, night, date));
    let (can_arrive, no_arrival) = any_or_why(arrivals);
    let (_, no_departure) = any_or_why(before.iter().map(|night| departure(catalogue, night, date)));
    Day {
        date,
        cheapest: cheapest.min_by_key(|night| (night.total, night.room_type_id, night.rate_plan_id)),
        rooms_left: on_sale.map(|night| night.rooms_left).max().unwrap_or(0),
        no_arrival,
        no_departure,
        // A plan without a limit allows more than one with: None is the smallest minimum, and the largest maximum.
        min_stay: can_arrive.iter().map(|(min_stay, _)| *min_stay).min().flatten(),
        max_stay: can_arrive.iter().map(|(_, max_stay)| *max_stay).max_by_key(|max| max.unwrap_or(i16::MAX)).flatten(),
    }
}

/// What a stay that begins there may last, or why none begins. Whether the nights after the first are sellable, and
/// a departure after them allowed, does not count.
fn arrival(catalogue: &Catalogue, night: &Night<'_>, date: NaiveDate) -> Result<Lengths, BTreeSet<Reason>> {
    let own = catalogue.restrictions(night.room, night.plan, date);
    let (min_stay, max_stay) = restrictions::lengths(night.plan, own);
    let forbidding = [
        (own.closed_to_arrival, Reason::ClosedToArrival),
        (!restrictions::in_advance(night.plan, date, catalogue.hotel.today()), Reason::AdvancePurchase),
    ];
    let mut reasons = night.reasons.clone();
    reasons.extend(forbidding.into_iter().filter_map(|(applies, reason)| applies.then_some(reason)));
    if min_stay.zip(max_stay).is_some_and(|(min, max)| min > max) {
        // Every length is too short or too long.
        reasons.extend([Reason::MinStay, Reason::MaxStay]);
    }
    if reasons.is_empty() { Ok((min_stay, max_stay)) } else { Err(reasons) }
}

/// Why no stay ends there, if none does.
fn departure(catalogue: &Catalogue, night_before: &Night<'_>, date: NaiveDate) -> Result<(), BTreeSet<Reason>> {
    let mut reasons = night_before.reasons.clone();
    if catalogue.restrictions(night_before.room, night_before.plan, date).closed_to_departure {
        reasons.insert(Reason::ClosedToDeparture);
    }
    if reasons.is_empty() { Ok(()) } else { Err(reasons) }
}

/// What is possible; if nothing is, everything that forbids any of it. A hotel that sells nothing is closed.
fn any_or_why<T>(candidates: impl Iterator<Item = Result<T, BTreeSet<Reason>>>) -> (Vec<T>, BTreeSet<Reason>) {
    let mut possible = Vec::new();
    let mut why = BTreeSet::new();
    for candidate in candidates {
        match candidate {
            Ok(candidate) => possible.push(candidate),
            Err(reasons) => why.extend(reasons),
        }
    }
    if !possible.is_empty() {
        why.clear();
    } else if why.is_empty() {
        why.insert(Reason::Closed);
    }
    (possible, why)
}
