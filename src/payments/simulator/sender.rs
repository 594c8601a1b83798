//! Sends what the simulator has to tell, over HTTP, to this server's own endpoint: signed, and again until it is answered
//! 2xx. Any number of processes may run one; they pass over each other's work.

use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Jsonb, Uuid as SqlUuid};
use futures_util::future::join_all;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use serde_json::Value;
use uuid::Uuid;

use crate::db::{Db, DbError, Tx, clock_timestamp, in_seconds, sql};
use crate::kernel::secret::Keyring;
use crate::payments::webhook::signature::{self, HEADER};
use crate::schema::simulator_deliveries;

/// How long the receiver has to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Seconds that whoever sends a copy has before another may.
const LEASE_S: i32 = 30;
/// The longest pause between two tries, in seconds.
const MAX_PAUSE_S: i32 = 300;
/// Copies under way at the same time: they end at this very server, which has guests to serve.
const AT_ONCE: i32 = 4;

/// The sender of one process.
pub(super) struct Sender {
    db: Db,
    keys: Arc<Keyring>,
    client: Client,
    endpoint: String,
}

impl Sender {
    pub(super) fn new(db: Db, keys: Arc<Keyring>, endpoint: String) -> Result<Self, reqwest::Error> {
        // The receiver is this server: no proxy stands before it, it sends nobody elsewhere, and it speaks no TLS, so a
        // machine without any certificate authority will do.
        let client =
            Client::builder().no_proxy().redirect(Policy::none()).tls_certs_only([]).timeout(PATIENCE).build()?;
        Ok(Self { db, keys, client, endpoint })
    }

    /// Sends some of what is due; false: nothing is.
    pub(super) async fn send_some(&self) -> Result<bool, DbError> {
        let due = self.db.write(|tx| lease(tx, AT_ONCE)).await?;
        let sent = join_all(due.iter().map(|delivery| self.send(delivery))).await;
        sent.into_iter().collect::<Result<(), _>>()?;
        Ok(!due.is_empty())
    }

    async fn send(&self, delivery: &Delivery) -> Result<(), DbError> {
        let body = delivery.body.to_string();
        let signed = signature::sign(&self.keys, delivery.now_s, body.as_bytes());
        let request = self.client.post(&self.endpoint).header(CONTENT_TYPE, "application/json").header(HEADER, signed);
        let refused = match request.body(body).send().await.map(|response| Response::status(&response)) {
            Ok(status) if status.is_success() => None,
            Ok(status) => Some(format!("answered {status}")),
            Err(error) => Some(error.without_url().to_string()),
        };
        let delivery = delivery.clone();
        let record = move |tx: &mut Tx<'_>| match &refused {
            None => delivered(tx, delivery.delivery_id),
            Some(why) => postpone(tx, &delivery, why),
        };
        self.db.write(record).await
    }
}

/// A copy of an event, leased to whoever sends it.
#[derive(Clone, Debug, QueryableByName)]
struct Delivery {
    #[diesel(sql_type = SqlUuid)]
    delivery_id: Uuid,
    #[diesel(sql_type = Integer)]
    tries: i32,
    #[diesel(sql_type = Jsonb)]
    body: Value,
    /// The database's time now, in seconds since 1970.
    #[diesel(sql_type = BigInt)]
    now_s: i64,
}

/// Leases up to `most` copies that are to be sent by now, the one that has waited longest first. Senders pass over each
/// other's.
fn lease(tx: &mut Tx<'_>, most: i32) -> Result<Vec<Delivery>, DbError> {
    Ok(sql("UPDATE simulator_deliveries d
         SET send_at = clock_timestamp() + $1 * interval '1 second', tries = d.tries + 1
         FROM (SELECT delivery_id FROM simulator_deliveries
               WHERE delivered_at IS NULL AND send_at <= clock_timestamp()
               ORDER BY send_at LIMIT $2 FOR UPDATE SKIP LOCKED) due, simulator_events e
         WHERE d.delivery_id = due.delivery_id AND e.event_id = d.event_id
         RETURNING d.delivery_id, d.tries, e.body, floor(extract(epoch FROM clock_timestamp()))::bigint AS now_s")
    .bind::<Integer, _>(LEASE_S)
    .bind::<Integer, _>(most)
    .load(&mut **tx)?)
}

/// It was answered 2xx.
fn delivered(tx: &mut Tx<'_>, delivery_id: Uuid) -> Result<(), DbError> {
    diesel::update(simulator_deliveries::table.find(delivery_id))
        .set(simulator_deliveries::delivered_at.eq(clock_timestamp().nullable()))
        .execute(&mut **tx)?;
    Ok(())
}

/// It was not, for this reason: again later, each time a little more so.
fn postpone(tx: &mut Tx<'_>, delivery: &Delivery, error: &str) -> Result<(), DbError> {
    let pause_s = delivery.tries.saturating_mul(delivery.tries).clamp(1, MAX_PAUSE_S);
    diesel::update(simulator_deliveries::table.find(delivery.delivery_id))
        .set((simulator_deliveries::send_at.eq(in_seconds(pause_s)), simulator_deliveries::last_error.eq(error)))
        .execute(&mut **tx)?;
    Ok(())
}
