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
