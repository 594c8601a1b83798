//! How failures are counted, and what they cost: by the database's clock, under the row's lock.

use chrono::Duration;

use crate::kernel::clock::Instant;
use crate::text_enum;

/// Failures at an account, or at a booking's code, that cost nothing yet.
pub const FREE_FAILURES: i32 = 5;
/// The pause after those, in seconds; each further failure doubles it.
pub const FIRST_PAUSE_S: i64 = 1;
/// The longest pause, in seconds. Nothing is ever shut for good.
pub const LONGEST_PAUSE_S: i64 = 900;
/// After so many seconds without a failure they are forgotten.
const FORGOTTEN_AFTER_S: i64 = 86_400;
/// Failures from one address, whatever they are at.
pub const FAILURES_OF_ADDRESS: i32 = 100;
/// Registrations from one address, for accounts that are new or not: each leaves rows that stay.
pub const REGISTRATIONS_OF_ADDRESS: i32 = 1_000;
/// In so many seconds, counted from the first.
pub const WINDOW_OF_ADDRESS_S: i64 = 900;

text_enum! {
    /// What failures are counted of.
    pub enum Kind {
        /// An address that somebody signs in with, whether or not it has an account.
        Account = "account",
        /// Where requests come from.
        Address = "address",
        /// An account whose password somebody changes who is signed in to it: nobody else can use up its tries.
        Password = "password",
        /// Where accounts are registered from: each counts, whatever comes of it.
        Registration = "registration",
        /// A booking's confirmation code.
        BookingCode = "booking_code",
    }
}

/// Failures so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    pub failures: i32,
    pub paused_until: Option<Instant>,
    pub forgotten_at: Instant,
}

impl Kind {
    /// The most attempts under way at a time in a process: those at an account one after the other, those from an address
    /// as many as keep every thread that hashes busy, and few of a hundred.
    #[must_use]
    pub fn at_once(self) -> usize {
        match self {
            Self::Account | Self::Password | Self::BookingCode => 1,
            Self::Address | Self::Registration => 10,
        }
    }

    /// The count with one more failure; how long to wait, if there is a pause.
    pub fn charged(self, count: &Count, now: Instant) -> Result<Count, Duration> {
        if let Some(until) = count.paused_until.filter(|until| *until > now) {
            return Err(until - now);
        }
        let is_new = count.failures == 0 || count.forgotten_at <= now;
        let failures = if is_new { 1 } else { count.failures.saturating_add(1) };
        Ok(match self {
            Self::Account | Self::Password | Self::BookingCode => Count {
                failures,
                paused_until: pause(failures).map(|pause| now + pause),
                forgotten_at: now + Duration::seconds(FORGOTTEN_AFTER_S),
            },
            Self::Address => in_window(count, now, failures, FAILURES_OF_ADDRESS),
            Self::Registration => in_window(count, now, failures, REGISTRATIONS_OF_ADDRESS),
        })
    }
}

/// So many in a window that the first of them begins.
fn in_window(before: &Count, now: Instant, failures: i32, most: i32) -> Count {
    let window = now + Duration::seconds(WINDOW_OF_ADDRESS_S);
    let ends_at = if failures == 1 { window } else { before.forgotten_at };
    Count { failures, paused_until: (failures >= most).then_some(ends_at), forgotten_at: ends_at }
}

fn pause(failures: i32) -> Option<Duration> {
    let doublings = u32::try_from(failures - FREE_FAILURES).ok()?;
    Some(Duration::seconds((FIRST_PAUSE_S << doublings.min(20)).min(LONGEST_PAUSE_S)))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn at(seconds: i64) -> Instant {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).expect("a time")
    }

    fn none() -> Count {
        Count { failures: 0, paused_until: None, forgotten_at: at(0) }
    }

    #[test]
    fn the_pause_begins_with_the_fifth_failure_and_doubles_to_a_quarter_of_an_hour() {
        let (mut count, mut now, mut pauses) = (none(), at(0), Vec::new());
        for _ in 0..20 {
            count = Kind::Account.charged(&count, now).expect("no pause");
            let pause = count.paused_until.map(|until| until - now);
            pauses.push(pause.map_or(0, |pause| pause.num_seconds()));
            if let Some(pause) = pause {
                let early = now + pause - Duration::milliseconds(1);
                assert_eq!(Kind::Account.charged(&count, early), Err(Duration::milliseconds(1)));
                now += pause;
            }
        }
        assert_eq!(pauses[..8], [0, 0, 0, 0, 1, 2, 4, 8]);
        assert_eq!(pauses[13..], [512, 900, 900, 900, 900, 900, 900]);
        assert_eq!(pause(i32::MAX), Some(Duration::seconds(900)));
    }

    #[test]
    fn a_day_without_a_failure_forgets_those_before() {
        let count = Count { failures: 40, paused_until: Some(at(900)), forgotten_at: at(86_400) };
        assert_eq!(Kind::Account.charged(&count, at(86_399)).map(|count| count.failures), Ok(41));
        assert_eq!(Kind::Account.charged(&count, at(86_400)).map(|count| count.failures), Ok(1));
    }

    #[test]
    fn an_address_has_a_hundred_failures_in_a_quarter_of_an_hour() {
        let mut count = none();
        for failure in 0..100 {
            assert_eq!(count.paused_until, None);
            count = Kind::Address.charged(&count, at(failure)).expect("no pause");
        }
        assert_eq!(Kind::Address.charged(&count, at(100)), Err(Duration::seconds(800)), "from the first failure on");
        let anew = Kind::Address.charged(&count, at(900)).expect("the window is over");
        assert_eq!((anew.failures, anew.paused_until, anew.forgotten_at), (1, None, at(1_800)));
    }
}
