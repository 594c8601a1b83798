//! Expire: rooms of holds whose time ran out go back.
//!
//! Nothing depends on when this runs: such a hold is dead to every reader the second its time is over. It runs when a
//! placement is short of rooms, when its guest deletes the hold, and from the sweeper.

use diesel::PgConnection;
use uuid::Uuid;

use super::store;
use crate::db::{DbError, Tx};
use crate::inventory::stock::{self, Nights};
use crate::kernel::ids::{HoldId, HotelId};
use crate::outbox::events::{self, nothing_more};
use crate::outbox::jobs::{self, JobKind};

/// The most holds one transaction expires.
const BATCH: i64 = 100;

/// Hotels that have something to expire.
pub fn hotels(conn: &mut PgConnection) -> Result<Vec<HotelId>, DbError> {
    store::hotels_with_lapsed(conn)
}

/// Expires up to a batch of a hotel's holds, passing over those that others work on; how many.
pub fn sweep(tx: &mut Tx<'_>, hotel_id: HotelId) -> Result<usize, DbError> {
    let lapsed = store::lock_lapsed(tx, hotel_id, BATCH)?;
    expire(tx, hotel_id, &lapsed)?;
    Ok(lapsed.len())
}

/// Expires the holds that stand in the way of a placement on these nights; how many.
pub fn reclaim(tx: &mut Tx<'_>, hotel_id: HotelId, nights: &Nights) -> Result<usize, DbError> {
    let lapsed = store::lock_lapsed_on(tx, hotel_id, nights)?;
    expire(tx, hotel_id, &lapsed)?;
    Ok(lapsed.len())
}

/// Expires holds whose rows are locked and whose time is over. Locks: all their nights, in order.
pub(super) fn expire(tx: &mut Tx<'_>, hotel_id: HotelId, hold_ids: &[HoldId]) -> Result<(), DbError> {
    if hold_ids.is_empty() {
        return Ok(());
    }
    let nights = store::nights(tx, hotel_id, hold_ids)?;
    stock::lock(tx, hotel_id, &nights)?.release(tx)?;
    let paid_for = store::expire(tx, hotel_id, hold_ids)?;
    let subjects: Vec<Uuid> = hold_ids.iter().map(|hold_id| hold_id.0).collect();
    events::emit_all(tx, hotel_id, "hold.expired", &subjects, &nothing_more())?;
    for hold_id in paid_for {
        jobs::owe(tx, hotel_id, JobKind::GiveBack, hold_id.0, hold_id.0)?;
    }
    Ok(())
}

/// Expires one hold that its caller has locked and found lapsed.
pub fn expire_locked(tx: &mut Tx<'_>, hold: &store::HoldRow) -> Result<(), DbError> {
    expire(tx, hold.hotel_id, &[hold.hold_id])
}
