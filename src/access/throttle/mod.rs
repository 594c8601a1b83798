//! Throttling: who guesses is made to wait. [`rule`] says for how long.
//!
//! An attempt is counted as failed before anything is tried, and the count is put right if it succeeds. So of any number
//! of attempts at once, in any number of processes, no more are tried than may fail, and one that nobody saw end counts.
//! The rows are keyed by what is tried, not by whom it belongs to: an address without an account is throttled like one
//! that has one.

mod gate;
pub mod rule;
mod store;

use std::net::IpAddr;
use std::sync::Arc;

use chrono::Duration;
use ipnet::{IpNet, Ipv6Net};

use self::gate::{Gates, Pass};
pub use self::rule::Kind;
use super::AccessError;
use crate::db::{Db, DbError, Tx};
use crate::kernel::clock::Instant;
use crate::kernel::secret::{Keyring, Purpose};

/// The bits of an IPv6 address that a provider gives to one customer.
const IPV6_PREFIX: u8 = 64;
/// Forgotten rows that an attempt removes: more than it can make, so that they do not pile up.
const TIDIED: i32 = 4;

/// What failures are counted of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    kind: Kind,
    key: Vec<u8>,
}

/// One failure counted ahead.
#[derive(Clone, Debug)]
struct Charged {
    subject: Subject,
    forgotten_at: Instant,
}

/// An attempt that may be tried. It has failed, unless [`Attempt::succeeded`].
pub struct Attempt {
    charged: Vec<Charged>,
    /// Given back when the attempt is over, however it ends.
    _passes: Vec<Pass>,
}

/// Counts failures, and says who has to wait. Clones share their gates.
#[derive(Clone)]
pub struct Throttle {
    keys: Arc<Keyring>,
    gates: Gates,
}

impl Throttle {
    #[must_use]
    pub fn new(keys: Arc<Keyring>) -> Self {
        Self { keys, gates: Gates::default() }
    }

    /// Guesses at one thing from one place. `what` is normalised by the caller.
    #[must_use]
    pub fn subjects(&self, kind: Kind, what: &str, from: Option<&str>) -> Vec<Subject> {
        std::iter::once(self.subject(kind, what)).chain(self.origin(from)).collect()
    }

    /// One more account from one place.
    #[must_use]
    pub fn registration(&self, from: Option<&str>) -> Vec<Subject> {
        self.place(Kind::Registration, from).into_iter().collect()
    }

    fn subject(&self, kind: Kind, what: &str) -> Subject {
        let message = format!("{kind}\0{what}");
        Subject { kind, key: self.keys.mac(Purpose::Throttle, message.as_bytes()).to_vec() }
    }

    fn origin(&self, from: Option<&str>) -> Option<Subject> {
        self.place(Kind::Address, from)
    }

    /// What is counted of a place, if it is known.
    fn place(&self, kind: Kind, from: Option<&str>) -> Option<Subject> {
        let from = neighbourhood(from?.parse().ok()?);
        Some(self.subject(kind, &from.to_string()))
    }

    /// Lets an attempt be tried that takes longer than a transaction; else says how long to wait, or that too many are
    /// under way.
    ///
    /// Locks: the subjects' rows, in their order.
    pub async fn admit(&self, db: &Db, subjects: Vec<Subject>) -> Result<Attempt, AccessError> {
        let mut passes = Vec::new();
        // Where it comes from first: whoever waits there for his own attempts keeps nobody from an account meanwhile.
        for subject in subjects.iter().rev() {
            let pass = self.gates.enter(subject.clone()).await;
            passes.push(pass.ok_or(DbError::Busy("attempts at the same are under way"))?);
        }
        let charged = db.write(move |tx| charge(tx, &subjects)).await;
        if !matches!(charged, Err(AccessError::Db(_))) {
            passes.iter_mut().for_each(Pass::reached_the_database);
        }
        Ok(Attempt { charged: charged?, _passes: passes })
    }

    /// The same for an attempt that is over with this transaction, which is to be committed if it fails as well.
    ///
    /// Locks: the subjects' rows, in their order.
    pub fn admit_within(&self, tx: &mut Tx<'_>, subjects: &[Subject]) -> Result<Attempt, AccessError> {
        Ok(Attempt { charged: charge(tx, subjects)?, _passes: Vec::new() })
    }
}

impl Attempt {
    /// It did not fail: what was guessed at is known to whoever tried, and its failures are forgotten. Where it came from
    /// only has this one taken back, or one right answer in a hundred would pay for the others.
    ///
    /// Locks: the subjects' rows, in their order.
    pub fn succeeded(&self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        for charged in &self.charged {
            match charged.subject.kind {
                Kind::Account | Kind::Password | Kind::BookingCode => store::forget(tx, &charged.subject)?,
                Kind::Address | Kind::Registration => store::take_back(tx, charged)?,
            }
        }
        Ok(())
    }
}

/// Counts a failure of each, or of none.
fn charge(tx: &mut Tx<'_>, subjects: &[Subject]) -> Result<Vec<Charged>, AccessError> {
    // A look first: whoever hammers at what is paused writes nothing and waits for no lock.
    let mut longest: Option<Duration> = None;
    for subject in subjects {
        if let Some((count, now)) = store::look(tx, subject)? {
            longest = longest.max(subject.kind.charged(&count, now).err());
        }
    }
    if let Some(wait) = longest {
        return Err(too_many(wait));
    }
    let mut charged = Vec::new();
    for subject in subjects {
        let (count, now) = store::lock(tx, subject)?;
        let count = subject.kind.charged(&count, now).map_err(too_many)?;
        store::write(tx, subject, &count)?;
        charged.push(Charged { subject: subject.clone(), forgotten_at: count.forgotten_at });
    }
    store::tidy(tx, TIDIED)?;
    Ok(charged)
}

fn too_many(wait: Duration) -> AccessError {
    let seconds = wait.num_milliseconds().max(0).div_euclid(1_000).saturating_add(1);
    AccessError::TooManyAttempts { retry_after_s: u32::try_from(seconds).unwrap_or(1) }
}

/// Who shares an address: one customer's IPv6 network, one IPv4 address.
#[must_use]
pub fn neighbourhood(address: IpAddr) -> IpNet {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Net::new_assert(address, IPV6_PREFIX).trunc().into(),
        address @ IpAddr::V4(_) => address.into(),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    #[test]
    fn an_ipv6_network_is_one_place_and_an_ipv4_address_too() {
        let keys = Keyring::new(&SecretString::from("0123456789abcdef0123456789abcdef"));
        let throttle = Throttle::new(Arc::new(keys));
        let place = |text: &str| {
            let subjects = throttle.subjects(Kind::Account, "ada@example.com", Some(text));
            subjects.into_iter().nth(1).expect("a place")
        };
        assert_eq!(place("2001:db8:1:2::1"), place("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(place("2001:db8:1:2::1"), place("2001:db8:1:3::1"));
        assert_ne!(place("192.0.2.1"), place("192.0.2.2"));
        assert_eq!(place("192.0.2.1"), place("::ffff:192.0.2.1"));
    }

    #[test]
    fn a_wait_is_told_in_whole_seconds_and_never_too_short() {
        let told = |ms| match too_many(Duration::milliseconds(ms)) {
            AccessError::TooManyAttempts { retry_after_s } => retry_after_s,
            _ => 0,
        };
        assert_eq!([told(1), told(999), told(1_000), told(899_500)], [1, 1, 2, 900]);
    }
}
