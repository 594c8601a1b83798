//! Random hotels and what is asked of them. Days count from the hotels' today.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;

/// Days with stock and rates.
pub const DAYS: usize = 7;

#[derive(Clone, Debug)]
pub struct Stock {
    pub capacity: i32,
    pub out_of_service: i32,
    pub allowance: i32,
    pub sold: i32,
    /// In a hold that waits, in one that is being paid past its expiry, in one that has expired.
    pub held: [i32; 3],
    pub closed: bool,
}

#[derive(Clone, Debug)]
pub struct Room {
    pub max_adults: i16,
    pub max_children: i16,
    pub max_occupancy: i16,
    pub stock: Vec<Option<Stock>>,
}

#[derive(Clone, Debug)]
pub struct Rate {
    pub price: Option<i64>,
    pub min_stay: Option<i16>,
    pub max_stay: Option<i16>,
    pub closed: bool,
    pub no_arrival: bool,
    pub no_departure: bool,
}

/// What a derived plan adds; thousandths of a percent, or minor units.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    Percent(i64),
    Amount(i64),
}

#[derive(Clone, Debug)]
pub struct Plan {
    /// Which of the hotel's plans it is derived from.
    pub base: Option<(usize, Step)>,
    /// By room type.
    pub sells: [bool; 2],
    pub deleted: bool,
    pub at_property: bool,
    pub min_stay: Option<i16>,
    pub max_stay: Option<i16>,
    pub min_advance: Option<i16>,
    pub max_advance: Option<i16>,
    /// Ages and supplements.
    pub bands: Vec<(i16, i64)>,
    /// By room type and day.
    pub rates: [Vec<Option<Rate>>; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Thousandths of a percent.
    Percent,
    PerNight,
    PerPersonNight,
}

#[derive(Clone, Debug)]
pub struct Tax {
    pub kind: Kind,
    pub value: i64,
    pub included: bool,
    pub at_property: bool,
    pub deleted: bool,
}

#[derive(Clone, Debug)]
pub struct House {
    pub currency: &'static str,
    pub rooms: Vec<Room>,
    /// Derived plans stand behind all others.
    pub plans: Vec<Plan>,
    pub taxes: Vec<Tax>,
}

#[derive(Clone, Debug)]
pub struct Ask {
    pub check_in: usize,
    pub nights: usize,
    pub adults: i16,
    pub children: Vec<i16>,
    pub rooms: i16,
}

#[derive(Clone, Debug)]
pub struct World {
    pub houses: Vec<House>,
    pub asks: Vec<Ask>,
}

fn seldom(probability: f64) -> impl Strategy<Value = bool> {
    proptest::bool::weighted(probability)
}

fn stock() -> impl Strategy<Value = Stock> {
    let numbers = (0..=11i32, 0..=2i32, 0..=2i32, 0..=4i32, [0..=2i32, 0..=1i32, 0..=3i32]);
    (numbers, seldom(0.04)).prop_map(|((capacity, out, allowance, sold, held), closed)| {
        let out_of_service = out.min(capacity);
        let mut free = capacity - out_of_service + allowance;
        // What the table's own CHECK allows.
        let mut take = |wanted: i32| {
            let taken = wanted.min(free);
            free -= taken;
            taken
        };
        Stock { capacity, out_of_service, allowance, sold: take(sold), held: held.map(&mut take), closed }
    })
}

fn room() -> impl Strategy<Value = Room> {
    (1..=4i16, 0..=3i16, 2..=6i16, vec(weighted(0.98, stock()), DAYS)).prop_map(
        |(max_adults, max_children, max_occupancy, stock)| Room { max_adults, max_children, max_occupancy, stock },
    )
}

/// A few minor units, where every rounding shows, or what a room costs.
fn price() -> impl Strategy<Value = i64> {
    prop_oneof![1 => 0..=40i64, 14 => 900..=30_000i64]
}

fn rate() -> impl Strategy<Value = Rate> {
    let lengths = (weighted(0.08, 1..=4i16), weighted(0.08, 1..=4i16));
    (weighted(0.98, price()), lengths, seldom(0.03), seldom(0.08), seldom(0.08)).prop_map(
        |(price, (min_stay, max_stay), closed, no_arrival, no_departure)| Rate {
            price,
            min_stay,
            max_stay,
            closed,
            no_arrival,
            no_departure,
        },
    )
}

/// From a first number and a distance: in order, where both are there.
fn limits(first: std::ops::RangeInclusive<i16>) -> impl Strategy<Value = (Option<i16>, Option<i16>)> {
    (weighted(0.1, first), weighted(0.1, 1..=4i16))
        .prop_map(|(least, more)| (least, more.map(|more| least.unwrap_or(1) + more)))
}

fn plan() -> impl Strategy<Value = Plan> {
    let words = ([seldom(0.9), seldom(0.9)], seldom(0.04), seldom(0.2));
    let bands = proptest::collection::btree_map(0..=17i16, 0..=2_500i64, 0..=3);
    let rates = [vec(weighted(0.98, rate()), DAYS), vec(weighted(0.98, rate()), DAYS)];
    (words, limits(1..=3), limits(0..=3), bands, rates).prop_map(|(words, stay, advance, bands, rates)| {
        let (sells, deleted, at_property) = words;
        Plan {
            base: None,
            sells,
            deleted,
            at_property,
            min_stay: stay.0,
            max_stay: stay.1,
            min_advance: advance.0,
            max_advance: advance.1,
            bands: bands.into_iter().collect(),
            rates,
        }
    })
}

fn derived() -> impl Strategy<Value = (Plan, usize, Step)> {
    let percent = (-99_999..=60_000i64).prop_map(Step::Percent);
    let amount = (-12_000..=6_000i64).prop_map(Step::Amount);
    (plan(), 0..2usize, prop_oneof![percent, amount])
}

fn tax() -> impl Strategy<Value = Tax> {
    let value = prop_oneof![
        2 => (Just(Kind::Percent), 0..=25_000i64),
        1 => (Just(Kind::PerNight), 0..=400i64),
        1 => (Just(Kind::PerPersonNight), 0..=150i64),
    ];
    (value, any::<bool>(), any::<bool>(), seldom(0.1)).prop_map(|((kind, value), included, at_property, deleted)| Tax {
        kind,
        value,
        included,
        at_property,
        deleted,
    })
}

fn house() -> impl Strategy<Value = House> {
    let currency = prop_oneof![3 => Just("EUR"), 1 => Just("JPY")];
    (currency, vec(room(), 1..=2), vec(plan(), 1..=2), vec(derived(), 0..=2), vec(tax(), 0..=4)).prop_map(
        |(currency, rooms, mut plans, derived, taxes)| {
            let bases = plans.len();
            plans.extend(derived.into_iter().map(|(mut plan, base, step)| {
                plan.base = Some((base % bases, step));
                // Its rows hold restrictions only.
                plan.rates.iter_mut().flatten().flatten().for_each(|rate| rate.price = None);
                plan
            }));
            House { currency, rooms, plans, taxes }
        },
    )
}

fn ask() -> impl Strategy<Value = Ask> {
    let rooms = prop_oneof![4 => Just(1i16), 1 => 2..=4i16];
    (0..DAYS - 1, 1..=3usize, 1..=3i16, vec(0..=17i16, 0..=2), rooms)
        .prop_map(|(check_in, nights, adults, children, rooms)| Ask { check_in, nights, adults, children, rooms })
}

/// Up to four hotels, and some stays to ask all of them for.
pub fn world() -> impl Strategy<Value = World> {
    (vec(house(), 1..=4), vec(ask(), 1..=5)).prop_map(|(houses, asks)| World { houses, asks })
}
