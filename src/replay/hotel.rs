//! The fresh hotel that a history is replayed on.

use std::collections::BTreeSet;

use chrono::{NaiveDate, NaiveTime};
use chrono_tz::Tz;

use super::capacity::Capacity;
use super::history::{Asked, History};
use super::store;
use crate::access::password::hash_now;
use crate::access::register::GUEST;
use crate::access::store::{NewUser, insert_user};
use crate::bookings::confirm::Guest;
use crate::bookings::record::Agreed;
use crate::db::{Db, DbError, Tx};
use crate::kernel::ids::{HotelId, RatePlanId, RoomTypeId, UserId};
use crate::kernel::money::Currency;
use crate::kernel::party::Party;
use crate::kernel::secret::random;
use crate::kernel::stay::Stay;
use crate::rates::plan::{MealPlan, PaymentPolicy};
use crate::rates::policy;
use crate::rates::pricing::price_room;
use crate::search::offer::{Choice, Terms};

/// Made for one replay.
#[derive(Clone, Debug)]
pub struct House {
    pub hotel_id: HotelId,
    /// On whose behalf every booking is kept: nobody knows the password.
    pub user_id: UserId,
    pub currency: Currency,
    pub rate_plan_id: RatePlanId,
    /// As the history's room types.
    pub room_types: Vec<RoomTypeId>,
}

impl House {
    /// Makes the hotel: a room type for each that the history names, one plan that is paid at the property,
    /// and every night that a valid booking wants, with as many rooms as `capacity` says, or none.
    pub async fn open(db: &Db, history: &History, capacity: &Capacity, currency: Currency) -> Result<Self, DbError> {
        let house = Self {
            hotel_id: HotelId::new(),
            user_id: UserId::new(),
            currency,
            rate_plan_id: RatePlanId::new(),
            room_types: history.room_types.iter().map(|_| RoomTypeId::new()).collect(),
        };
        let user = NewUser {
            user_id: house.user_id,
            email: format!("replay-{}@lastroom.invalid", house.hotel_id),
            full_name: "Replay".to_owned(),
            password_hash: hash_now(&format!("{:?}", random::<32>()))
                .map_err(|error| DbError::invariant(error.to_string()))?,
        };
        let plan = Plan::of(history, capacity);
        let made = house.clone();
        db.write(move |tx: &mut Tx<'_>| {
            insert_user(tx, &user, GUEST)?;
            store::open(tx, &made, &plan)
        })
        .await?;
        db.write(store::analyze).await?;
        Ok(house)
    }

    /// What was agreed for a valid booking: its average rate each night, paid at the property. What cancelling cost is
    /// not in the history: as with any plan that says nothing of it, all of it.
    pub fn agreed(&self, asked: &Asked, stay: Stay) -> Result<Agreed, DbError> {
        let out_of_range = |_| DbError::invariant("the price of a replayed stay is out of range");
        let nights: Vec<_> = stay.dates().map(|night| (night, asked.nightly)).collect();
        let persons = i64::from(asked.adults);
        let price = price_room(&nights, &[], persons, PaymentPolicy::PayAtProperty).map_err(out_of_range)?;
        let price = price.ok_or_else(|| DbError::invariant("a night without taxes has a price"))?;
        let cancellation = policy::deadlines(&[], &price, stay.check_in(), NaiveTime::MIN, Tz::UTC);
        let room_type_id = self.room_types.get(asked.room_type).copied();
        Ok(Agreed {
            user_id: self.user_id,
            choice: Choice {
                hotel_id: self.hotel_id,
                room_type_id: room_type_id.ok_or_else(|| DbError::invariant("a booking's room type is the hotel's"))?,
                rate_plan_id: self.rate_plan_id,
                stay,
                // The ages of its children are not in the history.
                party: Party { adults: asked.adults, children_ages: Vec::new(), rooms: 1 },
            },
            terms: Terms {
                currency: self.currency,
                meal_plan: MealPlan::RoomOnly,
                payment_policy: PaymentPolicy::PayAtProperty,
                price,
                cancellation: cancellation.map_err(out_of_range)?,
            },
            guest: Guest {
                full_name: format!("Guest of booking {}", asked.no),
                email: format!("booking-{}@lastroom.invalid", asked.no),
                phone: None,
            },
        })
    }
}

/// What the hotel is made of.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub name: String,
    /// Names and rooms, as the history's room types.
    pub room_types: Vec<(String, u32)>,
    /// The most adults that were ever asked for in one room.
    pub max_adults: i16,
    /// Every night that a valid booking wants.
    pub nights: BTreeSet<(usize, NaiveDate)>,
}

impl Plan {
    fn of(history: &History, capacity: &Capacity) -> Self {
        let rooms = |name: &String| (name.clone(), capacity.get(name).copied().unwrap_or_default());
        let valid = || history.bookings.iter().filter_map(|asked| Some((asked, asked.stay?)));
        Self {
            name: if history.hotel.is_empty() { "Replay".to_owned() } else { history.hotel.clone() },
            room_types: history.room_types.iter().map(rooms).collect(),
            max_adults: valid().map(|(asked, _)| asked.adults).max().unwrap_or(1),
            nights: valid().flat_map(|(asked, stay)| stay.dates().map(|night| (asked.room_type, night))).collect(),
        }
    }
}
