//! The horizon: as days pass, nights are added at the far end, so that each hotel keeps as many nights ahead as it was
//! given. Hotel by hotel; any number of processes may run one.

use std::time::Duration;

use tokio::sync::watch;

use super::store;
use crate::db::{Db, DbError, Tx};
use crate::kernel::ids::{HotelId, RoomTypeId};
use crate::rates;

/// How soon a look that failed is repeated, at the latest.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// Looks now, and then every `interval` until told to stop.
pub fn start(db: Db, interval: Duration, mut stopped: watch::Receiver<bool>) {
    tokio::spawn(async move {
        loop {
            let looked = tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => return,
                looked = look(&db) => looked,
            };
            let pause = match looked {
                Ok(added) => {
                    if added > 0 {
                        tracing::info!(added, "added nights at the horizon");
                    }
                    interval
                }
                // The database may come up after the server; an hour would be late then.
                Err(error) => {
                    tracing::warn!(%error, "no nights could be added; the next look goes on");
                    interval.min(AGAIN_AFTER)
                }
            };
            tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    });
}

/// One round over every hotel; how many nights it added.
pub async fn look(db: &Db) -> Result<usize, DbError> {
    let mut added = 0;
    for hotel_id in db.read(store::behind).await? {
        match db.write(move |tx| extend(tx, hotel_id)).await {
            Ok(nights) => added += nights,
            // A hotel that cannot be extended now, or at all, must not keep the others from it.
            Err(error) => tracing::warn!(%error, %hotel_id, "a hotel's nights could not be added"),
        }
    }
    Ok(added)
}

/// Adds a hotel's missing nights with their prices; how many.
///
/// Locks: the hotel's room types, shared, so that none of their rooms goes out of service or comes back unseen.
pub fn extend(tx: &mut Tx<'_>, hotel_id: HotelId) -> Result<usize, DbError> {
    store::share_room_types(tx, hotel_id)?;
    add(tx, hotel_id, None)
}

/// The same for one room type, whose row the caller has locked.
pub fn extend_one(tx: &mut Tx<'_>, hotel_id: HotelId, room_type_id: RoomTypeId) -> Result<usize, DbError> {
    add(tx, hotel_id, Some(room_type_id))
}

fn add(tx: &mut Tx<'_>, hotel_id: HotelId, room_type_id: Option<RoomTypeId>) -> Result<usize, DbError> {
    let nights = store::extend(tx, hotel_id, room_type_id)?;
    if !nights.is_empty() {
        rates::store::extend(tx, hotel_id, &nights)?;
    }
    Ok(nights.len())
}

/// Gives a new room type its nights, from the hotel's today to its horizon, with `capacity` rooms each.
pub fn seed(tx: &mut Tx<'_>, hotel_id: HotelId, room_type_id: RoomTypeId, capacity: i32) -> Result<(), DbError> {
    store::seed(tx, hotel_id, room_type_id, capacity)
}
