//! The sealer: gives each entry its place in its hotel's chain. Any number of processes may run one.
//!
//! An entry is sealed because it is committed, never because of its id or its time: it stands in `audit_unsealed` from
//! the transaction that wrote it until the one that seals it. So one that was begun early and committed late is sealed
//! late, and none is passed over.

use std::time::Duration;

use tokio::sync::watch;

use super::{chain, store};
use crate::db::{Db, DbError, Tx};
use crate::kernel::ids::HotelId;

/// Between two looks: an entry is to be sealed within 5 s.
const PAUSE: Duration = Duration::from_secs(1);
/// The most entries that one transaction seals.
const BATCH: i64 = 500;

/// Seals until told to stop.
pub fn start(db: Db, mut stopped: watch::Receiver<bool>) {
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
            if let Err(error) = round(&db).await {
                tracing::warn!(%error, "the audit log could not be sealed; the next look goes on");
            }
        }
    });
}

/// Seals what every hotel has waiting; how many entries.
pub async fn round(db: &Db) -> Result<usize, DbError> {
    let mut sealed = 0;
    for hotel_id in db.read(store::hotels_unsealed).await? {
        loop {
            match db.write(move |tx| seal(tx, hotel_id)).await {
                Ok(0) => break,
                Ok(batch) => sealed += batch,
                // A chain that cannot be written on now, or at all, must not keep the others from it.
                Err(error) => {
                    tracing::warn!(%error, %hotel_id, "a hotel's audit entries could not be sealed");
                    break;
                }
            }
        }
    }
    Ok(sealed)
}

/// Chains up to a batch of a hotel's waiting entries; how many. None while another does it.
///
/// Locks: the hotel's head, passing over a locked one; then its waiting entries, by their DELETE. What waits is read
/// after the head was locked, so the last holder's work is seen. Behind it stand the primary key of `audit_seals` (one
/// entry a place: no fork) and `audit_seals_entry_key` (one place an entry).
pub fn seal(tx: &mut Tx<'_>, hotel_id: HotelId) -> Result<usize, DbError> {
    let Some(head) = store::lock_head(tx, hotel_id, &chain::GENESIS)? else {
        return Ok(0);
    };
    let waiting = store::unsealed(tx, hotel_id, BATCH)?;
    let (mut seq, mut hash) = (head.seq, head.hash);
    let mut seals = Vec::with_capacity(waiting.len());
    for entry in waiting {
        seq += 1;
        hash = chain::hash(&hash, seq, &entry.fields);
        seals.push((entry.audit_id, seq, hash.clone()));
    }
    if !seals.is_empty() {
        store::seal(tx, hotel_id, &seals)?;
        store::move_head(tx, hotel_id, seq, &hash)?;
    }
    Ok(seals.len())
}
