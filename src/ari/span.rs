//! Nights by their range and weekdays, as one item of a bulk change names them.

use chrono::{Datelike, Days, NaiveDate};

use crate::text_enum;

text_enum! {
    /// A day of the week.
    pub enum Weekday {
        Mon = "mon",
        Tue = "tue",
        Wed = "wed",
        Thu = "thu",
        Fri = "fri",
        Sat = "sat",
        Sun = "sun",
    }
}

/// Days of the week, as bits: Monday is the lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weekdays(u8);

impl Weekdays {
    pub const ALL: Self = Self(0b111_1111);
    pub const NONE: Self = Self(0);

    /// The one that a date falls on.
    #[must_use]
    pub fn of(date: NaiveDate) -> Self {
        Self(1 << date.weekday().num_days_from_monday())
    }

    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[must_use]
    pub fn meet(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// As SQL takes them.
    #[must_use]
    pub fn bits(self) -> i32 {
        i32::from(self.0)
    }
}

impl FromIterator<Weekday> for Weekdays {
    fn from_iter<T: IntoIterator<Item = Weekday>>(days: T) -> Self {
        days.into_iter().fold(Self::NONE, |all, day| {
            Self(all.0 | 1 << Weekday::ALL.iter().position(|known| *known == day).unwrap_or_default())
        })
    }
}

/// The nights from `from` up to, not including, `to`, that are on `weekdays`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub weekdays: Weekdays,
}

impl Span {
    /// One night.
    #[must_use]
    pub fn night(date: NaiveDate) -> Self {
        Self { from: date, to: date.succ_opt().unwrap_or(date), weekdays: Weekdays::ALL }
    }

    /// From the first day to the last, whatever the weekdays.
    #[must_use]
    pub fn days(self) -> i64 {
        self.to.signed_duration_since(self.from).num_days()
    }

    /// The weekdays on which it has nights.
    #[must_use]
    pub fn occurring(self) -> Weekdays {
        self.dates().take(7).map(Weekdays::of).fold(Weekdays::NONE, Weekdays::with)
    }

    /// The nights, in order.
    pub fn dates(self) -> impl Iterator<Item = NaiveDate> {
        let days = u64::try_from(self.days()).unwrap_or_default();
        let dates = (0..days).filter_map(move |day| self.from.checked_add_days(Days::new(day)));
        dates.filter(move |date| self.weekdays.meet(Weekdays::of(*date)))
    }

    /// How many nights.
    #[must_use]
    pub fn nights(self) -> i64 {
        let (weeks, rest) = (self.days().max(0) / 7, self.days().max(0) % 7);
        let tail = Self { to: self.from + chrono::Duration::days(rest), ..self };
        weeks * i64::from(self.weekdays.0.count_ones()) + i64::try_from(tail.dates().count()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(offset: u64, days: u64, bits: u8) -> Span {
        let from = NaiveDate::from_ymd_opt(2027, 1, 1).expect("a date") + Days::new(offset);
        Span { from, to: from + Days::new(days), weekdays: Weekdays(bits) }
    }

    #[test]
    fn weekdays_are_those_of_the_calendar() {
        let friday = NaiveDate::from_ymd_opt(2027, 1, 1).expect("a date");
        assert_eq!(Weekdays::of(friday), [Weekday::Fri].into_iter().collect());
        assert_eq!(Weekday::ALL.iter().copied().collect::<Weekdays>(), Weekdays::ALL);
        let weekend: Weekdays = [Weekday::Sun, Weekday::Sat].into_iter().collect();
        let dates: Vec<_> = Span { weekdays: weekend, ..span(0, 9, 0) }.dates().map(|date| date.to_string()).collect();
        assert_eq!(dates, ["2027-01-02", "2027-01-03", "2027-01-09"]);
        assert_eq!(weekend.bits(), 0b110_0000);
    }

    proptest! {
        #[test]
        fn nights_are_the_dates_counted(offset in 0u64..30, days in 0u64..800, bits in 0u8..128) {
            let span = span(offset, days, bits);
            prop_assert_eq!(span.nights(), i64::try_from(span.dates().count()).expect("a count"));
            let occurring = span.dates().map(Weekdays::of).fold(Weekdays::NONE, Weekdays::with);
            prop_assert_eq!(span.occurring(), occurring);
        }
    }
}
