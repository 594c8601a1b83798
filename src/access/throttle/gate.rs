//! Gates before the counting: of one subject, only so many attempts are under way in this process.
//!
//! An attempt counts as failed until it succeeds. Without the gate, a guest's fifth right password at the same instant
//! would be refused because four others are still being looked at. With it, it waits for them. Other processes have
//! gates of their own; what they share is the count, which is exact.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Subject;

/// How long an attempt waits at a gate where nothing goes on, such as before a database that hangs.
const STILLSTAND: Duration = Duration::from_secs(2);
/// How many such waits it bears, though something went on in each.
const WAITS: u32 = 15;

struct Gate {
    places: Arc<Semaphore>,
    /// How many are inside, or wait to be.
    present: usize,
    /// How many were inside, reached the database, and have left.
    left: u64,
}

/// The gates of a process; clones share them. A gate is there while somebody is at it.
#[derive(Clone, Default)]
pub(super) struct Gates(Arc<Mutex<HashMap<Subject, Gate>>>);

/// Somebody at a gate, or inside.
pub(super) struct Pass {
    gates: Gates,
    subject: Subject,
    place: Option<OwnedSemaphorePermit>,
    has_reached_the_database: bool,
}

impl Pass {
    /// So it is not for a database that hangs that others wait behind it.
    pub fn reached_the_database(&mut self) {
        self.has_reached_the_database = true;
    }
}

impl Gates {
    /// Waits for a place; `None` if none became free in time.
    pub async fn enter(&self, subject: Subject) -> Option<Pass> {
        let places = {
            let mut open = self.open();
            let places = || Arc::new(Semaphore::new(subject.kind.at_once()));
            let gate = open.entry(subject.clone()).or_insert_with(|| Gate { places: places(), present: 0, left: 0 });
            gate.present += 1;
            gate.places.clone()
        };
        // From here on the gate is left tidily, whether or not a place is found.
        let mut pass = Pass { gates: self.clone(), subject, place: None, has_reached_the_database: false };
        // Queued once, so that nobody who comes later is let in before.
        let mut place = std::pin::pin!(places.acquire_owned());
        for _ in 0..WAITS {
            let left = self.left(&pass.subject);
            match tokio::time::timeout(STILLSTAND, &mut place).await {
                Ok(place) => {
                    pass.place = Some(place.ok()?);
                    return Some(pass);
                }
                Err(_) if self.left(&pass.subject) == left => return None,
                Err(_) => {}
            }
        }
        None
    }

    fn left(&self, subject: &Subject) -> Option<u64> {
        self.open().get(subject).map(|gate| gate.left)
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Subject, Gate>> {
        // Nothing that happens under this lock can be half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.place = None;
        let mut open = self.gates.open();
        if let Some(gate) = open.get_mut(&self.subject) {
            gate.present -= 1;
            gate.left += u64::from(self.has_reached_the_database);
            if gate.present == 0 {
                open.remove(&self.subject);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::throttle::Kind;

    #[tokio::test]
    async fn a_gate_lets_so_many_in_and_is_gone_with_the_last() {
        let gates = Gates::default();
        let subject = || Subject { kind: Kind::Address, key: vec![1] };
        let mut inside = Vec::new();
        for _ in 0..10 {
            inside.push(gates.enter(subject()).await.expect("a place"));
        }
        let mut next = Box::pin(gates.enter(subject()));
        let waits = tokio::time::timeout(Duration::from_millis(20), &mut next).await;
        assert!(waits.is_err(), "the next one waits");
        drop(inside.pop());
        let next = next.await.expect("a place");
        gates.enter(Subject { kind: Kind::Account, key: vec![2] }).await.expect("another gate");
        assert_eq!(gates.open().len(), 1, "the other is gone again");
        drop((inside, next));
        assert!(gates.open().is_empty());
    }

    #[tokio::test]
    async fn whoever_gives_up_waiting_leaves_nothing_behind() {
        let gates = Gates::default();
        let subject = || Subject { kind: Kind::BookingCode, key: vec![1] };
        let inside = gates.enter(subject()).await.expect("a place");
        let gave_up = tokio::time::timeout(Duration::from_millis(20), gates.enter(subject())).await;
        assert!(gave_up.is_err());
        drop(inside);
        assert!(gates.open().is_empty());
    }
}
