//! What a rate plan says, apart from its prices.

use rust_decimal::Decimal;

use crate::kernel::ids::{RatePlanId, RoomTypeId};
use crate::kernel::money::{OutOfRange, percent_of, round_half_up};
use crate::text_enum;

/// The largest amount that a price list may name, in minor units.
pub const MAX_AMOUNT: i64 = 100_000_000_000;

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plan(derivation: Option<Derivation>, child_bands: Vec<ChildBand>) -> RatePlan {
        let base = RatePlanId(uuid::Uuid::nil());
        RatePlan {
            rate_plan_id: base,
            name: "Any".to_owned(),
            meal_plan: MealPlan::RoomOnly,
            payment_policy: PaymentPolicy::Prepaid,
            derived_from: derivation.map(|derivation| (base, derivation)),
            min_stay: None,
            max_stay: None,
            min_advance_days: None,
            max_advance_days: None,
            room_type_ids: Vec::new(),
            tiers: Vec::new(),
            child_bands,
        }
    }

    proptest! {
        #[test]
        fn a_derived_night_is_rounded_half_up_and_never_below_zero(
            base in 0i64..=100_000_000_000,
            milli in -99_999i64..=1_000_000,
            amount in -100_000_000_000i64..=100_000_000_000,
        ) {
            let product = i128::from(base) * i128::from(100_000 + milli);
            let by_percent = plan(Some(Derivation::Percent(Decimal::new(milli, 3))), Vec::new()).night(base, &[]);
            prop_assert_eq!(by_percent.map(i128::from), Ok((product + 50_000) / 100_000));
            let by_amount = plan(Some(Derivation::Amount(amount)), Vec::new()).night(base, &[]);
            prop_assert_eq!(by_amount, Ok((base + amount).max(0)));
        }

        #[test]
        fn each_child_costs_what_the_narrowest_band_above_its_age_says(
            base in 0i64..1_000_000,
            bands in prop::collection::btree_map(0i16..=17, 0i64..10_000, 0..5),
            ages in prop::collection::vec(0i16..=17, 0..5),
        ) {
            let child_bands = bands.iter().rev().map(|(max_age, amount)| ChildBand { max_age: *max_age, amount: *amount });
            let night = plan(None, child_bands.collect()).night(base, &ages);
            let of = |age: &i16| bands.range(age..).next().map_or(0, |(_, amount)| *amount);
            prop_assert_eq!(night, Ok(base + ages.iter().map(of).sum::<i64>()));
        }

        #[test]
        fn a_night_that_does_not_fit_is_refused(base in any::<i64>(), amount in any::<i64>()) {
            let expected = base.checked_add(amount).map(|sum| sum.max(0)).ok_or(OutOfRange);
            prop_assert_eq!(plan(Some(Derivation::Amount(amount)), Vec::new()).night(base, &[]), expected);
        }
    }
}
