//! What keeps a stay from being sold.

use chrono::NaiveDate;

use super::plan::RatePlan;
use crate::kernel::stay::Stay;
use crate::text_enum;

text_enum! {
    /// Why an offer is not on sale.
    pub enum Reason {
        SoldOut = "sold_out",
        Closed = "closed",
        MinStay = "min_stay",
        MaxStay = "max_stay",
        ClosedToArrival = "closed_to_arrival",
        ClosedToDeparture = "closed_to_departure",
        Occupancy = "occupancy",
        AdvancePurchase = "advance_purchase",
    }
}

/// The restrictions of one night of a plan and room type.
#[derive(Clone, Copy, Debug, Default)]
pub struct NightRestrictions {
    pub min_stay: Option<i16>,
    pub max_stay: Option<i16>,
    pub closed: bool,
    pub closed_to_arrival: bool,
    pub closed_to_departure: bool,
}

/// The fewest and the most nights of a stay that arrives on a night with these restrictions: the night's own, where it
/// says one, else the plan's.
#[must_use]
pub fn lengths(plan: &RatePlan, arrival: NightRestrictions) -> (Option<i16>, Option<i16>) {
    (arrival.min_stay.or(plan.min_stay), arrival.max_stay.or(plan.max_stay))
}

/// Whether the plan may be booked `today` for a stay that arrives then.
#[must_use]
pub fn in_advance(plan: &RatePlan, check_in: NaiveDate, today: NaiveDate) -> bool {
    let advance = check_in.signed_duration_since(today).num_days();
    let too_late = plan.min_advance_days.is_some_and(|days| advance < i64::from(days));
    let too_early = plan.max_advance_days.is_some_and(|days| advance > i64::from(days));
    !too_late && !too_early
}

/// Why the plan does not sell the stay: `on` gives the restrictions of a night, or of the day of departure.
pub fn plan_reasons(
    plan: &RatePlan,
    stay: Stay,
    today: NaiveDate,
    on: impl Fn(NaiveDate) -> NightRestrictions,
) -> Vec<Reason> {
    let arrival = on(stay.check_in());
    let nights = stay.nights();
    let (min_stay, max_stay) = lengths(plan, arrival);
    [
        (stay.dates().any(|date| on(date).closed), Reason::Closed),
        (min_stay.is_some_and(|min| nights < i64::from(min)), Reason::MinStay),
        (max_stay.is_some_and(|max| nights > i64::from(max)), Reason::MaxStay),
        (arrival.closed_to_arrival, Reason::ClosedToArrival),
        (on(stay.check_out()).closed_to_departure, Reason::ClosedToDeparture),
        (!in_advance(plan, stay.check_in(), today), Reason::AdvancePurchase),
    ]
    .into_iter()
    .filter_map(|(applies, reason)| applies.then_some(reason))
    .collect()
}

#[cfg(test)]
mod tests {
    use chrono::Days;
    use proptest::option::of;
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::ids::RatePlanId;
    use crate::rates::plan::{MealPlan, PaymentPolicy};

    fn night() -> impl Strategy<Value = NightRestrictions> {
        let flags = [prop::bool::weighted(0.2), prop::bool::weighted(0.2), prop::bool::weighted(0.2)];
        (of(1i16..=5), of(1i16..=5), flags).prop_map(|(min_stay, max_stay, flags)| {
            let [closed, closed_to_arrival, closed_to_departure] = flags;
            NightRestrictions { min_stay, max_stay, closed, closed_to_arrival, closed_to_departure }
        })
    }

    fn plan() -> impl Strategy<Value = RatePlan> {
        ([of(1i16..=5), of(1i16..=5)], [of(0i16..=12), of(0i16..=12)]).prop_map(|(stay, advance)| RatePlan {
            rate_plan_id: RatePlanId(uuid::Uuid::nil()),
            name: "Any".to_owned(),
            meal_plan: MealPlan::RoomOnly,
            payment_policy: PaymentPolicy::Prepaid,
            derived_from: None,
            min_stay: stay[0],
            max_stay: stay[1],
            min_advance_days: advance[0],
            max_advance_days: advance[1],
            room_type_ids: Vec::new(),
            tiers: Vec::new(),
            child_bands: Vec::new(),
        })
    }

    proptest! {
        #[test]
        fn each_reason_stands_for_its_own_nights(
            plan in plan(), nights in prop::collection::vec(night(), 8), from in 0usize..6, length in 1usize..6, days in 0i16..12,
        ) {
            let to = (from + length).min(7);
            let today = NaiveDate::from_ymd_opt(2028, 2, 26).expect("a date");
            let arrival = today + Days::new(u64::try_from(days).expect("some"));
            let date = |index: usize| arrival + Days::new(u64::try_from(index - from).expect("some"));
            let stay = Stay::new(arrival, date(to)).expect("a stay");
            let on = |asked: NaiveDate| nights[from + usize::try_from((asked - arrival).num_days()).expect("not before")];
            let found = plan_reasons(&plan, stay, today, on);
            let length = i16::try_from(to - from).expect("a few");
            let [first, last] = [nights[from], nights[to]];
            let expected = [
                (Reason::Closed, nights[from..to].iter().any(|night| night.closed)),
                (Reason::MinStay, first.min_stay.or(plan.min_stay).is_some_and(|least| length < least)),
                (Reason::MaxStay, first.max_stay.or(plan.max_stay).is_some_and(|most| length > most)),
                (Reason::ClosedToArrival, first.closed_to_arrival),
                (Reason::ClosedToDeparture, last.closed_to_departure),
                (Reason::AdvancePurchase, plan.min_advance_days.is_some_and(|least| days < least)
                    || plan.max_advance_days.is_some_and(|most| days > most)),
            ];
            prop_assert_eq!(found, expected.into_iter().filter(|(_, applies)| *applies).map(|(reason, _)| reason).collect::<Vec<_>>());
        }
    }
}
