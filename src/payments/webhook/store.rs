//! SQL of the inbox.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid};
use serde_json::Value;

use super::event::Event;
use crate::db::{DbError, Tx, sql, tx as transaction};
use crate::kernel::ids::{AttemptId, HotelId, PaymentId};
use crate::kernel::money::Currency;
use crate::payments::refunds::store::RefundRow;
use crate::payments::state::PaymentStatus;
use crate::schema::{refunds, webhook_events};
use crate::text_enum;

/// The longest pause between two tries of a parked event, in seconds.
const MAX_PAUSE_S: i32 = 600;

text_enum! {
    /// What became of an event.
    pub enum EventStatus {
        /// It had its effect, or there was none left to have.
        Applied = "applied",
        /// Nothing here depends on events of its type.
        Ignored = "ignored",
        /// Its payment is not known yet; it is tried again.
        Parked = "parked",
        /// It has no effect until staff have looked at it.
        Quarantined = "quarantined",
    }
}

/// An event's status and, where it is put aside, why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub status: EventStatus,
    pub reason: Option<String>,
}

/// What became of an event that was received before.
pub fn known(conn: &mut PgConnection, provider: &str, event_id: &str) -> Result<Option<EventStatus>, DbError> {
    Ok(webhook_events::table.find((provider, event_id)).select(webhook_events::status).first(conn).optional()?)
}

/// Takes the event in. False: it is there already. Waits while another transaction takes the same one in.
pub fn insert(tx: &mut Tx<'_>, provider: &str, event: &Event) -> Result<bool, DbError> {
    let inserted = diesel::insert_into(webhook_events::table)
        .values((
            webhook_events::provider.eq(provider),
            webhook_events::event_id.eq(&event.event_id),
            webhook_events::event_type.eq(&event.event_type),
            webhook_events::body.eq(&event.body),
            webhook_events::status.eq(EventStatus::Applied),
        ))
        .on_conflict_do_nothing()
        .execute(&mut **tx)?;
    Ok(inserted == 1)
}

/// Locks a parked event. False: somebody else has dealt with it.
pub fn lock_parked(tx: &mut Tx<'_>, provider: &str, event_id: &str) -> Result<bool, DbError> {
    let status: Option<EventStatus> = webhook_events::table
        .find((provider, event_id))
        .select(webhook_events::status)
        .for_update()
        .first(&mut **tx)
        .optional()?;
    Ok(status == Some(EventStatus::Parked))
}

/// Records the verdict on an event that was taken in or locked before.
pub fn decide(tx: &mut Tx<'_>, provider: &str, event_id: &str, verdict: &Verdict) -> Result<(), DbError> {
    let decided = sql("UPDATE webhook_events SET status = $3, reason = $4,
             retry_at = CASE WHEN $3 = 'parked' THEN coalesce(retry_at, clock_timestamp() + interval '1 second') END
         WHERE provider = $1 AND event_id = $2")
    .bind::<Text, _>(provider.to_owned())
    .bind::<Text, _>(event_id.to_owned())
    .bind::<Text, _>(verdict.status)
    .bind::<Nullable<Text>, _>(verdict.reason.clone())
    .execute(&mut **tx)?;
    transaction::exactly(decided, 1, "an event that is decided on")
}

/// A parked event that is to be tried again.
#[derive(Clone, Debug, QueryableByName)]
pub struct Parked {
    #[diesel(sql_type = Jsonb)]
    pub body: Value,
    /// This one included.
    #[diesel(sql_type = Integer)]
    pub tries: i32,
}

/// The parked event that has waited longest for its next try, if it is due. The one after comes later, each time a little
/// more so, whatever becomes of this.
pub fn next_parked(tx: &mut Tx<'_>, provider: &str) -> Result<Option<Parked>, DbError> {
    Ok(sql("UPDATE webhook_events e SET tries = e.tries + 1,
             retry_at = clock_timestamp() + least((e.tries + 2) * (e.tries + 2), $2) * interval '1 second'
         FROM (SELECT provider, event_id FROM webhook_events
               WHERE status = 'parked' AND provider = $1 AND retry_at <= clock_timestamp()
               ORDER BY retry_at LIMIT 1 FOR UPDATE SKIP LOCKED) due
         WHERE e.provider = due.provider AND e.event_id = due.event_id
         RETURNING e.body, e.tries")
    .bind::<Text, _>(provider.to_owned())
    .bind::<Integer, _>(MAX_PAUSE_S)
    .get_result(&mut **tx)
    .optional()?)
}

/// What an event is held to.
#[derive(Clone, Debug, QueryableByName)]
pub struct Subject {
    #[diesel(sql_type = SqlUuid)]
    pub payment_id: PaymentId,
    #[diesel(sql_type = SqlUuid)]
    pub attempt_id: AttemptId,
    #[diesel(sql_type = Nullable<Text>)]
    pub intent_id: Option<String>,
    #[diesel(sql_type = BigInt)]
    pub amount: i64,
    #[diesel(sql_type = Text)]
    pub currency: Currency,
    #[diesel(sql_type = Text)]
    pub status: PaymentStatus,
}

/// The payment that was made with this provider.
pub fn payment(
    conn: &mut PgConnection,
    provider: &str,
    hotel_id: HotelId,
    payment_id: PaymentId,
) -> Result<Option<Subject>, DbError> {
    Ok(sql("SELECT p.payment_id, a.attempt_id, a.intent_id, p.amount, p.currency, p.status
         FROM payments p
         JOIN payment_attempts a ON a.hotel_id = p.hotel_id AND a.payment_id = p.payment_id
         WHERE p.hotel_id = $1 AND p.payment_id = $2 AND a.provider = $3")
    .bind::<SqlUuid, _>(hotel_id)
    .bind::<SqlUuid, _>(payment_id)
    .bind::<Text, _>(provider.to_owned())
    .get_result(conn)
    .optional()?)
}

/// The refund of a payment that was asked for under this key.
pub fn refund(
    conn: &mut PgConnection,
    hotel_id: HotelId,
    payment_id: PaymentId,
    key: &str,
) -> Result<Option<RefundRow>, DbError> {
    Ok(refunds::table
        .filter(refunds::hotel_id.eq(hotel_id).and(refunds::payment_id.eq(payment_id)))
        .filter(refunds::provider_key.eq(key))
        .select(RefundRow::as_select())
        .first(conn)
        .optional()?)
}

/// Removes up to `most` events that were received so many days ago and are done with; how many. What is put aside stays.
/// A copy that still came, signed anew, would have the intent read again and find that all is settled.
///
/// Locks: those rows, passing over locked ones.
pub fn reap(tx: &mut Tx<'_>, days: i32, most: i64) -> Result<usize, DbError> {
    Ok(sql("DELETE FROM webhook_events WHERE ctid = ANY(ARRAY(
             SELECT ctid FROM webhook_events
             WHERE status IN ('applied', 'ignored') AND received_at < (SELECT clock_timestamp()) - $1 * interval '1 day'
             LIMIT $2 FOR UPDATE SKIP LOCKED))")
    .bind::<Integer, _>(days)
    .bind::<BigInt, _>(most)
    .execute(&mut **tx)?)
}
