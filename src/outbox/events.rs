//! One row a state transition.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::db::{DbError, Tx, sql};
use crate::kernel::ids::{EventId, HotelId};
use crate::schema::outbox_events;

/// Records that `subject_id` went into the state that `topic` ends in, such as `hold.expired`.
pub fn emit(tx: &mut Tx<'_>, hotel_id: HotelId, topic: &str, subject_id: Uuid, payload: Value) -> Result<(), DbError> {
    emit_all(tx, hotel_id, topic, &[subject_id], &payload)
}

/// The same for many subjects at once.
pub fn emit_all(
    tx: &mut Tx<'_>,
    hotel_id: HotelId,
    topic: &str,
    subjects: &[Uuid],
    payload: &Value,
) -> Result<(), DbError> {
    let rows: Vec<_> = subjects
        .iter()
        .map(|subject_id| {
            (
                outbox_events::hotel_id.eq(hotel_id),
                outbox_events::event_id.eq(EventId::new()),
                outbox_events::topic.eq(topic),
                outbox_events::subject_id.eq(subject_id),
                outbox_events::payload.eq(payload),
            )
        })
        .collect();
    diesel::insert_into(outbox_events::table).values(rows).execute(&mut **tx)?;
    Ok(())
}

/// A payload that says nothing more than the topic does.
#[must_use]
pub fn nothing_more() -> Value {
    json!({})
}

/// Removes up to `most` events that were published so many days ago; how many. What nobody has read yet stays.
///
/// Locks: those rows, passing over locked ones.
pub fn reap(tx: &mut Tx<'_>, days: i32, most: i64) -> Result<usize, DbError> {
    Ok(sql("DELETE FROM outbox_events WHERE ctid = ANY(ARRAY(
             SELECT ctid FROM outbox_events WHERE published_at < (SELECT clock_timestamp()) - $1 * interval '1 day'
             LIMIT $2 FOR UPDATE SKIP LOCKED))")
    .bind::<Integer, _>(days)
    .bind::<BigInt, _>(most)
    .execute(&mut **tx)?)
}
