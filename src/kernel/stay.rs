//! Stays: half-open ranges of hotel-local nights.

use chrono::{Days, NaiveDate};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// The longest stay that can be sold, in nights.
pub const MAX_NIGHTS: i64 = 99;

/// The nights from `check_in` up to, not including, `check_out`: at least 1, at most [`MAX_NIGHTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stay {
    check_in: NaiveDate,
    check_out: NaiveDate,
}

/// Why two dates are no stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StayError {
    #[error("check_out must be after check_in")]
    NotAfterCheckIn,
    #[error("a stay has at most {MAX_NIGHTS} nights")]
    TooLong,
}

impl Stay {
    pub fn new(check_in: NaiveDate, check_out: NaiveDate) -> Result<Self, StayError> {
        match check_out.signed_duration_since(check_in).num_days() {
            ..=0 => Err(StayError::NotAfterCheckIn),
            1..=MAX_NIGHTS => Ok(Self { check_in, check_out }),
            _ => Err(StayError::TooLong),
        }
    }

    #[must_use]
    pub fn check_in(self) -> NaiveDate {
        self.check_in
    }

    #[must_use]
    pub fn check_out(self) -> NaiveDate {
        self.check_out
    }

    /// How many nights: 1 to 99.
    #[must_use]
    pub fn nights(self) -> i64 {
        self.check_out.signed_duration_since(self.check_in).num_days()
    }

    /// Each night by the date it begins on, in order.
    pub fn dates(self) -> impl Iterator<Item = NaiveDate> {
        let mut next = Some(self.check_in);
        std::iter::from_fn(move || {
            let date = next.filter(|date| *date < self.check_out)?;
            next = date.checked_add_days(Days::new(1));
            Some(date)
        })
    }
}

/// Reads a stay date: `YYYY-MM-DD`, and nothing else that chrono would take for a date.
#[must_use]
pub fn date(text: &str) -> Option<NaiveDate> {
    let date = text.parse().ok().filter(|date: &NaiveDate| date.format("%Y-%m-%d").to_string() == text);
    date.filter(|_| text.len() == 10)
}

/// The same for serde.
pub fn stay_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
    let text = String::deserialize(deserializer)?;
    date(&text).ok_or_else(|| D::Error::custom("must be a date, YYYY-MM-DD"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn date(y: i32, m: u32, d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(y, m, d).expect("a date")
    }

    #[test]
    fn a_stay_is_half_open() {
        let stay = Stay::new(date(2028, 2, 28), date(2028, 3, 1)).expect("a stay");
        assert_eq!(stay.dates().collect::<Vec<_>>(), [date(2028, 2, 28), date(2028, 2, 29)]);
    }

    #[test]
    fn nothing_reversed_empty_or_endless() {
        let day = date(2027, 1, 1);
        assert_eq!(Stay::new(day, day), Err(StayError::NotAfterCheckIn));
        assert_eq!(Stay::new(day, date(2026, 12, 31)), Err(StayError::NotAfterCheckIn));
        assert_eq!(Stay::new(day, day + Days::new(100)), Err(StayError::TooLong));
        assert!(Stay::new(NaiveDate::MIN, NaiveDate::MAX).is_err());
    }

    fn any_date() -> impl Strategy<Value = NaiveDate> {
        (0u64..40_000).prop_map(|days| date(1990, 1, 1) + Days::new(days))
    }

    /// As the calendar on the wall has it.
    fn days_of(year: i32, month: u32) -> u32 {
        match month {
            2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    proptest! {
        #[test]
        fn as_many_dates_as_nights(from in any_date(), nights in 1u64..=99) {
            let stay = Stay::new(from, from + Days::new(nights)).expect("a stay");
            let dates: Vec<_> = stay.dates().collect();
            prop_assert_eq!(i64::try_from(dates.len()), Ok(stay.nights()));
            prop_assert_eq!(dates.first().copied(), Some(stay.check_in()));
            prop_assert_eq!(dates.last().copied(), stay.check_out().pred_opt());
            prop_assert!(dates.is_sorted_by(|one, next| one.succ_opt() == Some(*next)));
        }

        #[test]
        fn two_dates_are_a_stay_of_1_to_99_nights_or_none(from in any_date(), nights in -200i64..=200) {
            let to = from + chrono::Duration::days(nights);
            let expected = match nights {
                ..=0 => Err(StayError::NotAfterCheckIn),
                1..=99 => Ok(nights),
                _ => Err(StayError::TooLong),
            };
            prop_assert_eq!(Stay::new(from, to).map(Stay::nights), expected);
        }

        #[test]
        fn stays_that_meet_share_no_night(from in any_date(), one in 1u64..=49, more in 1u64..=50) {
            let (middle, to) = (from + Days::new(one), from + Days::new(one + more));
            let nights = |from, to| Stay::new(from, to).expect("a stay").dates().collect::<Vec<_>>();
            prop_assert_eq!([nights(from, middle), nights(middle, to)].concat(), nights(from, to));
        }

        #[test]
        fn february_has_its_29th_night_in_leap_years_only(year in 1890i32..2210) {
            let stay = Stay::new(date(year, 2, 27), date(year, 3, 2)).expect("a stay");
            prop_assert_eq!(stay.nights(), i64::from(days_of(year, 2)) - 27 + 2);
        }

        #[test]
        fn a_date_is_read_as_it_is_written(year in 0i32..=9999, month in 0u32..=13, day in 0u32..=32) {
            let exists = (1..=12).contains(&month) && (1..=days_of(year, month)).contains(&day);
            let text = format!("{year:04}-{month:02}-{day:02}");
            let read = stay_date(serde_json::json!(text));
            prop_assert_eq!(read.ok().map(|date| date.to_string()), exists.then_some(text));
        }

        #[test]
        fn no_other_text_is_a_date(text in r"[+-]?[0-9]{1,5}[-/ ]?[0-9]{1,2}[-/ ]?[0-9]{1,2}(T00:00:00)?Z?| 2027-01-01|2027-1-01") {
            let mut parts = text.split('-').map(str::len);
            let is_written_so = parts.by_ref().eq([4, 2, 2]) && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
            prop_assert!(is_written_so || stay_date(serde_json::json!(text)).is_err());
        }
    }
}
