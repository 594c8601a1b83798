//! One row a state transition.

use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::db::{DbError, Tx};
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
