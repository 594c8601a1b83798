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
pub fn stay_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
    let text = String::deserialize(deserializer)?;
    let date = text.parse().ok().filter(|date: &NaiveDate| date.format("%Y-%m-%d").to_string() == text);
    date.filter(|_| text.len() == 10).ok_or_else(|| D::Error::custom("must be a date, YYYY-MM-DD"))
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

    proptest! {
        #[test]
        fn as_many_dates_as_nights(offset in 0u64..20_000, nights in 1u64..=99) {
            let from = date(2000, 1, 1) + Days::new(offset);
            let stay = Stay::new(from, from + Days::new(nights)).expect("a stay");
            let dates: Vec<_> = stay.dates().collect();
            prop_assert_eq!(i64::try_from(dates.len()), Ok(stay.nights()));
            prop_assert!(dates.is_sorted());
            prop_assert!(dates.iter().all(|d| *d >= stay.check_in() && *d < stay.check_out()));
        }
    }
}
