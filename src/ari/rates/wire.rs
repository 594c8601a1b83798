//! What staff say of rates, many nights at once.

use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_with::rust::{double_option, unwrap_or_skip};
use utoipa::ToSchema;

use super::store::NightSet;
use crate::ari::bulk::{Item, MAX_ITEMS};
use crate::ari::span::Weekday;
use crate::ari::wire::once_each;
use crate::kernel::ids::{RatePlanId, RoomTypeId};
use crate::kernel::money::Money;
use crate::kernel::stay::stay_date;

/// The most that a night may cost, in minor units.
pub const MAX_PRICE: i64 = 100_000_000_000;

/// Changes of rates: all of them, or none.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeRates {
    /// At most 200,000 nights in all. No two set the same of one night.
    #[garde(length(min = 1, max = MAX_ITEMS), dive)]
    pub items: Vec<RateItem>,
}

/// Some nights of a rate plan and room type, and what is to be set of each.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct RateItem {
    pub rate_plan_id: RatePlanId,
    pub room_type_id: RoomTypeId,
    #[serde(deserialize_with = "stay_date")]
    pub from: NaiveDate,
    /// Not included; at most 750 days after `from`.
    #[serde(deserialize_with = "stay_date")]
    pub to: NaiveDate,
    /// Only nights on these [default: all].
    #[serde(default, with = "unwrap_or_skip", skip_serializing_if = "Option::is_none")]
    #[garde(inner(length(min = 1), custom(once_each)))]
    #[schema(nullable = false)]
    pub weekdays: Option<Vec<Weekday>>,
    #[garde(dive, custom(something))]
    pub set: RateSet,
    /// The version that each of the nights must have; 0: nothing must have been set of it yet.
    #[serde(default, with = "unwrap_or_skip", skip_serializing_if = "Option::is_none")]
    #[garde(range(min = 0))]
    #[schema(nullable = false)]
    pub expected_version: Option<i32>,
}

/// What is to be set of a night. What is absent stays. At least one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct RateSet {
    /// A room's night, included taxes in it, in the hotel's currency. `null`: not on sale. A derived plan's price follows
    /// from its base plan's and cannot be set.
    #[serde(default, with = "double_option", skip_serializing_if = "Option::is_none")]
    #[garde(inner(inner(custom(fitting))))]
    #[schema(value_type = Option<Money>)]
    pub price: Option<Option<Money>>,
    /// Fewest nights of stays that arrive on it. `null`: as the plan has it.
    #[serde(default, with = "double_option", skip_serializing_if = "Option::is_none")]
    #[garde(range(min = 1, max = 99))]
    #[schema(value_type = Option<i16>)]
    pub min_stay: Option<Option<i16>>,
    /// Most nights of stays that arrive on it. `null`: as the plan has it.
    #[serde(default, with = "double_option", skip_serializing_if = "Option::is_none")]
    #[garde(range(min = 1, max = 99))]
    #[schema(value_type = Option<i16>)]
    pub max_stay: Option<Option<i16>>,
    /// Whether the night is off sale.
    #[serde(default, with = "unwrap_or_skip", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub closed: Option<bool>,
    /// Whether no stay may begin on it.
    #[serde(default, with = "unwrap_or_skip", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub closed_to_arrival: Option<bool>,
    /// Whether no stay may end on this day.
    #[serde(default, with = "unwrap_or_skip", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub closed_to_departure: Option<bool>,
}

impl RateSet {
    /// As it is stored, the currency being the hotel's.
    #[must_use]
    pub fn night(self) -> NightSet {
        let Self { price, min_stay, max_stay, closed, closed_to_arrival, closed_to_departure } = self;
        let price = price.map(|price| price.map(|money| money.amount));
        NightSet { price, min_stay, max_stay, closed, closed_to_arrival, closed_to_departure }
    }
}

impl Item for RateItem {
    type Key = (RatePlanId, RoomTypeId);

    fn key(&self) -> Self::Key {
        (self.rate_plan_id, self.room_type_id)
    }

    fn range(&self) -> (NaiveDate, NaiveDate, Option<&[Weekday]>) {
        (self.from, self.to, self.weekdays.as_deref())
    }

    fn sets(&self) -> Vec<&'static str> {
        self.set.night().sets().collect()
    }

    fn expected_version(&self) -> Option<i32> {
        self.expected_version
    }
}

fn something(set: &RateSet, _: &()) -> garde::Result {
    if set.night().sets().next().is_none() {
        return Err(garde::Error::new("must have something to set"));
    }
    Ok(())
}

fn fitting(price: &Money, _: &()) -> garde::Result {
    if !(0..=MAX_PRICE).contains(&price.amount) {
        return Err(garde::Error::new(format!("amount must be 0 to {MAX_PRICE} minor units")));
    }
    Ok(())
}
