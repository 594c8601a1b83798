//! What the simulator tells by webhook. An event is written with the change it tells of; one row a copy says when that
//! is to be sent.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Text};
use serde_json::{Value, json};
use uuid::Uuid;

use super::ledger::{LedgerStatus, Row};
use super::methods::{Fault, LATE_S};
use crate::db::{self, DbError, Tx, sql};
use crate::schema::simulator_events;

/// The intent has moved to where it now stands.
pub(super) fn changed(tx: &mut Tx<'_>, row: &Row) -> Result<(), DbError> {
    // Of what is still running there is nothing to tell.
    if row.status == LedgerStatus::Processing {
        return Ok(());
    }
    let data = json!({
        "intent_id": row.intent_id,
        "status": row.status,
        "amount": row.money(row.amount),
        "captured": row.money(row.captured_amount),
        "decline_code": row.decline_code,
        "metadata": row.metadata,
    });
    record(tx, row, &format!("payment_intent.{}", row.status), data)
}

/// So much of the intent was given back, under this key.
pub(super) fn refunded(tx: &mut Tx<'_>, row: &Row, key: &str, amount: i64) -> Result<(), DbError> {
    let data = json!({
        "intent_id": row.intent_id,
        "refund_key": key,
        "amount": row.money(amount),
        "metadata": row.metadata,
    });
    record(tx, row, "refund.succeeded", data)
}

fn record(tx: &mut Tx<'_>, row: &Row, event_type: &str, data: Value) -> Result<(), DbError> {
    let event_id = format!("evt_{}", Uuid::now_v7().simple());
    let body = json!({ "id": event_id, "type": event_type, "created": db::now(tx)?, "data": data });
    diesel::insert_into(simulator_events::table)
        .values((
            simulator_events::event_id.eq(&event_id),
            simulator_events::intent_id.eq(&row.intent_id),
            simulator_events::event_type.eq(event_type),
            simulator_events::body.eq(body),
        ))
        .execute(&mut **tx)?;
    let late_by: &[i32] = match (row.method()?.fault, row.status) {
        (Fault::RepeatedWebhooks, LedgerStatus::Authorized) => &[LATE_S, LATE_S],
        (Fault::RepeatedWebhooks, _) => &[0, LATE_S],
        _ => &[0],
    };
    sql("INSERT INTO simulator_deliveries (delivery_id, event_id, send_at)
         SELECT gen_random_uuid(), $1, clock_timestamp() + late * interval '1 second' FROM unnest($2) late")
    .bind::<Text, _>(event_id)
    .bind::<Array<Integer>, _>(late_by.to_vec())
    .execute(&mut **tx)?;
    Ok(())
}

/// Removes up to `most` copies that arrived so many days ago; how many.
///
/// Locks: those rows, passing over locked ones.
pub fn reap_deliveries(tx: &mut Tx<'_>, days: i32, most: i64) -> Result<usize, DbError> {
    Ok(sql("DELETE FROM simulator_deliveries WHERE ctid = ANY(ARRAY(
             SELECT ctid FROM simulator_deliveries
             WHERE delivered_at < (SELECT clock_timestamp()) - $1 * interval '1 day'
             LIMIT $2 FOR UPDATE SKIP LOCKED))")
    .bind::<Integer, _>(days)
    .bind::<BigInt, _>(most)
    .execute(&mut **tx)?)
}

/// Removes up to `most` events that are so many days old and of which no copy is left; how many. All copies are written
/// with their event, so none comes later.
///
/// Locks: those rows, passing over locked ones.
pub fn reap(tx: &mut Tx<'_>, days: i32, most: i64) -> Result<usize, DbError> {
    Ok(sql("DELETE FROM simulator_events WHERE ctid = ANY(ARRAY(
             SELECT e.ctid FROM simulator_events e WHERE e.created_at < (SELECT clock_timestamp()) - $1 * interval '1 day'
               AND NOT EXISTS (SELECT FROM simulator_deliveries d WHERE d.event_id = e.event_id)
             LIMIT $2 FOR UPDATE OF e SKIP LOCKED))")
    .bind::<Integer, _>(days)
    .bind::<BigInt, _>(most)
    .execute(&mut **tx)?)
}
