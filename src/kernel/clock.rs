//! Instants are UTC and come from the database; days are the hotel's own.

use chrono::{DateTime, Duration, LocalResult, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

/// A point in time, as the database's clock told it.
pub type Instant = DateTime<Utc>;

/// The calendar day at `now` where `zone` is.
#[must_use]
pub fn today_in(zone: Tz, now: Instant) -> NaiveDate {
    now.with_timezone(&zone).date_naive()
}

/// The earliest calendar day anywhere on earth at `now` (UTC−12): a date before it is past everywhere.
#[must_use]
pub fn earliest_today(now: Instant) -> NaiveDate {
    (now - Duration::hours(12)).date_naive()
}

/// The instant of a hotel-local wall time. Of two (clocks set back) the earlier; of none (clocks set forward) the
/// first instant after the gap.
#[must_use]
pub fn local_instant(zone: Tz, date: NaiveDate, time: NaiveTime) -> Instant {
    let mut wall = date.and_time(time);
    for _ in 0..=4 {
        match zone.from_local_datetime(&wall) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => return at.with_timezone(&Utc),
            LocalResult::None => wall += Duration::minutes(30),
        }
    }
    Utc.from_utc_datetime(&wall)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_time_in_the_gap_moves_past_it() {
        let zone = chrono_tz::Europe::Paris;
        let spring = NaiveDate::from_ymd_opt(2027, 3, 28).expect("a date");
        let gap = NaiveTime::from_hms_opt(2, 0, 0).expect("a time");
        assert_eq!(local_instant(zone, spring, gap).to_rfc3339(), "2027-03-28T01:00:00+00:00");
    }

    #[test]
    fn today_depends_on_the_zone() {
        let now = Utc.with_ymd_and_hms(2027, 1, 1, 3, 0, 0).single().expect("an instant");
        assert_eq!(today_in(chrono_tz::America::New_York, now).to_string(), "2026-12-31");
        assert_eq!(today_in(chrono_tz::Asia::Tokyo, now).to_string(), "2027-01-01");
        assert_eq!(earliest_today(now).to_string(), "2026-12-31");
    }
}
