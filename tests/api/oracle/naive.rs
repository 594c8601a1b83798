//! What the world is worth, computed as slowly and plainly as the rules read. Nothing here comes from the crate.

use std::cmp::{max, min};
use std::collections::BTreeSet;

use super::world::{Ask, House, Kind, Plan, Rate, Step, Stock};

pub type Reasons = BTreeSet<String>;

/// A room type × rate plan for an ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    pub room: usize,
    pub plan: usize,
    /// Total and due now, for all rooms; none: not priced.
    pub price: Option<(i128, i128)>,
    pub left: i32,
    pub reasons: Reasons,
}

/// A day of a hotel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// Total, room type, plan.
    pub cheapest: Option<(i128, usize, usize)>,
    pub left: i32,
    pub no_arrival: Reasons,
    pub no_departure: Reasons,
    pub min_stay: Option<i16>,
    pub max_stay: Option<i16>,
}

/// `numerator ÷ denominator`, halves away from zero.
fn half_up(numerator: i128, denominator: i128) -> i128 {
    numerator.signum() * ((2 * numerator.abs() + denominator) / (2 * denominator))
}

fn stock(house: &House, room: usize, day: usize) -> Option<&Stock> {
    house.rooms[room].stock.get(day)?.as_ref()
}

fn rate(plan: &Plan, room: usize, day: usize) -> Option<&Rate> {
    plan.rates[room].get(day)?.as_ref().filter(|_| plan.sells[room])
}

/// Rooms that nobody has: an expired hold has none.
fn left(house: &House, room: usize, day: usize) -> i32 {
    stock(house, room, day).map_or(0, |s| {
        let [waiting, paying, _expired] = s.held;
        s.capacity - s.out_of_service + s.allowance - s.sold - waiting - paying
    })
}

fn pairs(house: &House) -> Vec<(usize, usize)> {
    let all = (0..house.rooms.len()).flat_map(|room| (0..house.plans.len()).map(move |plan| (room, plan)));
    all.filter(|(room, plan)| house.plans[*plan].sells[*room] && !house.plans[*plan].deleted).collect()
}

fn fits(house: &House, room: usize, ask: &Ask) -> bool {
    let children = i16::try_from(ask.children.len()).expect("a few");
    let room = &house.rooms[room];
    ask.adults <= room.max_adults && children <= room.max_children && ask.adults + children <= room.max_occupancy
}

/// What the hotel shows for one room and night, included taxes in it.
fn shown(house: &House, room: usize, plan: usize, day: usize, children: &[i16]) -> Option<i128> {
    let plan = &house.plans[plan];
    let stored = |plan: &Plan| rate(plan, room, day).and_then(|rate| rate.price).map(i128::from);
    let night = match plan.base {
        None => stored(plan)?,
        Some((base, Step::Amount(more))) => max(0, stored(&house.plans[base])? + i128::from(more)),
        Some((base, Step::Percent(more))) => {
            max(0, half_up(stored(&house.plans[base])? * (100_000 + i128::from(more)), 100_000))
        }
    };
    let mut supplements = 0;
    for age in children {
        let mut bands: Vec<_> = plan.bands.iter().filter(|(to, _)| to >= age).collect();
        bands.sort_unstable();
        supplements += bands.first().map_or(0, |(_, amount)| i128::from(*amount));
    }
    Some(night + supplements)
}

/// One room's night: its total, and how much of that is a tax to be paid at the property.
fn night(house: &House, room: usize, plan: usize, day: usize, ask: &Ask) -> Option<(i128, i128)> {
    let shown = shown(house, room, plan, day, &ask.children)?;
    let persons = i128::from(ask.adults) + i128::try_from(ask.children.len()).expect("a few");
    let taxes: Vec<_> = house.taxes.iter().filter(|tax| !tax.deleted).collect();
    let fixed = |kind: Kind, value: i64| match kind {
        Kind::Percent => 0,
        Kind::PerNight => i128::from(value),
        Kind::PerPersonNight => i128::from(value) * persons,
    };
    let included: Vec<_> = taxes.iter().filter(|tax| tax.included).collect();
    let all_fixed: i128 = included.iter().map(|tax| fixed(tax.kind, tax.value)).sum();
    let percents = included.iter().filter(|tax| tax.kind == Kind::Percent).map(|tax| i128::from(tax.value));
    let gross = 100_000 + percents.sum::<i128>();
    let inside = |kind: Kind, value: i64| match kind {
        Kind::Percent => half_up((shown - all_fixed) * i128::from(value), gross),
        _ => fixed(kind, value),
    };
    let base = shown - included.iter().map(|tax| inside(tax.kind, tax.value)).sum::<i128>();
    if base < 0 {
        return None;
    }
    let (mut total, mut later) = (base, 0);
    for tax in taxes {
        let amount = match (tax.included, tax.kind) {
            (true, kind) => inside(kind, tax.value),
            (false, Kind::Percent) => half_up(base * i128::from(tax.value), 100_000),
            (false, kind) => fixed(kind, tax.value),
        };
        total += amount;
        later += if tax.at_property { amount } else { 0 };
    }
    Some((total, later))
}

fn price(house: &House, room: usize, plan: usize, ask: &Ask) -> Option<(i128, i128)> {
    let (mut total, mut later) = (0, 0);
    for day in ask.check_in..ask.check_in + ask.nights {
        let (all, at_property) = night(house, room, plan, day, ask)?;
        total += all;
        later += at_property;
    }
    if house.plans[plan].at_property {
        later = total;
    }
    let rooms = i128::from(ask.rooms);
    Some((rooms * total, rooms * (total - later)))
}

/// The fewest and the most nights from that day on.
fn lengths(plan: &Plan, room: usize, day: usize) -> (Option<i16>, Option<i16>) {
    let own = rate(plan, room, day);
    (own.and_then(|rate| rate.min_stay).or(plan.min_stay), own.and_then(|rate| rate.max_stay).or(plan.max_stay))
}

fn in_advance(plan: &Plan, day: usize) -> bool {
    let day = i16::try_from(day).expect("soon");
    plan.min_advance.is_none_or(|least| day >= least) && plan.max_advance.is_none_or(|most| day <= most)
}

fn is(plan: &Plan, room: usize, day: usize, what: impl Fn(&Rate) -> bool) -> bool {
    rate(plan, room, day).is_some_and(what)
}

fn shut(house: &House, room: usize, plan: usize, day: usize) -> bool {
    stock(house, room, day).is_none_or(|s| s.closed) || is(&house.plans[plan], room, day, |rate| rate.closed)
}

fn named(reasons: &[(bool, &str)]) -> Reasons {
    reasons.iter().filter(|(applies, _)| *applies).map(|(_, name)| (*name).to_owned()).collect()
}

/// Every offer, on sale or not, in the order of room types and plans.
pub fn offers(house: &House, ask: &Ask) -> Vec<Offered> {
    let nights = ask.check_in..ask.check_in + ask.nights;
    let length = i16::try_from(ask.nights).expect("a few");
    let offer = |(room, number): (usize, usize)| {
        let plan = &house.plans[number];
        let price = price(house, room, number, ask);
        let left = nights.clone().map(|day| left(house, room, day)).min().expect("a night");
        let (least, most) = lengths(plan, room, ask.check_in);
        let reasons = named(&[
            (price.is_none() || nights.clone().any(|day| shut(house, room, number, day)), "closed"),
            (left < i32::from(ask.rooms), "sold_out"),
            (!fits(house, room, ask), "occupancy"),
            (least.is_some_and(|least| length < least), "min_stay"),
            (most.is_some_and(|most| length > most), "max_stay"),
            (is(plan, room, nights.start, |rate| rate.no_arrival), "closed_to_arrival"),
            (is(plan, room, nights.end, |rate| rate.no_departure), "closed_to_departure"),
            (!in_advance(plan, ask.check_in), "advance_purchase"),
        ]);
        Offered { room, plan: number, price, left: min(left, 9), reasons }
    };
    pairs(house).into_iter().map(offer).collect()
}

/// Why nobody sleeps there that night. What was before today has been.
fn night_reasons(house: &House, room: usize, plan: usize, day: Option<usize>, ask: &Ask) -> Reasons {
    let Some(day) = day else {
        return Reasons::from(["past".to_owned()]);
    };
    named(&[
        (shut(house, room, plan, day) || night(house, room, plan, day, ask).is_none(), "closed"),
        (left(house, room, day) < i32::from(ask.rooms), "sold_out"),
        (!fits(house, room, ask), "occupancy"),
    ])
}

fn union(candidates: &[Reasons]) -> Reasons {
    match candidates.iter().any(BTreeSet::is_empty) {
        true => Reasons::new(),
        false if candidates.is_empty() => Reasons::from(["closed".to_owned()]),
        false => candidates.iter().flatten().cloned().collect(),
    }
}

/// One day for the ask's party.
pub fn day(house: &House, ask: &Ask, at: usize) -> Day {
    let (mut arrivals, mut departures, mut begins, mut costs) = (vec![], vec![], vec![], vec![]);
    let mut most_left = 0;
    for (room, number) in pairs(house) {
        let plan = &house.plans[number];
        let mut arrival = night_reasons(house, room, number, Some(at), ask);
        if arrival.is_empty() {
            let (total, _) = night(house, room, number, at, ask).expect("a price");
            costs.push((total * i128::from(ask.rooms), room, number));
        }
        if !arrival.contains("closed") && !arrival.contains("occupancy") {
            most_left = max(most_left, min(9, left(house, room, at)));
        }
        let (least, most) = lengths(plan, room, at);
        let never = least.is_some_and(|least| most.is_some_and(|most| least > most));
        arrival.extend(named(&[
            (is(plan, room, at, |rate| rate.no_arrival), "closed_to_arrival"),
            (!in_advance(plan, at), "advance_purchase"),
            (never, "min_stay"),
            (never, "max_stay"),
        ]));
        if arrival.is_empty() {
            begins.push((least.unwrap_or(0), most.unwrap_or(i16::MAX)));
        }
        arrivals.push(arrival);
        let mut departure = night_reasons(house, room, number, at.checked_sub(1), ask);
        departure.extend(named(&[(is(plan, room, at, |rate| rate.no_departure), "closed_to_departure")]));
        departures.push(departure);
    }
    Day {
        cheapest: costs.into_iter().min(),
        left: most_left,
        no_arrival: union(&arrivals),
        no_departure: union(&departures),
        min_stay: begins.iter().map(|(least, _)| *least).min().filter(|least| *least > 0),
        max_stay: begins.iter().map(|(_, most)| *most).max().filter(|most| *most < i16::MAX),
    }
}
