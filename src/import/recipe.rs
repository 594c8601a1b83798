//! What an imported hotel is given beyond its line: room types, plans, taxes and prices, the same in every run.
//!
//! * **Room types**: 30 % of the rooms are superior, 10 % suites, both rounded down; the rest are standard. A type
//!   without rooms is left out.
//! * **Plans**: Flexible (free until 48 h before check-in, the first night until 24 h); Non-refundable, 12 % off;
//!   Flexible with breakfast; Pay at the property, 6 % on top and free until 18 h.
//! * **Taxes**: VAT of 10 % within the price; a city tax per person and night by stars, at the property.
//! * **Prices**: by stars, within 10 % by the hotel's key; superior 135 %, suite 220 % of standard; 15 % more on Fridays
//!   and Saturdays; 20 % more in July and August, 10 % less from November to February; in whole units of the currency.

use chrono::{Datelike, NaiveDate, Weekday};
use uuid::{Builder, Uuid};

use super::hotel::HotelLine;
use crate::kernel::secret::sha256;

/// A kind of room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomKind {
    pub name: &'static str,
    pub max_adults: i16,
    pub max_children: i16,
    pub max_occupancy: i16,
    /// Of the standard room's price.
    percent: i64,
    /// Names its id.
    part: u8,
}

const STANDARD: RoomKind =
    RoomKind { name: "Standard double", max_adults: 2, max_children: 1, max_occupancy: 3, percent: 100, part: 10 };
const SUPERIOR: RoomKind =
    RoomKind { name: "Superior double", max_adults: 2, max_children: 2, max_occupancy: 4, percent: 135, part: 11 };
const SUITE: RoomKind =
    RoomKind { name: "Suite", max_adults: 4, max_children: 3, max_occupancy: 6, percent: 220, part: 12 };

/// A plan; the first is the base of the others.
#[derive(Clone, Copy, Debug)]
pub struct PlanKind {
    pub name: &'static str,
    pub meal_plan: &'static str,
    pub payment_policy: &'static str,
    /// Of the base plan's night.
    pub percent: Option<i64>,
    /// Whether breakfast is added to the base plan's night.
    pub with_breakfast: bool,
    /// (hours before check-in, nights it costs until then).
    pub tiers: &'static [(i32, i16)],
    part: u8,
}

/// The four usual plans.
pub const PLANS: [PlanKind; 4] = [
    PlanKind {
        name: "Flexible",
        meal_plan: "room_only",
        payment_policy: "prepaid",
        percent: None,
        with_breakfast: false,
        tiers: &[(48, 0), (24, 1)],
        part: 30,
    },
    PlanKind {
        name: "Non-refundable",
        meal_plan: "room_only",
        payment_policy: "prepaid",
        percent: Some(-12),
        with_breakfast: false,
        tiers: &[],
        part: 31,
    },
    PlanKind {
        name: "Flexible with breakfast",
        meal_plan: "breakfast",
        payment_policy: "prepaid",
        percent: None,
        with_breakfast: true,
        tiers: &[(48, 0), (24, 1)],
        part: 32,
    },
    PlanKind {
        name: "Pay at the property",
        meal_plan: "room_only",
        payment_policy: "pay_at_property",
        percent: Some(6),
        with_breakfast: false,
        tiers: &[(18, 0)],
        part: 33,
    },
];

/// VAT within the price, in percent.
pub const VAT_PERCENT: i64 = 10;

/// What a hotel gets.
#[derive(Clone, Debug)]
pub struct Recipe {
    key: Vec<u8>,
    stars: Option<i16>,
    /// Minor units of one whole unit of the currency.
    unit: i64,
}

impl Recipe {
    #[must_use]
    pub fn of(hotel: &HotelLine) -> Self {
        let unit = 10i64.pow(u32::from(hotel.currency.exponent()));
        Self { key: sha256(hotel.external_key.as_bytes()), stars: hotel.stars, unit }
    }

    /// A UUIDv7 that is the same in every run: a fixed day, then bits of the external key's hash and `part`.
    #[must_use]
    pub fn id(&self, part: u8) -> Uuid {
        let mut bits = [0u8; 10];
        for (to, from) in bits.iter_mut().zip(&self.key) {
            *to = *from;
        }
        if let Some(last) = bits.last_mut() {
            *last = part;
        }
        Builder::from_unix_timestamp_millis(1_767_225_600_000, &bits).into_uuid()
    }

    /// The hotel's own id.
    #[must_use]
    pub fn hotel_id(&self) -> Uuid {
        self.id(0)
    }

    #[must_use]
    pub fn room_type_id(&self, kind: &RoomKind) -> Uuid {
        self.id(kind.part)
    }

    #[must_use]
    pub fn rate_plan_id(&self, kind: &PlanKind) -> Uuid {
        self.id(kind.part)
    }

    /// Breakfast for a room, in minor units.
    #[must_use]
    pub fn breakfast(&self) -> i64 {
        self.unit
            * match self.stars {
                None | Some(..=2) => 18,
                Some(3) => 26,
                Some(4) => 38,
                Some(_) => 60,
            }
    }

    /// City tax per person and night, in minor units.
    #[must_use]
    pub fn city_tax(&self) -> i64 {
        let cents = match self.stars {
            None | Some(..=1) => 80,
            Some(2) => 90,
            Some(3) => 150,
            Some(4) => 230,
            Some(_) => 300,
        };
        cents * self.unit / 100
    }

    /// One room's night, in minor units.
    #[must_use]
    pub fn price(&self, kind: &RoomKind, night: NaiveDate) -> i64 {
        let standard = match self.stars {
            None => 70,
            Some(..=1) => 55,
            Some(2) => 75,
            Some(3) => 105,
            Some(4) => 165,
            Some(_) => 320,
        };
        let spread = 90 + i64::from(self.key.get(16).copied().unwrap_or_default() % 21);
        let weekday = if matches!(night.weekday(), Weekday::Fri | Weekday::Sat) { 115 } else { 100 };
        let season = match night.month() {
            7 | 8 => 120,
            11 | 12 | 1 | 2 => 90,
            _ => 100,
        };
        // Four percentages, rounded half-up once.
        let hundredths = standard * spread * kind.percent * weekday * season;
        (hundredths + 50_000_000) / 100_000_000 * self.unit
    }
}

/// The room types of a hotel with so many rooms.
#[must_use]
pub fn room_kinds(rooms: i32) -> Vec<(RoomKind, i32)> {
    let (superior, suites) = (rooms * 30 / 100, rooms * 10 / 100);
    let kinds = [(STANDARD, rooms - superior - suites), (SUPERIOR, superior), (SUITE, suites)];
    kinds.into_iter().filter(|(_, rooms)| *rooms > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_room_is_of_one_kind() {
        for rooms in 1..=1_100 {
            assert_eq!(room_kinds(rooms).iter().map(|(_, rooms)| rooms).sum::<i32>(), rooms);
        }
        assert_eq!(room_kinds(2).len(), 1);
    }
}
