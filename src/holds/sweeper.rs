//! The sweeper tidies expired holds, hotel by hotel. Any number of processes may run one.

use std::time::Duration;

use tokio::sync::watch;

use super::expire;
use crate::db::{Db, DbError};

/// Sweeps every `interval` until told to stop.
pub fn start(db: Db, interval: Duration, mut stopped: watch::Receiver<bool>) {
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(interval) => {}
            }
            match sweep(&db).await {
                Ok(0) => {}
                Ok(expired) => tracing::info!(expired, "swept expired holds"),
                Err(error) => tracing::warn!(%error, "the sweep failed; the next one goes on"),
            }
        }
    });
}

/// One round over every hotel; how many holds it expired.
pub async fn sweep(db: &Db) -> Result<usize, DbError> {
    let mut expired = 0;
    for hotel_id in db.read(expire::hotels).await? {
        loop {
            match db.write(move |tx| expire::sweep(tx, hotel_id)).await {
                Ok(0) => break,
                Ok(swept) => expired += swept,
                // A hotel that cannot be swept now, or at all, must not keep the others from it.
                Err(error) => {
                    tracing::warn!(%error, %hotel_id, "a hotel could not be swept");
                    break;
                }
            }
        }
    }
    Ok(expired)
}
