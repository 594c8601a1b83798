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
}
