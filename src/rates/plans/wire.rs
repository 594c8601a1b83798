//! A rate plan as staff see it and make it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use garde::Validate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::hotels::staff::Refusal;
use crate::http::extract::not_blank;
use crate::kernel::decimal::JsonDecimal;
use crate::kernel::ids::{HotelId, RatePlanId, RoomTypeId};
use crate::kernel::party::MAX_CHILD_AGE;
use crate::rates::plan::{Derivation, MAX_AMOUNT, MealPlan, PaymentPolicy, Penalty};

/// The most that a plan may be dearer than its base plan, in percent.
const MAX_PERCENT: i64 = 1000;

/// What cancelling costs: one of the three.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PenaltyBody {
    /// 0 to 100 of the total.
    Percent(JsonDecimal),
    /// The first nights, 0 to 99.
    Nights(i16),
    /// Minor units of the hotel's currency.
    Amount(i64),
}

/// Until so many hours before check-in, cancelling costs the penalty; after the last tier, everything.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TierBody {
    /// Before the hotel's check-in time on the first night.
    #[garde(range(min = 0, max = 17_520))]
    pub until_hours_before_check_in: i32,
    #[garde(custom(fitting_penalty))]
    pub penalty: PenaltyBody,
}

impl PenaltyBody {
    /// As the rules have it.
    #[must_use]
    pub fn penalty(self) -> Penalty {
        match self {
            Self::Percent(percent) => Penalty::Percent(percent.0),
            Self::Nights(nights) => Penalty::Nights(nights),
            Self::Amount(amount) => Penalty::Amount(amount),
        }
    }
}

impl From<Penalty> for PenaltyBody {
    fn from(penalty: Penalty) -> Self {
        match penalty {
            Penalty::Percent(percent) => Self::Percent(JsonDecimal(percent)),
            Penalty::Nights(nights) => Self::Nights(nights),
            Penalty::Amount(amount) => Self::Amount(amount),
        }
    }
}

/// The plan that this one's nightly prices are computed from, by a percentage or by an amount.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DerivedFrom {
    /// A base plan of the hotel.
    #[garde(skip)]
    pub rate_plan_id: RatePlanId,
    /// Added to the base plan's night; negative: taken from it. Above -100, at most 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(inner(custom(fitting_derivation)))]
    pub percent: Option<JsonDecimal>,
    /// Minor units added to the base plan's night; negative: taken from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(range(min = -MAX_AMOUNT, max = MAX_AMOUNT))]
    pub amount: Option<i64>,
}

impl DerivedFrom {
    /// As the rules have it; 422 unless it is one of the two.
    pub fn derivation(&self) -> Result<Derivation, Refusal> {
        match (self.percent, self.amount) {
            (Some(percent), None) => Ok(Derivation::Percent(percent.0)),
            (None, Some(amount)) => Ok(Derivation::Amount(amount)),
            _ => Err(Refusal::invalid("derived_from", "must have percent or amount, one of the two")),
        }
    }
}

/// A child up to this age costs this much a night.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChildBandBody {
    #[garde(range(min = 0, max = MAX_CHILD_AGE))]
    pub max_age: i16,
    /// Minor units of the hotel's currency.
    #[garde(range(min = 0, max = MAX_AMOUNT))]
    pub amount: i64,
}

/// What a rate plan says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct PlanFields {
    #[garde(custom(not_blank), length(chars, max = 200))]
    pub name: String,
    pub meal_plan: MealPlan,
    pub payment_policy: PaymentPolicy,
    /// None: cancelling costs everything.
    #[garde(length(max = 20), dive)]
    pub cancellation: Vec<TierBody>,
    /// `null`: a base plan, with nightly prices of its own.
    #[garde(dive)]
    pub derived_from: Option<DerivedFrom>,
    /// What the plan sells.
    #[garde(length(min = 1, max = 200))]
    pub room_type_ids: Vec<RoomTypeId>,
    /// Nights; a night may say otherwise for stays that arrive on it.
    #[garde(range(min = 1, max = 99))]
    pub min_stay: Option<i16>,
    #[garde(range(min = 1, max = 99))]
    pub max_stay: Option<i16>,
    /// Days from booking to arrival.
    #[garde(range(min = 0))]
    pub min_advance_days: Option<i16>,
    #[garde(range(min = 0))]
    pub max_advance_days: Option<i16>,
    /// Supplements a child and night: the band with the smallest `max_age` that is not below the child's age. None above
    /// the last.
    #[serde(default)]
    #[garde(length(max = 18), dive)]
    pub child_bands: Vec<ChildBandBody>,
}

impl PlanFields {
    /// What single fields cannot say.
    pub fn check(&self) -> Result<(), Refusal> {
        if let Some(derived) = &self.derived_from {
            derived.derivation()?;
        }
        once_each("room_type_ids", &self.room_type_ids, "")?;
        let hours: Vec<_> = self.cancellation.iter().map(|tier| tier.until_hours_before_check_in).collect();
        once_each("cancellation", &hours, ".until_hours_before_check_in")?;
        let ages: Vec<_> = self.child_bands.iter().map(|band| band.max_age).collect();
        once_each("child_bands", &ages, ".max_age")?;
        in_order(("min_stay", self.min_stay), ("max_stay", self.max_stay))?;
        in_order(("min_advance_days", self.min_advance_days), ("max_advance_days", self.max_advance_days))
    }

    /// Themselves in one order, if they are sound.
    pub fn checked(self) -> Result<Self, Refusal> {
        self.check().map(|()| self.sorted())
    }

    /// In one order, however they were given: as they are shown.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.cancellation.sort_by_key(|tier| std::cmp::Reverse(tier.until_hours_before_check_in));
        self.room_type_ids.sort_unstable();
        self.child_bands.sort_unstable_by_key(|band| band.max_age);
        self
    }
}

/// A rate plan.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PlanBody {
    pub rate_plan_id: RatePlanId,
    pub hotel_id: HotelId,
    #[serde(flatten)]
    pub fields: PlanFields,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    /// When it was deleted; `null` while it is not.
    #[schema(required)]
    pub deleted_at: Option<DateTime<Utc>>,
}

fn once_each<T: Ord>(field: &str, values: &[T], member: &str) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    match values.iter().position(|value| !seen.insert(value)) {
        Some(at) => Err(Refusal::invalid(format!("{field}[{at}]{member}"), "is there already")),
        None => Ok(()),
    }
}

fn in_order((_, least): (&str, Option<i16>), (name, most): (&str, Option<i16>)) -> Result<(), Refusal> {
    match (least, most) {
        (Some(least), Some(most)) if most < least => Err(Refusal::invalid(name, format!("must be at least {least}"))),
        _ => Ok(()),
    }
}

fn fitting_penalty(penalty: &PenaltyBody, _: &()) -> garde::Result {
    match penalty {
        PenaltyBody::Percent(percent) if !percent.has_places(3) => {
            Err(garde::Error::new("percent must have at most 3 decimals"))
        }
        PenaltyBody::Percent(percent) if !(Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(&percent.0) => {
            Err(garde::Error::new("percent must be 0 to 100"))
        }
        PenaltyBody::Nights(nights) if !(0..=99).contains(nights) => Err(garde::Error::new("nights must be 0 to 99")),
        PenaltyBody::Amount(amount) if !(0..=MAX_AMOUNT).contains(amount) => {
            Err(garde::Error::new("amount must be 0 to 100000000000 minor units"))
        }
        _ => Ok(()),
    }
}

fn fitting_derivation(percent: &JsonDecimal, _: &()) -> garde::Result {
    if !percent.has_places(3) {
        return Err(garde::Error::new("must have at most 3 decimals"));
    }
    if percent.0 <= -Decimal::ONE_HUNDRED || percent.0 > Decimal::from(MAX_PERCENT) {
        return Err(garde::Error::new("must be above -100 and at most 1000"));
    }
    Ok(())
}
