//! The reaper: rows that nobody asks for any more go, batch by batch. Any number of processes may run one; they pass
//! over each other's rows.
//!
//! What goes, and when, is said where the rows are written. Keys go before the quotes that their answers name, and the
//! round ends at the first failure: an answer is never left that names what is gone.

use std::time::Duration;

use tokio::sync::watch;

use crate::db::{Db, DbError, Tx, tx as transaction};
use crate::http::idempotency;
use crate::outbox::{events, jobs};
use crate::{access, payments, quotes};

/// The most rows that one transaction removes.
pub const BATCH: i64 = 1_000;

/// Looking takes longer the more there is that stays, and nobody waits for it.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(50);
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// Removes up to so many rows that ended so many days ago; how many.
type Reap = fn(&mut Tx<'_>, i32, i64) -> Result<usize, DbError>;

/// What is removed, in this order.
const REAPED: &[(&str, Reap)] = &[
    ("idempotency keys", |tx, _, most| idempotency::reap(tx, most)),
    ("quotes", quotes::store::reap),
    ("refresh tokens", access::store::reap_tokens),
    ("sessions", access::store::reap_sessions),
    ("jobs", jobs::reap),
    ("events", events::reap),
    ("the simulator's requests", payments::simulator::reap),
];

/// Reaps every `interval` until told to stop.
pub fn start(db: Db, interval: Duration, retention_days: i32, mut stopped: watch::Receiver<bool>) {
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(interval) => {}
            }
            if let Err(error) = round(&db, retention_days).await {
                tracing::warn!(%error, "old rows could not be removed; the next round goes on");
            }
        }
    });
}

/// Removes all that may go; how many rows.
pub async fn round(db: &Db, retention_days: i32) -> Result<usize, DbError> {
    let mut all = 0;
    for (what, reap) in REAPED {
        let mut gone = 0;
        loop {
            let batch = db.write(move |tx| {
                transaction::allow(tx, LOCK_TIMEOUT, STATEMENT_TIMEOUT)?;
                reap(tx, retention_days, BATCH)
            });
            let batch = batch.await?;
            gone += batch;
            if batch == 0 {
                break;
            }
        }
        if gone > 0 {
            tracing::info!(rows = gone, what, "removed old rows");
        }
        all += gone;
    }
    Ok(all)
}
