//! Cancellation: tiers become absolute deadlines and amounts when a stay is priced.

use chrono::{Duration, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::plan::{Penalty, Tier};
use super::pricing::RoomPrice;
use crate::kernel::clock::{Instant, local_instant};
use crate::kernel::money::{OutOfRange, percent_of};

/// What cancelling one room costs until a deadline, in minor units. The last entry has none: from then on, for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    pub until: Option<Instant>,
    pub penalty: i64,
    /// Of what is paid when booking.
    pub refund: i64,
}

/// The deadlines of a stay, earliest first. Hours count back from the hotel's check-in time on the first night, on the
/// hotel's clock.
pub fn deadlines(
    tiers: &[Tier],
    price: &RoomPrice,
    check_in: NaiveDate,
    check_in_time: NaiveTime,
    zone: Tz,
) -> Result<Vec<Deadline>, OutOfRange> {
    let arrival = local_instant(zone, check_in, check_in_time);
    let mut tiers = tiers.to_vec();
    tiers.sort_by_key(|tier| std::cmp::Reverse(tier.until_hours_before_check_in));
    let mut deadlines = Vec::with_capacity(tiers.len() + 1);
    for tier in tiers {
        let until = arrival - Duration::hours(i64::from(tier.until_hours_before_check_in));
        deadlines.push(deadline(Some(until), penalty(tier.penalty, price)?, price));
    }
    deadlines.push(deadline(None, price.total, price));
    Ok(deadlines)
}

/// What cancelling costs at `now`: the first entry whose deadline is still to come.
#[must_use]
pub fn at(deadlines: &[Deadline], now: Instant) -> Option<&Deadline> {
    deadlines.iter().find(|deadline| deadline.until.is_none_or(|until| now < until))
}

/// What it costs that the guest does not come: the entry without a deadline.
#[must_use]
pub fn no_show(deadlines: &[Deadline]) -> Option<&Deadline> {
    deadlines.iter().find(|deadline| deadline.until.is_none())
}

fn deadline(until: Option<Instant>, penalty: i64, price: &RoomPrice) -> Deadline {
    Deadline { until, penalty, refund: (price.due_now - penalty).max(0) }
}

fn penalty(penalty: Penalty, price: &RoomPrice) -> Result<i64, OutOfRange> {
    let amount = match penalty {
        Penalty::Percent(percent) => percent_of(price.total, percent)?,
        Penalty::Amount(amount) => amount,
        Penalty::Nights(nights) => {
            let first = price.nightly.iter().take(usize::try_from(nights).unwrap_or_default());
            first
                .map(super::pricing::NightLine::total)
                .try_fold(0i64, |sum, night| sum.checked_add(night?).ok_or(OutOfRange))?
        }
    };
    Ok(amount.min(price.total))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;
    use crate::rates::plan::PaymentPolicy;
    use crate::rates::pricing::price_room;

    #[test]
    fn deadlines_are_hotel_local_and_end_in_the_full_price() {
        let check_in = NaiveDate::from_ymd_opt(2027, 7, 10).expect("a date");
        let nights = [(check_in, 10_000), (check_in + chrono::Days::new(1), 20_000)];
        let price = price_room(&nights, &[], 2, PaymentPolicy::Prepaid).expect("in range").expect("on sale");
        let tiers = [
            Tier { until_hours_before_check_in: 24, penalty: Penalty::Nights(1) },
            Tier { until_hours_before_check_in: 72, penalty: Penalty::Percent(Decimal::ZERO) },
        ];
        let at = NaiveTime::from_hms_opt(15, 0, 0).expect("a time");
        let deadlines = deadlines(&tiers, &price, check_in, at, chrono_tz::Asia::Tokyo).expect("deadlines");
        let untils: Vec<_> = deadlines.iter().map(|d| d.until.map(|u| u.to_rfc3339())).collect();
        assert_eq!(
            untils,
            [Some("2027-07-07T06:00:00+00:00".to_owned()), Some("2027-07-09T06:00:00+00:00".to_owned()), None]
        );
        let amounts: Vec<_> = deadlines.iter().map(|d| (d.penalty, d.refund)).collect();
        assert_eq!(amounts, [(0, 30_000), (10_000, 20_000), (30_000, 0)]);
    }

    fn price_of(nights: &[i64], policy: PaymentPolicy) -> (NaiveDate, RoomPrice) {
        let check_in = NaiveDate::from_ymd_opt(2027, 3, 20).expect("a date");
        let nights: Vec<_> = nights.iter().zip(0u64..).map(|(p, n)| (check_in + chrono::Days::new(n), *p)).collect();
        (check_in, price_room(&nights, &[], 2, policy).expect("in range").expect("on sale"))
    }

    /// Clocks in Paris are set forward on 28 March 2027, and back on 31 October.
    #[test]
    fn hours_are_hours_whatever_the_clocks_on_the_wall_do() {
        let price = price_of(&[10_000], PaymentPolicy::Prepaid).1;
        let at = NaiveTime::from_hms_opt(15, 0, 0).expect("a time");
        for (month, day, hours, until) in [
            // 15:00 in summer is 13:00 UTC, and a day before it the clocks showed 14:00.
            (3, 28, 0, "2027-03-28T13:00:00+00:00"),
            (3, 28, 24, "2027-03-27T13:00:00+00:00"),
            (3, 29, 24, "2027-03-28T13:00:00+00:00"),
            // 15:00 in winter is 14:00 UTC, and a day before it they showed 16:00.
            (10, 31, 24, "2027-10-30T14:00:00+00:00"),
            (10, 31, 17_520, "2025-10-31T14:00:00+00:00"),
        ] {
            let check_in = NaiveDate::from_ymd_opt(2027, month, day).expect("a date");
            let tier = Tier { until_hours_before_check_in: hours, penalty: Penalty::Amount(0) };
            let found = deadlines(&[tier], &price, check_in, at, chrono_tz::Europe::Paris).expect("deadlines");
            assert_eq!(
                found.first().and_then(|first| first.until).map(|until| until.to_rfc3339()).as_deref(),
                Some(until)
            );
        }
    }

    fn any_penalty() -> impl Strategy<Value = Penalty> {
        prop_oneof![
            (0i64..=100_000).prop_map(|milli| Penalty::Percent(Decimal::new(milli, 3))),
            (0i16..=99).prop_map(Penalty::Nights),
            (0i64..=200_000).prop_map(Penalty::Amount),
        ]
    }

    proptest! {
        #[test]
        fn deadlines_follow_one_another_and_end_in_the_full_price(
            nights in prop::collection::vec(0i64..50_000, 1..8),
            tiers in prop::collection::btree_map(0i32..=17_520, any_penalty(), 0..5),
            later: bool,
        ) {
            let policy = if later { PaymentPolicy::PayAtProperty } else { PaymentPolicy::Prepaid };
            let (check_in, price) = price_of(&nights, policy);
            let tiers: Vec<_> = tiers.into_iter().map(|(hours, penalty)| Tier { until_hours_before_check_in: hours, penalty }).collect();
            let at = NaiveTime::from_hms_opt(15, 0, 0).expect("a time");
            let found = deadlines(&tiers, &price, check_in, at, chrono_tz::America::New_York).expect("deadlines");
            let last = Deadline { until: None, penalty: price.total, refund: 0 };
            prop_assert_eq!(found.len(), tiers.len() + 1);
            prop_assert_eq!(found.last(), Some(&last));
            let arrival = local_instant(chrono_tz::America::New_York, check_in, at);
            // The tiers come by growing hours, the deadlines by growing time.
            for (deadline, tier) in found.iter().zip(tiers.iter().rev()) {
                let hours = Duration::hours(i64::from(tier.until_hours_before_check_in));
                prop_assert_eq!(deadline.until, Some(arrival - hours));
                let naive = match tier.penalty {
                    Penalty::Amount(amount) => amount,
                    Penalty::Nights(first) => nights.iter().take(usize::try_from(first).expect("a few")).sum(),
                    Penalty::Percent(percent) => percent_of(price.total, percent).expect("in range"),
                };
                prop_assert_eq!(deadline.penalty, naive.min(price.total));
            }
            prop_assert!(found.is_sorted_by_key(|deadline| deadline.until.map_or((true, arrival), |until| (false, until))));
            for deadline in &found {
                prop_assert!((0..=price.total).contains(&deadline.penalty));
                prop_assert_eq!(deadline.refund, (price.due_now - deadline.penalty).max(0));
            }
        }

        #[test]
        fn penalties_that_grow_with_time_stay_in_order(
            nights in prop::collection::vec(0i64..50_000, 1..8), mut steps in prop::collection::vec(0i64..=100_000, 1..5),
        ) {
            let (check_in, price) = price_of(&nights, PaymentPolicy::Prepaid);
            steps.sort_unstable();
            let tier = |(milli, day): (&i64, i32)| Tier {
                until_hours_before_check_in: 240 - 24 * day,
                penalty: Penalty::Percent(Decimal::new(*milli, 3)),
            };
            let tiers: Vec<_> = steps.iter().zip(0..).map(tier).collect();
            let at = NaiveTime::from_hms_opt(15, 0, 0).expect("a time");
            let found = deadlines(&tiers, &price, check_in, at, chrono_tz::Asia::Tokyo).expect("deadlines");
            prop_assert!(found.is_sorted_by_key(|deadline| deadline.penalty));
            prop_assert!(found.is_sorted_by_key(|deadline| std::cmp::Reverse(deadline.refund)));
        }
    }
}
