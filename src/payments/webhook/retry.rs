//! Retry: an event whose payment was not known is tried again, and put aside for staff if that does not end.

use super::event::Event;
use super::receive::{self, Finding, ReceiveError};
use super::store;
use crate::db::{Db, DbError, Tx};
use crate::payments::Provider;

/// After so many tries, which take about 50 minutes, an event is for staff.
const MOST_TRIES: i32 = 20;

/// Tries one parked event again; false: none is due.
///
/// Locks: the event's row, then what [`settle`](crate::payments::settle::settle) locks.
pub async fn one_parked(db: &Db, provider: &Provider, confirm_window_s: i32) -> Result<bool, ReceiveError> {
    let name = provider.name();
    let Some(parked) = db.write(move |tx| store::next_parked(tx, name)).await? else {
        return Ok(false);
    };
    let event = Event::read(parked.body)
        .map_err(|problem| DbError::invariant(format!("an event that was received: {problem}")))?;
    let finding = match receive::find_out(db, provider, &event).await? {
        Finding::Park(why) if parked.tries >= MOST_TRIES => {
            Finding::Quarantine(format!("{why}, after {} tries", parked.tries))
        }
        finding => finding,
    };
    let decide = move |tx: &mut Tx<'_>| {
        if store::lock_parked(tx, name, &event.event_id)? {
            let verdict = receive::apply(tx, &finding, confirm_window_s)?;
            store::decide(tx, name, &event.event_id, &verdict)?;
            receive::tell_staff(&event.event_id, &verdict);
        }
        Ok::<_, DbError>(true)
    };
    Ok(db.write(decide).await?)
}
