//! One row a state transition.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Text, Uuid as SqlUuid};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::db::{DbError, Tx, sql};
use crate::kernel::ids::{EventId, HotelId};

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
    let ids: Vec<EventId> = subjects.iter().map(|_| EventId::new()).collect();
    sql("INSERT INTO outbox_events (hotel_id, event_id, topic, subject_id, payload)
         SELECT $1, event_id, $2, subject_id, $3 FROM unnest($4, $5) AS event (event_id, subject_id)")
    .bind::<SqlUuid, _>(hotel_id)
    .bind::<Text, _>(topic.to_owned())
    .bind::<Jsonb, _>(payload.clone())
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<SqlUuid>, _>(subjects.to_vec())
    .execute(&mut **tx)?;
    Ok(())
}

/// The same for many hotels at once: each subject with its hotel and its payload.
pub fn emit_each(tx: &mut Tx<'_>, topic: &str, subjects: Vec<(HotelId, Uuid, Value)>) -> Result<(), DbError> {
    let ids: Vec<EventId> = subjects.iter().map(|_| EventId::new()).collect();
    let hotels: Vec<HotelId> = subjects.iter().map(|(hotel_id, ..)| *hotel_id).collect();
    let (subjects, payloads): (Vec<Uuid>, Vec<Value>) =
        subjects.into_iter().map(|(_, id, payload)| (id, payload)).unzip();
    sql("INSERT INTO outbox_events (hotel_id, event_id, topic, subject_id, payload)
         SELECT hotel_id, event_id, $1, subject_id, payload
         FROM unnest($2, $3, $4, $5) AS event (hotel_id, event_id, subject_id, payload)")
    .bind::<Text, _>(topic.to_owned())
    .bind::<Array<SqlUuid>, _>(hotels)
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<SqlUuid>, _>(subjects)
    .bind::<Array<Jsonb>, _>(payloads)
    .execute(&mut **tx)?;
    Ok(())
}

/// A payload that says nothing more than the topic does.
#[must_use]
pub fn nothing_more() -> Value {
    json!({})
}

/// Removes up to `most` events that were written so many days ago; how many.
///
/// Locks: those rows, waiting for whoever else removes them. So what is gone is always the oldest, whoever removed it,
/// and `lastroom verify` knows by the oldest event left whose events are all to be there.
pub fn reap(tx: &mut Tx<'_>, days: i32, most: i64) -> Result<usize, DbError> {
    Ok(sql("DELETE FROM outbox_events WHERE ctid = ANY(ARRAY(
             SELECT ctid FROM outbox_events WHERE created_at < (SELECT clock_timestamp()) - $1 * interval '1 day'
             ORDER BY created_at, event_id LIMIT $2 FOR UPDATE))")
    .bind::<Integer, _>(days)
    .bind::<BigInt, _>(most)
    .execute(&mut **tx)?)
}
