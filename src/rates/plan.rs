//! What a rate plan says, apart from its prices.

use rust_decimal::Decimal;

use crate::kernel::ids::{RatePlanId, RoomTypeId};
use crate::kernel::money::{OutOfRange, percent_of, round_half_up};
use crate::text_enum;

text_enum! {
    /// Which meals the price includes.
    pub enum MealPlan {
        RoomOnly = "room_only",
        Breakfast = "breakfast",
        HalfBoard = "half_board",
        FullBoard = "full_board",
        AllInclusive = "all_inclusive",
    }
}

text_enum! {
    /// When the base price is paid.
    pub enum PaymentPolicy {
        Prepaid = "prepaid",
        PayAtProperty = "pay_at_property",
    }
}

text_enum! {
    /// When a tax is paid, for prepaid plans.
    pub enum Due {
        Now = "now",
        AtProperty = "at_property",
    }
}

/// How a derived plan's night follows from its base plan's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Derivation {
    /// Percent added to (negative: taken from) the base plan's night, rounded half-up.
    Percent(Decimal),
    /// Minor units added to (negative: taken from) the base plan's night.
    Amount(i64),
}

impl Derivation {
    /// The derived night in minor units, never below 0.
    pub fn apply(self, base: i64) -> Result<i64, OutOfRange> {
        let derived = match self {
            Self::Percent(percent) => percent_of(base, Decimal::ONE_HUNDRED + percent)?,
            Self::Amount(amount) => base.checked_add(amount).ok_or(OutOfRange)?,
        };
        Ok(derived.max(0))
    }
}

/// What cancelling costs until a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Penalty {
    /// Of the total.
    Percent(Decimal),
    /// The first nights.
    Nights(i16),
    /// Minor units.
    Amount(i64),
}

/// Until so many hours before check-in, cancelling costs this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    pub until_hours_before_check_in: i32,
    pub penalty: Penalty,
}

/// A child up to this age costs this much a night, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildBand {
    pub max_age: i16,
    pub amount: i64,
}

/// A rate plan with everything that decides a price or forbids a stay, but its nights.
#[derive(Clone, Debug)]
pub struct RatePlan {
    pub rate_plan_id: RatePlanId,
    pub name: String,
    pub meal_plan: MealPlan,
    pub payment_policy: PaymentPolicy,
    pub derived_from: Option<(RatePlanId, Derivation)>,
    pub min_stay: Option<i16>,
    pub max_stay: Option<i16>,
    pub min_advance_days: Option<i16>,
    pub max_advance_days: Option<i16>,
    pub room_type_ids: Vec<RoomTypeId>,
    pub tiers: Vec<Tier>,
    pub child_bands: Vec<ChildBand>,
}

impl RatePlan {
    /// The plan whose stored nights this plan's prices come from.
    #[must_use]
    pub fn price_source(&self) -> RatePlanId {
        self.derived_from.map_or(self.rate_plan_id, |(base, _)| base)
    }

    /// One room's night from the stored price: derived where the plan is, children's supplements added.
    pub fn night(&self, stored: i64, children_ages: &[i16]) -> Result<i64, OutOfRange> {
        let night = match self.derived_from {
            Some((_, derivation)) => derivation.apply(stored)?,
            None => stored,
        };
        children_ages.iter().try_fold(night, |sum, age| sum.checked_add(self.supplement(*age)).ok_or(OutOfRange))
    }

    /// The band with the smallest `max_age` not below the child's; none above the last.
    fn supplement(&self, age: i16) -> i64 {
        let fitting = self.child_bands.iter().filter(|band| band.max_age >= age);
        fitting.min_by_key(|band| band.max_age).map_or(0, |band| band.amount)
    }
}

/// `amount × numerator ÷ denominator`, rounded half-up.
pub(super) fn proportion(amount: i64, numerator: Decimal, denominator: Decimal) -> Result<i64, OutOfRange> {
    let product = Decimal::from(amount).checked_mul(numerator).ok_or(OutOfRange)?;
    round_half_up(product.checked_div(denominator).ok_or(OutOfRange)?)
}
