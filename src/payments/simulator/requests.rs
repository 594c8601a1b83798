//! What the simulator is asked, each under an idempotency key, as at Stripe: the same request under a key gets the
//! first one's answer again, whatever happened since; another under it is refused; and while one is still running,
//! nothing else can be asked of its intent.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Jsonb, Nullable, Text};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ledger::{self, Change, Row};
use super::methods::{self, Fault};
use super::{Simulator, events};
use crate::db::{DbError, Tx, clock_timestamp, sql};
use crate::kernel::clock::Instant;
use crate::kernel::money::Money;
use crate::payments::provider::Intent;
use crate::schema::simulator_requests;

/// A request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
pub enum Request {
    Create { amount: Money, payment_method: String, metadata: Value },
    Confirm { intent_id: String },
    Capture { intent_id: String, amount: i64 },
    Void { intent_id: String },
    Refund { intent_id: String, amount: i64 },
}

/// An answer, as it is stored and given again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    Intent(Intent),
    /// Nothing was done, and nothing will be.
    Refused {
        code: String,
    },
}

/// What whoever asked gets to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    Reply(Reply),
    /// No answer, for this reason.
    Nothing(&'static str),
}

fn refused(code: &str) -> Heard {
    Heard::Reply(Reply::Refused { code: code.to_owned() })
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = simulator_requests)]
struct Stored {
    idempotency_key: String,
    request: Value,
    answer: Option<Value>,
}

impl Simulator {
    /// Does what is asked, or answers as before.
    ///
    /// Locks: the intent; of two creations under one key the second waits for the first's row.
    pub(super) fn answer(&self, tx: &mut Tx<'_>, key: &str, request: &Request) -> Result<Heard, DbError> {
        let intent_id = match request {
            Request::Create { amount, payment_method, metadata } => {
                return self.create(tx, key, request, *amount, payment_method, metadata);
            }
            Request::Confirm { intent_id }
            | Request::Capture { intent_id, .. }
            | Request::Void { intent_id }
            | Request::Refund { intent_id, .. } => intent_id,
        };
        let Some(row) = ledger::lock(tx, intent_id)? else {
            return Ok(refused("resource_missing"));
        };
        let row = self.finish_due(tx, row)?;
        if let Some(stored) = find(tx, key)? {
            return replay(&stored, request);
        }
        if is_in_use(tx, intent_id)? {
            return Ok(Heard::Nothing("another request about the intent is still running"));
        }
        match (request, row.method()?.fault) {
            (Request::Confirm { .. }, Fault::LateConfirmation) if ledger::confirmed(&row)?.is_some() => {
                super::change(tx, &row, &Change::Processing)?;
                keep_running(tx, key, request, intent_id)
            }
            (Request::Capture { .. }, Fault::LateCapture) => keep_running(tx, key, request, intent_id),
            _ => {
                let reply = self.execute(tx, key, request, &row)?;
                insert(tx, key, request, intent_id, Some(&reply))?;
                Ok(Heard::Reply(reply))
            }
        }
    }

    fn create(
        &self,
        tx: &mut Tx<'_>,
        key: &str,
        request: &Request,
        amount: Money,
        payment_method: &str,
        metadata: &Value,
    ) -> Result<Heard, DbError> {
        if amount.amount <= 0 {
            return Ok(refused("amount_invalid"));
        }
        if methods::known(payment_method).is_none() {
            return Ok(refused("payment_method_unknown"));
        }
        let row = Row::new(amount, payment_method, metadata.clone());
        let reply = Reply::Intent(self.show(&row));
        if !insert(tx, key, request, &row.intent_id, Some(&reply))? {
            let stored = find(tx, key)?.ok_or_else(|| DbError::invariant("a request under the key exists"))?;
            return replay(&stored, request);
        }
        ledger::insert(tx, &row)?;
        Ok(Heard::Reply(reply))
    }

    /// Does what is asked of a locked intent.
    fn execute(&self, tx: &mut Tx<'_>, key: &str, request: &Request, row: &Row) -> Result<Reply, DbError> {
        let no = |code: &str| Ok(Reply::Refused { code: code.to_owned() });
        let change = match request {
            Request::Create { .. } => return Err(DbError::invariant("a creation has no intent yet")),
            Request::Confirm { .. } => ledger::confirmed(row)?,
            Request::Capture { amount, .. } if !(1..=row.amount).contains(amount) => return no("amount_invalid"),
            Request::Capture { amount, .. } => ledger::captured(row, *amount),
            Request::Void { .. } => ledger::voided(row),
            Request::Refund { amount, .. } => {
                let made = ledger::refunds(tx, &row.intent_id)?;
                let left = row.captured_amount - made.iter().map(|refund| refund.amount).sum::<i64>();
                if !(1..=left).contains(amount) {
                    return no("amount_invalid");
                }
                ledger::insert_refund(tx, key, &row.intent_id, *amount)?;
                events::refunded(tx, row, key, *amount)?;
                None
            }
        };
        let row = match change {
            Some(change) => super::change(tx, row, &change)?,
            None => row.clone(),
        };
        Ok(Reply::Intent(self.show(&row)))
    }

    /// Lets what is running of a locked intent and due by now take effect; the intent as it is then.
    pub(super) fn finish_due(&self, tx: &mut Tx<'_>, mut row: Row) -> Result<Row, DbError> {
        for stored in due(tx, &row.intent_id)? {
            let request: Request = from_json(&stored.request)?;
            let reply = self.execute(tx, &stored.idempotency_key, &request, &row)?;
            finish(tx, &stored.idempotency_key, &reply)?;
            row = ledger::lock(tx, &row.intent_id)?.unwrap_or(row);
        }
        Ok(row)
    }
}

/// The answer of before to the same request; a refusal of any other.
fn replay(stored: &Stored, request: &Request) -> Result<Heard, DbError> {
    if stored.request != as_json(request)? {
        return Ok(refused("idempotency_error"));
    }
    match &stored.answer {
        Some(answer) => Ok(Heard::Reply(from_json(answer)?)),
        None => Ok(Heard::Nothing("the first request under the key is still running")),
    }
}

/// The request is received, and its caller will hear nothing of it.
fn keep_running(tx: &mut Tx<'_>, key: &str, request: &Request, intent_id: &str) -> Result<Heard, DbError> {
    insert(tx, key, request, intent_id, None)?;
    Ok(Heard::Nothing("no answer came in time"))
}

fn as_json(value: &impl Serialize) -> Result<Value, DbError> {
    serde_json::to_value(value).map_err(|error| DbError::invariant(format!("a request as JSON: {error}")))
}

fn from_json<T: DeserializeOwned>(stored: &Value) -> Result<T, DbError> {
    T::deserialize(stored).map_err(|error| DbError::invariant(format!("a stored request: {error}")))
}

fn find(conn: &mut PgConnection, key: &str) -> Result<Option<Stored>, DbError> {
    Ok(simulator_requests::table.find(key).select(Stored::as_select()).first(conn).optional()?)
}

/// Records a request with its answer, or as running. False: the key was used before.
fn insert(
    tx: &mut Tx<'_>,
    key: &str,
    request: &Request,
    intent_id: &str,
    reply: Option<&Reply>,
) -> Result<bool, DbError> {
    let answer = reply.map(as_json).transpose()?;
    let inserted = sql("INSERT INTO simulator_requests (idempotency_key, intent_id, request, answer, due_at)
         VALUES ($1, $2, $3, $4, CASE WHEN $4 IS NULL THEN clock_timestamp() + $5 * interval '1 second' END)
         ON CONFLICT DO NOTHING")
    .bind::<Text, _>(key.to_owned())
    .bind::<Text, _>(intent_id.to_owned())
    .bind::<Jsonb, _>(as_json(request)?)
    .bind::<Nullable<Jsonb>, _>(answer)
    .bind::<Integer, _>(methods::LATE_S)
    .execute(&mut **tx)?;
    Ok(inserted == 1)
}

fn finish(tx: &mut Tx<'_>, key: &str, reply: &Reply) -> Result<(), DbError> {
    diesel::update(simulator_requests::table.find(key))
        .set((simulator_requests::answer.eq(as_json(reply)?), simulator_requests::due_at.eq(None::<Instant>)))
        .execute(&mut **tx)?;
    Ok(())
}

/// Whether a request about the intent is running.
fn is_in_use(conn: &mut PgConnection, intent_id: &str) -> Result<bool, DbError> {
    let running = simulator_requests::table
        .filter(simulator_requests::intent_id.eq(intent_id).and(simulator_requests::answer.is_null()));
    Ok(diesel::select(diesel::dsl::exists(running)).get_result(conn)?)
}

/// The intent's running requests whose time has come.
fn due(conn: &mut PgConnection, intent_id: &str) -> Result<Vec<Stored>, DbError> {
    Ok(simulator_requests::table
        .filter(simulator_requests::intent_id.eq(intent_id).and(simulator_requests::answer.is_null()))
        .filter(simulator_requests::due_at.le(clock_timestamp().nullable()))
        .order(simulator_requests::due_at)
        .select(Stored::as_select())
        .load(conn)?)
}

/// An intent with a request whose time has come.
pub(super) fn any_due(conn: &mut PgConnection) -> Result<Option<String>, DbError> {
    Ok(simulator_requests::table
        .filter(simulator_requests::answer.is_null())
        .filter(simulator_requests::due_at.le(clock_timestamp().nullable()))
        .order(simulator_requests::due_at)
        .select(simulator_requests::intent_id)
        .first(conn)
        .optional()?)
}

/// Removes up to `most` requests that were made so many days ago and answered; how many. A provider forgets its keys
/// some day, and nothing of ours depends on it: an intent is read, and a refund's key is kept with the refund.
///
/// Locks: those rows, passing over locked ones.
pub fn reap(tx: &mut Tx<'_>, days: i32, most: i64) -> Result<usize, DbError> {
    Ok(sql("DELETE FROM simulator_requests WHERE ctid = ANY(ARRAY(
             SELECT ctid FROM simulator_requests WHERE answer IS NOT NULL AND created_at < (SELECT clock_timestamp()) - $1 * interval '1 day'
             LIMIT $2 FOR UPDATE SKIP LOCKED))")
    .bind::<Integer, _>(days)
    .bind::<BigInt, _>(most)
    .execute(&mut **tx)?)
}
