//! Everything about a hotel that prices and restrictions of some nights are made of, read once for all of them.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::PgConnection;

use crate::db::DbError;
use crate::hotels::store::{self as hotels, Hotel, RoomType};
use crate::inventory::store::{self as inventory, Left};
use crate::kernel::ids::RoomTypeId;
use crate::kernel::money::OutOfRange;
use crate::kernel::party::Party;
use crate::rates::plan::RatePlan;
use crate::rates::pricing::{self, RoomPrice, Tax};
use crate::rates::restrictions::NightRestrictions;
use crate::rates::store::{self as rates, Rates};

/// A hotel as it is for sale on some nights, and on the day after the last.
pub(super) struct Catalogue {
    pub hotel: Hotel,
    pub room_types: Vec<RoomType>,
    pub plans: Vec<RatePlan>,
    taxes: Vec<Tax>,
    rates: Rates,
    pub left: HashMap<(RoomTypeId, NaiveDate), Left>,
}

impl Catalogue {
    /// The nights from `from` up to, not including, `to`, and the restrictions of departures on `to`. As many queries
    /// for one night as for a year of them.
    pub fn load(conn: &mut PgConnection, hotel: Hotel, from: NaiveDate, to: NaiveDate) -> Result<Self, DbError> {
        let hotel_id = hotel.hotel_id;
        Ok(Self {
            hotel,
            room_types: hotels::room_types(conn, hotel_id)?,
            plans: rates::plans(conn, hotel_id)?,
            taxes: rates::taxes(conn, hotel_id)?,
            rates: rates::rates(conn, hotel_id, from, to)?,
            left: inventory::left(conn, hotel_id, from, to)?,
        })
    }

    /// Every room type × rate plan that sells it, in the order of their ids.
    pub fn pairs(&self) -> impl Iterator<Item = (&RoomType, &RatePlan)> {
        self.room_types.iter().flat_map(|room| {
            let selling = self.plans.iter().filter(|plan| plan.room_type_ids.contains(&room.room_type_id));
            selling.map(move |plan| (room, plan))
        })
    }

    /// What the plan itself says of a night, or of a day of departure.
    pub fn restrictions(&self, room: &RoomType, plan: &RatePlan, date: NaiveDate) -> NightRestrictions {
        let own = self.rates.get(&(plan.rate_plan_id, room.room_type_id, date));
        own.map(|night| night.restrictions).unwrap_or_default()
    }

    /// What one room costs for these nights. None where one has no price, or none that can be sold.
    pub fn price(
        &self,
        room: &RoomType,
        plan: &RatePlan,
        dates: impl Iterator<Item = NaiveDate>,
        party: &Party,
    ) -> Result<Option<RoomPrice>, DbError> {
        let out_of_range = |_: OutOfRange| DbError::invariant("a price is out of range");
        let mut nights = Vec::new();
        for date in dates {
            let stored = self.rates.get(&(plan.price_source(), room.room_type_id, date)).and_then(|night| night.price);
            let Some(stored) = stored else {
                return Ok(None);
            };
            nights.push((date, plan.night(stored, &party.children_ages).map_err(out_of_range)?));
        }
        pricing::price_room(&nights, &self.taxes, party.persons(), plan.payment_policy).map_err(out_of_range)
    }
}
