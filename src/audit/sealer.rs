//! The sealer: gives each entry its place in its hotel's chain. Any number of processes may run one.
//!
//! An entry is sealed because it is committed, never because of its id or its time: it stands in `audit_unsealed` from
//! the transaction that wrote it until the one that seals it. So one that was begun early and committed late is sealed
//! late, and none is passed over.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::store::{Head, Overdue, Seal, Waiting};
use super::{chain, store};
use crate::db::{Db, DbError, Tx};
use crate::kernel::ids::HotelId;

/// Between two looks: an entry is to be sealed within 5 s.
const PAUSE: Duration = Duration::from_secs(1);
/// Who has waited longer, in seconds, is warned of. It is also the time between two such looks.
const OVERDUE_S: u16 = 60;
/// The most hotels that one look warns of.
const WARNINGS: i64 = 10;
/// The most entries that one transaction seals.
const BATCH: usize = 500;
/// The most hotels that it has to do with.
const HOTELS: usize = 100;

/// Seals until told to stop, and warns of chains that do not get on. A head that somebody keeps locked is passed over
/// without an error, so nothing else would tell before `lastroom verify` does.
pub fn start(db: Db, mut stopped: watch::Receiver<bool>) {
    tokio::spawn(async move {
        let mut looked = Instant::now();
        loop {
            tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
            if let Err(error) = round(&db).await {
                tracing::warn!(%error, "the audit log could not be sealed; the next look goes on");
            }
            if looked.elapsed() >= Duration::from_secs(OVERDUE_S.into()) {
                looked = Instant::now();
                warn(overdue(&db).await);
            }
        }
    });
}

fn warn(found: Result<Vec<Overdue>, DbError>) {
    match found {
        Ok(chains) => {
            for Overdue { hotel_id, entries, waited_s } in chains {
                tracing::warn!(%hotel_id, entries, waited_s, "audit entries are not sealed: is the chain's head locked?");
            }
        }
        Err(error) => tracing::warn!(%error, "whether the audit log gets on could not be seen"),
    }
}

/// Chains whose entries have waited for over a minute, the ten that have waited longest.
pub async fn overdue(db: &Db) -> Result<Vec<Overdue>, DbError> {
    db.read(|conn| store::overdue(conn, OVERDUE_S.into(), WARNINGS)).await
}

/// Seals what every hotel has waiting; how many entries. Many hotels to a transaction, for an import leaves thousands that
/// have an entry each.
pub async fn round(db: &Db) -> Result<usize, DbError> {
    let mut all = 0;
    for hotels in db.read(store::hotels_unsealed).await?.chunks(HOTELS) {
        let (sealed, error) = seal_all(db, hotels.to_vec()).await;
        all += sealed;
        if error.is_none() {
            continue;
        }
        // A chain that cannot be written on now, or at all, must not keep the others from it.
        for hotel_id in hotels {
            let (sealed, error) = seal_all(db, vec![*hotel_id]).await;
            all += sealed;
            if let Some(error) = error {
                tracing::warn!(%error, %hotel_id, "a hotel's audit entries could not be sealed");
            }
        }
    }
    Ok(all)
}

/// Seals batch by batch what these hotels have waiting; how many entries, and why not all.
async fn seal_all(db: &Db, hotels: Vec<HotelId>) -> (usize, Option<DbError>) {
    let mut sealed = 0;
    loop {
        let hotels = hotels.clone();
        match db.write(move |tx| seal(tx, &hotels)).await {
            Ok(0) => return (sealed, None),
            Ok(batch) => sealed += batch,
            Err(error) => return (sealed, Some(error)),
        }
    }
}

/// Chains up to a batch of the hotels' waiting entries; how many. None of a hotel's while another does it.
///
/// Locks: the hotels' heads in the order of their ids, passing over locked ones; then their waiting entries, by their
/// DELETE. What waits is read after the heads were locked, so the last holder's work is seen. Behind it stand the primary
/// key of `audit_seals` (one entry a place: no fork) and `audit_seals_entry_key` (one place an entry).
pub fn seal(tx: &mut Tx<'_>, hotels: &[HotelId]) -> Result<usize, DbError> {
    let heads = store::lock_heads(tx, hotels, &chain::GENESIS)?;
    let most = i64::try_from(BATCH).map_err(|error| DbError::invariant(error.to_string()))?;
    let waiting = store::unsealed(tx, heads.iter().map(|head| head.hotel_id).collect(), most)?;
    let mut ends: BTreeMap<HotelId, Head> = heads.into_iter().map(|head| (head.hotel_id, head)).collect();
    let mut moved = BTreeMap::new();
    let mut seals = Vec::with_capacity(waiting.len());
    for Waiting { hotel_id, audit_id, fields } in waiting {
        let Some(head) = moved.remove(&hotel_id).or_else(|| ends.remove(&hotel_id)) else {
            return Err(DbError::invariant("an entry that is sealed has the head of its chain"));
        };
        let seq = head.seq + 1;
        let hash = chain::hash(&head.hash, seq, &fields);
        seals.push(Seal { hotel_id, audit_id, seq, hash: hash.clone() });
        moved.insert(hotel_id, Head { hotel_id, seq, hash });
    }
    let sealed = seals.len();
    if sealed > 0 {
        store::seal(tx, seals)?;
        store::move_heads(tx, moved.into_values().collect())?;
    }
    Ok(sealed)
}
