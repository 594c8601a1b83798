//! The reaper: rows that nobody asks for any more go, batch by batch. Any number of processes may run one; they pass
//! over each other's rows.
//!
//! What goes, and when, is said where the rows are written. Keys go before the quotes that their answers name, and no
//! quote goes in a round in which the keys did not: an answer is never left that names what is gone.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;

use crate::access::store as access;
use crate::db::{Db, DbError, Tx, tx as transaction};
use crate::http::idempotency;
use crate::outbox::{events, jobs};
use crate::payments::simulator;
use crate::payments::webhook::store as webhooks;
use crate::quotes::store::{self as quotes, Expiry};

/// The most rows that one transaction removes.
pub const BATCH: i64 = 1_000;

/// Looking takes longer the more there is that stays, and nobody waits for it.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(50);
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// One kind of rows.
struct Step {
    what: &'static str,
    /// What must have gone before, in the same round.
    after: Option<&'static str>,
    reap: Reap,
}

/// Removes a batch of what ended so many days ago, behind the place that the batch before came to.
type Reap = fn(&mut Tx<'_>, i32, Option<Expiry>) -> Result<Batch, DbError>;

struct Batch {
    removed: usize,
    next: Next,
}

enum Next {
    /// Nothing is left.
    End,
    /// What is left is found the same way.
    Again,
    /// What was passed over is not looked at again.
    Behind(Expiry),
}

/// What is removed, in this order.
const STEPS: &[Step] = &[
    Step { what: "idempotency keys", after: None, reap: |tx, _, _| idempotency::reap(tx, BATCH).map(batch) },
    Step { what: "quotes", after: Some("idempotency keys"), reap: reap_quotes },
    Step { what: "refresh tokens", after: None, reap: |tx, days, _| access::reap_tokens(tx, days, BATCH).map(batch) },
    Step {
        what: "sessions",
        after: Some("refresh tokens"),
        reap: |tx, days, _| access::reap_sessions(tx, days, BATCH).map(batch),
    },
    Step { what: "jobs", after: None, reap: |tx, days, _| jobs::reap(tx, days, BATCH).map(batch) },
    Step { what: "events", after: None, reap: |tx, days, _| events::reap(tx, days, BATCH).map(batch) },
    Step { what: "webhooks", after: None, reap: |tx, days, _| webhooks::reap(tx, days, BATCH).map(batch) },
    Step {
        what: "the simulator's requests",
        after: None,
        reap: |tx, days, _| simulator::requests::reap(tx, days, BATCH).map(batch),
    },
    Step {
        what: "the simulator's deliveries",
        after: None,
        reap: |tx, days, _| simulator::events::reap_deliveries(tx, days, BATCH).map(batch),
    },
    Step {
        what: "the simulator's events",
        after: Some("the simulator's deliveries"),
        reap: |tx, days, _| simulator::events::reap(tx, days, BATCH).map(batch),
    },
];

fn batch(removed: usize) -> Batch {
    Batch { removed, next: if removed == 0 { Next::End } else { Next::Again } }
}

fn reap_quotes(tx: &mut Tx<'_>, days: i32, after: Option<Expiry>) -> Result<Batch, DbError> {
    let reaped = quotes::reap(tx, days, BATCH, after)?;
    Ok(reaped
        .map_or(Batch { removed: 0, next: Next::End }, |(removed, last)| Batch { removed, next: Next::Behind(last) }))
}

/// What a round came to.
#[derive(Debug, Default)]
pub struct Round {
    /// How many rows of what were removed, those of a step that failed later too; nothing of it, nothing here.
    pub removed: BTreeMap<&'static str, usize>,
    /// What was not removed to its end, and why.
    pub failed: Vec<(&'static str, DbError)>,
    /// What was not begun, because what must go before had not gone.
    pub skipped: Vec<&'static str>,
}

/// Reaps every `interval` until told to stop.
pub fn start(db: Db, interval: Duration, retention_days: i32, mut stopped: watch::Receiver<bool>) {
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(interval) => {}
            }
            let Round { removed, failed, skipped } = round(&db, retention_days).await;
            for (what, rows) in removed {
                tracing::info!(rows, what, "removed old rows");
            }
            for (what, error) in failed {
                tracing::warn!(%error, what, "old rows could not be removed; the next round goes on");
            }
            for what in skipped {
                tracing::warn!(what, "old rows stay until the next round, because what names them does");
            }
        }
    });
}

/// Removes all that may go. What cannot be removed keeps nothing else from going but what it names.
pub async fn round(db: &Db, retention_days: i32) -> Round {
    let mut round = Round::default();
    for Step { what, after, reap } in STEPS {
        let is_left =
            |before| round.skipped.contains(&before) || round.failed.iter().any(|(failed, _)| *failed == before);
        if after.is_some_and(is_left) {
            round.skipped.push(what);
            continue;
        }
        let mut place = None;
        loop {
            let reaped = db.write(move |tx| {
                transaction::allow(tx, LOCK_TIMEOUT, STATEMENT_TIMEOUT)?;
                reap(tx, retention_days, place)
            });
            let Batch { removed, next } = match reaped.await {
                Ok(batch) => batch,
                Err(error) => {
                    round.failed.push((what, error));
                    break;
                }
            };
            if removed > 0 {
                *round.removed.entry(what).or_default() += removed;
            }
            match next {
                Next::End => break,
                Next::Again => {}
                Next::Behind(last) => place = Some(last),
            }
        }
    }
    round
}
