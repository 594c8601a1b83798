//! Instants are UTC and come from the database; days are the hotel's own.

use chrono::{DateTime, Duration, LocalResult, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

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

/// A time of day on the hotel's clock, to the minute: `15:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, example = "15:00", pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")]
pub struct WallTime(pub NaiveTime);

const WALL_TIME: &str = "%H:%M";

impl Serialize for WallTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.format(WALL_TIME))
    }
}

impl<'de> Deserialize<'de> for WallTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = NaiveTime::parse_from_str(&text, WALL_TIME).ok();
        // chrono takes 9:05 for 09:05 as well.
        let time = time.filter(|time| time.format(WALL_TIME).to_string() == text);
        time.map(Self).ok_or_else(|| D::Error::custom("must be a time of day, HH:MM"))
    }
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

    #[test]
    fn a_wall_time_is_hours_and_minutes() {
        let read = |text: &str| serde_json::from_str::<WallTime>(&format!("{text:?}"));
        for wrong in ["9:05", "24:00", "12:60", "12:00:00", "12", "", "noon"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let time = read("09:05").expect("a time");
        assert_eq!(serde_json::to_string(&time).expect("JSON"), "\"09:05\"");
    }
}
