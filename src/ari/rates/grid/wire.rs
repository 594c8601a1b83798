//! Rates as staff see them.

use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::kernel::ids::{RatePlanId, RoomTypeId};
use crate::kernel::money::Money;
use crate::kernel::page::MAX_LIMIT;
use crate::kernel::stay::stay_date;

/// The query of the grid.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
pub struct RatesQuery {
    /// Only this one of the hotel's.
    pub rate_plan_id: Option<RatePlanId>,
    /// Only this one of the hotel's.
    pub room_type_id: Option<RoomTypeId>,
    #[serde(deserialize_with = "stay_date")]
    pub from: NaiveDate,
    /// Not included; at most 750 days after `from`.
    #[serde(deserialize_with = "stay_date")]
    pub to: NaiveDate,
    /// Rows a page [default: 50].
    #[garde(range(min = 1, max = MAX_LIMIT))]
    pub limit: Option<i64>,
    #[garde(length(bytes, max = 2000))]
    pub cursor: Option<String>,
}

/// A night of a rate plan and room type.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct RateNight {
    pub rate_plan_id: RatePlanId,
    pub room_type_id: RoomTypeId,
    pub date: NaiveDate,
    /// A room's night, included taxes in it. `null`: not on sale.
    #[schema(required)]
    pub price: Option<Money>,
    /// The base plan that the price is computed from. `null`: it is the plan's own.
    #[schema(required)]
    pub derived_from: Option<RatePlanId>,
    /// Fewest nights of stays that arrive on it. `null`: as the plan has it.
    #[schema(required)]
    pub min_stay: Option<i16>,
    /// Most nights of stays that arrive on it. `null`: as the plan has it.
    #[schema(required)]
    pub max_stay: Option<i16>,
    pub closed: bool,
    pub closed_to_arrival: bool,
    pub closed_to_departure: bool,
    /// 0: nothing was set of it yet.
    pub version: i32,
}
