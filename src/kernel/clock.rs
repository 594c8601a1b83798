//! Instants are UTC and come from the database; days are the hotel's own.

use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Offset, TimeZone, Utc};
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

/// The instant of a hotel-local wall time. Of two (clocks set back) the later; of none (clocks set forward) as much
/// later as they were set forward. PostgreSQL's `AT TIME ZONE`, which the search uses, reads both the same way.
#[must_use]
pub fn local_instant(zone: Tz, date: NaiveDate, time: NaiveTime) -> Instant {
    let wall = date.and_time(time);
    // Where the clocks skip it, what they were set to before counts: half hours back, as far as a whole skipped day.
    let mut before = (0..=48).map(|half_hours| wall - Duration::minutes(30 * half_hours));
    let offset = before.find_map(|wall| zone.offset_from_local_datetime(&wall).latest());
    Utc.from_utc_datetime(&offset.map_or(wall, |offset| wall - offset.fix()))
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
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    /// Zones that set their clocks by an hour, by half of one, at midnight, by two hours, and never.
    const ZONES: [Tz; 8] = [
        chrono_tz::Europe::Paris,
        chrono_tz::America::New_York,
        chrono_tz::Australia::Lord_Howe,
        chrono_tz::Pacific::Auckland,
        chrono_tz::Asia::Beirut,
        chrono_tz::America::Santiago,
        chrono_tz::Antarctica::Troll,
        chrono_tz::Asia::Kathmandu,
    ];

    /// The days on which clocks are set.
    static SETTINGS: LazyLock<Vec<(Tz, NaiveDate)>> = LazyLock::new(|| {
        let days = || NaiveDate::from_ymd_opt(2020, 1, 1).expect("a date").iter_days().take(5_000);
        let shown = |zone: Tz, date: NaiveDate| zone.offset_from_utc_datetime(&date.and_time(NaiveTime::MIN)).fix();
        let all = ZONES.into_iter().flat_map(|zone| days().map(move |date| (zone, date)));
        all.filter(|(zone, date)| shown(*zone, *date) != shown(*zone, *date + Duration::days(1))).collect()
    });

    fn wall() -> impl Strategy<Value = (Tz, NaiveDate, NaiveTime)> {
        let around = (prop::sample::select(&**SETTINGS), 0i64..=1)
            .prop_map(|((zone, date), more)| (zone, date + Duration::days(more)));
        let time =
            (0u32..1_440).prop_map(|minute| NaiveTime::from_hms_opt(minute / 60, minute % 60, 0).expect("a time"));
        let at_night =
            (0u32..240).prop_map(|minute| NaiveTime::from_hms_opt(minute / 60, minute % 60, 0).expect("a time"));
        (around, prop_oneof![3 => at_night, 1 => time]).prop_map(|((zone, date), time)| (zone, date, time))
    }

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

    #[test]
    fn of_two_instants_with_one_wall_time_it_is_the_later() {
        let autumn = NaiveDate::from_ymd_opt(2027, 10, 31).expect("a date");
        let twice = NaiveTime::from_hms_opt(2, 30, 0).expect("a time");
        let at = local_instant(chrono_tz::Europe::Paris, autumn, twice);
        assert_eq!(at.to_rfc3339(), "2027-10-31T01:30:00+00:00");
    }

    proptest! {
        #[test]
        fn the_clock_on_the_wall_shows_the_time_asked_for((zone, date, time) in wall()) {
            let at = local_instant(zone, date, time);
            let shown = at.with_timezone(&zone).naive_local();
            let is_in_a_gap = zone.from_local_datetime(&date.and_time(time)).latest().is_none();
            if is_in_a_gap {
                // It is as far behind the gap's end as it would be behind the gap's beginning.
                let moved = shown - date.and_time(time);
                prop_assert!([30, 60, 120].contains(&moved.num_minutes()), "moved by {}", moved);
                prop_assert_eq!((at - moved).with_timezone(&zone).naive_local() + moved + moved, shown);
            } else {
                prop_assert_eq!(shown, date.and_time(time));
                // No later instant shows it too.
                let again = (at + Duration::hours(1)).with_timezone(&zone).naive_local();
                let again_half = (at + Duration::minutes(30)).with_timezone(&zone).naive_local();
                prop_assert!(again != shown && again_half != shown);
            }
        }

        #[test]
        fn today_is_a_day_around_utcs_and_never_before_the_earliest((zone, date, time) in wall()) {
            let now = Utc.from_utc_datetime(&date.and_time(time));
            let (today, earliest) = (today_in(zone, now), earliest_today(now));
            prop_assert!(today >= earliest && today <= earliest + Duration::days(2));
            prop_assert!((today - date).num_days().abs() <= 1);
        }
    }
}
