//! Offers and prices as JSON; shared by all that shows a price.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::offer::{Offer, Terms};
use super::token::OfferToken;
use crate::http::problem::Problem;
use crate::kernel::ids::{HotelId, RatePlanId, RoomTypeId};
use crate::kernel::money::{Currency, Money};
use crate::kernel::secret::Keyring;
use crate::rates::plan::{Due, MealPlan, PaymentPolicy};
use crate::rates::restrictions::Reason;

/// One tax of one night, for all rooms.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TaxBody {
    pub name: String,
    pub amount: Money,
    /// Whether the hotel's displayed price contained it.
    pub included: bool,
    pub due: Due,
}

/// One night, for all rooms.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NightBody {
    pub date: chrono::NaiveDate,
    /// Net of every tax.
    pub base: Money,
    pub taxes: Vec<TaxBody>,
}

/// What cancelling costs until a deadline.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CancellationBody {
    /// `null`: from the last deadline on.
    #[schema(required)]
    pub until: Option<DateTime<Utc>>,
    pub penalty: Money,
    /// Of what is paid when booking.
    pub refund: Money,
}

/// A price and its conditions, for all rooms.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PriceBody {
    pub nightly: Vec<NightBody>,
    /// The sum of the lines.
    pub total: Money,
    pub due_now: Money,
    pub due_at_property: Money,
    pub meal_plan: MealPlan,
    pub payment_policy: PaymentPolicy,
    pub cancellation: Vec<CancellationBody>,
}

impl PriceBody {
    /// One room's terms, times `rooms`.
    #[must_use]
    pub fn new(terms: &Terms, rooms: i16) -> Self {
        let money = |amount: i64| times(amount, rooms, terms.currency);
        let nightly = terms.price.nightly.iter().map(|night| NightBody {
            date: night.date,
            base: money(night.base),
            taxes: night
                .taxes
                .iter()
                .map(|tax| TaxBody {
                    name: tax.name.clone(),
                    amount: money(tax.amount),
                    included: tax.included,
                    due: tax.due,
                })
                .collect(),
        });
        let cancellation = terms.cancellation.iter().map(|deadline| CancellationBody {
            until: deadline.until,
            penalty: money(deadline.penalty),
            refund: money(deadline.refund),
        });
        Self {
            nightly: nightly.collect(),
            total: money(terms.price.total),
            due_now: money(terms.price.due_now),
            due_at_property: money(terms.price.due_at_property),
            meal_plan: terms.meal_plan,
            payment_policy: terms.payment_policy,
            cancellation: cancellation.collect(),
        }
    }
}

/// A room type × rate plan for a stay. Where a night has no price, all from `nightly` to `cancellation` is absent.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OfferBody {
    /// Opaque; quote it within 30 minutes (unless configured). Absent where the offer is not on sale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer_id: Option<String>,
    pub hotel_id: HotelId,
    pub room_type_id: RoomTypeId,
    pub room_type_name: String,
    pub rate_plan_id: RatePlanId,
    pub rate_plan_name: String,
    /// At most 9 are told.
    pub rooms_left: i32,
    /// Absent where a night has no price.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub price: Option<PriceBody>,
    /// Why it is not on sale; absent where it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
}

/// The most rooms that are told to be left.
pub const MOST_ROOMS_TOLD: i32 = 9;

impl OfferBody {
    /// The offer as a client sees it, its token sealed.
    pub fn new(offer: &Offer, keys: &Keyring) -> Result<Self, Problem> {
        let rooms = offer.choice.party.rooms;
        let offer_id = match &offer.terms {
            Some(terms) if offer.reasons.is_empty() => {
                let total = terms.price.total * i64::from(rooms);
                Some(OfferToken { choice: offer.choice.clone(), total, at: offer.now }.seal(keys)?)
            }
            _ => None,
        };
        Ok(Self {
            offer_id,
            hotel_id: offer.choice.hotel_id,
            room_type_id: offer.choice.room_type_id,
            room_type_name: offer.room_type_name.clone(),
            rate_plan_id: offer.choice.rate_plan_id,
            rate_plan_name: offer.rate_plan_name.clone(),
            rooms_left: offer.rooms_left.min(MOST_ROOMS_TOLD),
            price: offer.terms.as_ref().map(|terms| PriceBody::new(terms, rooms)),
            reasons: offer.reasons.clone(),
        })
    }
}

/// `amount` of one room for `rooms`. Prices are bounded far below where this could overflow.
#[must_use]
pub fn times(amount: i64, rooms: i16, currency: Currency) -> Money {
    Money::new(amount.saturating_mul(i64::from(rooms)), currency)
}
