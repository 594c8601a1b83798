//! Offers: every room type × rate plan of a hotel for a stay, priced now, with what forbids it.

use diesel::PgConnection;
use serde::{Deserialize, Serialize};

use super::catalogue::Catalogue;
use crate::db::DbError;
use crate::hotels::store::{self as hotels, Hotel, RoomType};
use crate::kernel::clock::Instant;
use crate::kernel::ids::{HotelId, RatePlanId, RoomTypeId};
use crate::kernel::money::Currency;
use crate::kernel::party::Party;
use crate::kernel::stay::Stay;
use crate::rates::plan::{Due, MealPlan, PaymentPolicy, RatePlan};
use crate::rates::policy::{self, Deadline};
use crate::rates::pricing::RoomPrice;
use crate::rates::restrictions::{self, Reason};

/// What is asked for, to the last detail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    pub hotel_id: HotelId,
    pub room_type_id: RoomTypeId,
    pub rate_plan_id: RatePlanId,
    pub stay: Stay,
    pub party: Party,
}

/// The price of one room and its conditions: what a quote freezes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub currency: Currency,
    pub meal_plan: MealPlan,
    pub payment_policy: PaymentPolicy,
    pub price: RoomPrice,
    pub cancellation: Vec<Deadline>,
}

impl Terms {
    /// What of `due_now` is tax, in minor units.
    #[must_use]
    pub fn tax_due_now(&self) -> i64 {
        let lines = self.price.nightly.iter().flat_map(|night| &night.taxes);
        match self.payment_policy {
            PaymentPolicy::Prepaid => lines.filter(|tax| tax.due == Due::Now).map(|tax| tax.amount).sum(),
            PaymentPolicy::PayAtProperty => 0,
        }
    }
}

/// A room type × rate plan for a stay.
#[derive(Clone, Debug)]
pub struct Offer {
    pub choice: Choice,
    pub room_type_name: String,
    pub rate_plan_name: String,
    /// None where a night has no price.
    pub terms: Option<Terms>,
    /// Rooms left on the stay's scarcest night.
    pub rooms_left: i32,
    /// What forbids it; empty: on sale.
    pub reasons: Vec<Reason>,
    /// The database's time when it was priced.
    pub now: Instant,
}

impl Catalogue {
    fn offer(&self, room_type: &RoomType, plan: &RatePlan, stay: Stay, party: &Party) -> Result<Offer, DbError> {
        let today = self.hotel.today();
        let own = |date| self.restrictions(room_type, plan, date);
        let left: Vec<_> = stay.dates().map(|date| self.left.get(&(room_type.room_type_id, date))).collect();
        let rooms_left = left.iter().map(|night| night.map_or(0, |night| night.rooms)).min().unwrap_or(0).max(0);
        let shut = left.iter().any(|night| night.is_none_or(|night| night.closed));
        let terms = self.terms(room_type, plan, stay, party)?;
        let mut reasons = restrictions::plan_reasons(plan, stay, today, own);
        if (shut || terms.is_none() || stay.check_in() < today) && !reasons.contains(&Reason::Closed) {
            reasons.push(Reason::Closed);
        }
        if rooms_left < i32::from(party.rooms) {
            reasons.push(Reason::SoldOut);
        }
        if !party.fits(room_type.max_adults, room_type.max_children, room_type.max_occupancy) {
            reasons.push(Reason::Occupancy);
        }
        reasons.sort_unstable();
        Ok(Offer {
            choice: Choice {
                hotel_id: self.hotel.hotel_id,
                room_type_id: room_type.room_type_id,
                rate_plan_id: plan.rate_plan_id,
                stay,
                party: party.clone(),
            },
            room_type_name: room_type.name.clone(),
            rate_plan_name: plan.name.clone(),
            terms,
            rooms_left,
            reasons,
            now: self.hotel.now,
        })
    }

    /// None where a night has no price, or none that can be sold.
    fn terms(&self, room: &RoomType, plan: &RatePlan, stay: Stay, party: &Party) -> Result<Option<Terms>, DbError> {
        let Some(price) = self.price(room, plan, stay.dates(), party)? else {
            return Ok(None);
        };
        let Hotel { check_in_time, zone, currency, .. } = self.hotel;
        let cancellation = policy::deadlines(&plan.tiers, &price, stay.check_in(), check_in_time, zone)
            .map_err(|_| DbError::invariant("a penalty is out of range"))?;
        Ok(Some(Terms {
            currency,
            meal_plan: plan.meal_plan,
            payment_policy: plan.payment_policy,
            price,
            cancellation,
        }))
    }
}

/// Every offer of a hotel, on sale or not, by room type and plan. None: no such hotel.
pub fn all(
    conn: &mut PgConnection,
    hotel_id: HotelId,
    stay: Stay,
    party: &Party,
) -> Result<Option<Vec<Offer>>, DbError> {
    let Some(hotel) = hotels::find(conn, hotel_id)? else {
        return Ok(None);
    };
    let catalogue = Catalogue::load(conn, hotel, stay.check_in(), stay.check_out())?;
    let mut offers = Vec::new();
    for (room_type, plan) in catalogue.pairs() {
        offers.push(catalogue.offer(room_type, plan, stay, party)?);
    }
    Ok(Some(offers))
}

/// The offer of one choice, on sale or not. None: its hotel, room type or plan is gone.
pub fn one(conn: &mut PgConnection, choice: &Choice) -> Result<Option<Offer>, DbError> {
    let Some(hotel) = hotels::find(conn, choice.hotel_id)? else {
        return Ok(None);
    };
    let catalogue = Catalogue::load(conn, hotel, choice.stay.check_in(), choice.stay.check_out())?;
    let chosen = catalogue
        .pairs()
        .find(|(room, plan)| room.room_type_id == choice.room_type_id && plan.rate_plan_id == choice.rate_plan_id);
    chosen.map(|(room_type, plan)| catalogue.offer(room_type, plan, choice.stay, &choice.party)).transpose()
}
