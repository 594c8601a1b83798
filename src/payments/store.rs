//! SQL of payments and their attempts.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::state::{PaymentStatus, RefundStatus};
use crate::db::{DbError, Tx, constraint, in_seconds, sql, tx as transaction};
use crate::holds::state::HoldStatus;
use crate::holds::store::HoldRow;
use crate::kernel::clock::Instant;
use crate::kernel::ids::{AttemptId, HoldId, HotelId, PaymentId, UserId};
use crate::kernel::money::Currency;
use crate::schema::{payment_attempts, payments, refunds};

/// Seconds that whoever talks to the provider has before a completer may take over.
pub const LEASE_S: i32 = 30;

/// A payment with its attempt.
#[derive(Clone, Debug, QueryableByName)]
pub struct PaymentRow {
    #[diesel(sql_type = SqlUuid)]
    pub hotel_id: HotelId,
    #[diesel(sql_type = SqlUuid)]
    pub payment_id: PaymentId,
    #[diesel(sql_type = SqlUuid)]
    pub hold_id: HoldId,
    #[diesel(sql_type = SqlUuid)]
    pub user_id: UserId,
    #[diesel(sql_type = Text)]
    pub status: PaymentStatus,
    #[diesel(sql_type = BigInt)]
    pub amount: i64,
    #[diesel(sql_type = Text)]
    pub currency: Currency,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub capture_amount: Option<i64>,
    #[diesel(sql_type = BigInt)]
    pub captured_amount: i64,
    #[diesel(sql_type = Nullable<Text>)]
    pub failure_code: Option<String>,
    #[diesel(sql_type = Integer)]
    pub version: i32,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: Instant,
    #[diesel(sql_type = SqlUuid)]
    pub attempt_id: AttemptId,
    #[diesel(sql_type = Text)]
    pub provider_key: String,
    #[diesel(sql_type = Text)]
    pub payment_method: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub intent_id: Option<String>,
    #[diesel(sql_type = Integer)]
    pub epoch: i32,
    #[diesel(sql_type = Timestamptz)]
    pub hold_expires_at: Instant,
    #[diesel(sql_type = Text)]
    pub hold_status: HoldStatus,
    #[diesel(sql_type = Bool)]
    pub hold_lives: bool,
    /// Whether the hold still waits for this attempt: it is the current one, and its time to answer is not over.
    #[diesel(sql_type = Bool)]
    pub is_awaited: bool,
}

const SELECT: &str = "SELECT p.hotel_id, p.payment_id, p.hold_id, p.user_id, p.status, p.amount, p.currency,
        p.capture_amount, p.captured_amount, p.failure_code, p.version, p.created_at, a.attempt_id, a.provider_key,
        a.payment_method, a.intent_id, a.epoch, coalesce(h.live_until, h.expires_at) AS hold_expires_at,
        h.status AS hold_status, coalesce(h.live_until > clock_timestamp(), false) AS hold_lives,
        coalesce(h.paying_until > clock_timestamp() AND h.current_attempt = a.attempt_id, false) AS is_awaited
    FROM payments p
    JOIN payment_attempts a ON a.hotel_id = p.hotel_id AND a.payment_id = p.payment_id
    JOIN holds h ON h.hotel_id = p.hotel_id AND h.hold_id = p.hold_id";

/// A payment of the user, by its id alone.
pub fn find(conn: &mut PgConnection, user_id: UserId, payment_id: PaymentId) -> Result<Option<PaymentRow>, DbError> {
    Ok(sql(format!("{SELECT} WHERE p.payment_id = $1 AND p.user_id = $2"))
        .bind::<SqlUuid, _>(payment_id)
        .bind::<SqlUuid, _>(user_id)
        .get_result(conn)
        .optional()?)
}

/// A payment by its attempt.
pub fn of_attempt(conn: &mut PgConnection, hotel_id: HotelId, attempt_id: AttemptId) -> Result<PaymentRow, DbError> {
    Ok(sql(format!("{SELECT} WHERE a.hotel_id = $1 AND a.attempt_id = $2"))
        .bind::<SqlUuid, _>(hotel_id)
        .bind::<SqlUuid, _>(attempt_id)
        .get_result(conn)?)
}

/// A payment by its full key.
pub fn get(conn: &mut PgConnection, hotel_id: HotelId, payment_id: PaymentId) -> Result<PaymentRow, DbError> {
    Ok(sql(format!("{SELECT} WHERE p.hotel_id = $1 AND p.payment_id = $2"))
        .bind::<SqlUuid, _>(hotel_id)
        .bind::<SqlUuid, _>(payment_id)
        .get_result(conn)?)
}

/// Locks the payment's row; its status under the lock. Whoever needs its hold too locks that before.
pub fn lock(tx: &mut Tx<'_>, hotel_id: HotelId, payment_id: PaymentId) -> Result<PaymentStatus, DbError> {
    Ok(payments::table.find((hotel_id, payment_id)).select(payments::status).for_update().first(&mut **tx)?)
}

/// A payment of a hold, locked.
#[derive(Clone, Copy, Debug)]
pub struct OfHold {
    pub payment_id: PaymentId,
    pub status: PaymentStatus,
    /// The money is there, reserved or taken, and nobody has begun to give it back.
    pub counts: bool,
}

/// Locks the payments of a hold, by id; their statuses under the locks.
pub fn lock_of_hold(tx: &mut Tx<'_>, hotel_id: HotelId, hold_id: HoldId) -> Result<Vec<OfHold>, DbError> {
    let locked: Vec<(PaymentId, PaymentStatus)> = payments::table
        .filter(payments::hotel_id.eq(hotel_id).and(payments::hold_id.eq(hold_id)))
        .order(payments::payment_id)
        .select((payments::payment_id, payments::status))
        .for_update()
        .load(&mut **tx)?;
    let ids: Vec<_> = locked.iter().map(|(payment_id, _)| *payment_id).collect();
    let refunded: Vec<PaymentId> = refunds::table
        .filter(refunds::hotel_id.eq(hotel_id).and(refunds::payment_id.eq_any(ids)))
        .select(refunds::payment_id)
        .load(&mut **tx)?;
    let of_hold = |(payment_id, status)| OfHold {
        payment_id,
        status,
        counts: matches!(status, PaymentStatus::Authorized | PaymentStatus::CapturePending | PaymentStatus::Captured)
            && !refunded.contains(&payment_id),
    };
    Ok(locked.into_iter().map(of_hold).collect())
}

/// Inserts a payment with its attempt, leased to the caller. False: one is in force already.
pub fn insert(
    tx: &mut Tx<'_>,
    hold: &HoldRow,
    payment_id: PaymentId,
    attempt_id: AttemptId,
    provider: &str,
    payment_method: &str,
) -> Result<bool, DbError> {
    let inserted = diesel::insert_into(payments::table)
        .values((
            payments::hotel_id.eq(hold.hotel_id),
            payments::payment_id.eq(payment_id),
            payments::hold_id.eq(hold.hold_id),
            payments::user_id.eq(hold.user_id),
            payments::amount.eq(hold.due_now),
            payments::currency.eq(hold.currency),
        ))
        .execute(&mut **tx);
    match inserted {
        Err(error) if constraint::violates(&error, "payments_one_in_force_key") => return Ok(false),
        other => other?,
    };
    diesel::insert_into(payment_attempts::table)
        .values((
            payment_attempts::hotel_id.eq(hold.hotel_id),
            payment_attempts::attempt_id.eq(attempt_id),
            payment_attempts::payment_id.eq(payment_id),
            payment_attempts::provider.eq(provider),
            payment_attempts::provider_key.eq(format!("lastroom:{attempt_id}")),
            payment_attempts::payment_method.eq(payment_method),
            payment_attempts::lease_until.eq(in_seconds(LEASE_S)),
        ))
        .execute(&mut **tx)?;
    Ok(true)
}

/// Records the intent, once and for all. False: the lease was lost to another.
pub fn store_intent(
    tx: &mut Tx<'_>,
    hotel_id: HotelId,
    attempt_id: AttemptId,
    epoch: i32,
    intent_id: &str,
) -> Result<bool, DbError> {
    let stored = diesel::update(payment_attempts::table.find((hotel_id, attempt_id)))
        .filter(payment_attempts::epoch.eq(epoch).and(payment_attempts::recovery_point.ne("settled")))
        .filter(payment_attempts::intent_id.is_null().or(payment_attempts::intent_id.eq(intent_id)))
        .set((payment_attempts::intent_id.eq(intent_id), payment_attempts::recovery_point.eq("intent_stored")))
        .execute(&mut **tx)?;
    Ok(stored == 1)
}

/// The conversation is over: no completer looks at it again.
pub fn close_attempt(tx: &mut Tx<'_>, hotel_id: HotelId, attempt_id: AttemptId) -> Result<(), DbError> {
    diesel::update(payment_attempts::table.find((hotel_id, attempt_id)))
        .set(payment_attempts::recovery_point.eq("settled"))
        .execute(&mut **tx)?;
    Ok(())
}

/// From one status to another, as the table of states allows.
pub fn step(
    tx: &mut Tx<'_>,
    hotel_id: HotelId,
    payment_id: PaymentId,
    from: PaymentStatus,
    to: PaymentStatus,
) -> Result<(), DbError> {
    if !from.successors().contains(&to) {
        return Err(DbError::invariant(format!("a payment does not go from {from} to {to}")));
    }
    let stepped = diesel::update(payments::table.find((hotel_id, payment_id)))
        .filter(payments::status.eq(from))
        .set((payments::status.eq(to), payments::version.eq(payments::version + 1)))
        .execute(&mut **tx)?;
    transaction::exactly(stepped, 1, "a payment that moves on")
}

/// Why the provider declined.
pub fn note_failure(tx: &mut Tx<'_>, hotel_id: HotelId, payment_id: PaymentId, code: &str) -> Result<(), DbError> {
    diesel::update(payments::table.find((hotel_id, payment_id)))
        .set(payments::failure_code.eq(code))
        .execute(&mut **tx)?;
    Ok(())
}

/// How much is to be captured, in minor units.
pub fn set_capture_amount(
    tx: &mut Tx<'_>,
    hotel_id: HotelId,
    payment_id: PaymentId,
    amount: i64,
) -> Result<(), DbError> {
    diesel::update(payments::table.find((hotel_id, payment_id)))
        .set(payments::capture_amount.eq(amount))
        .execute(&mut **tx)?;
    Ok(())
}

/// → captured, with the amount that the provider says it took.
pub fn capture(
    tx: &mut Tx<'_>,
    hotel_id: HotelId,
    payment_id: PaymentId,
    from: PaymentStatus,
    amount: i64,
) -> Result<(), DbError> {
    let captured = diesel::update(payments::table.find((hotel_id, payment_id)))
        .filter(payments::status.eq(from))
        .set((
            payments::status.eq(PaymentStatus::Captured),
            payments::captured_amount.eq(amount),
            payments::version.eq(payments::version + 1),
        ))
        .execute(&mut **tx)?;
    transaction::exactly(captured, 1, "a payment that is captured")
}

#[derive(QueryableByName)]
struct Leased {
    #[diesel(sql_type = SqlUuid)]
    hotel_id: HotelId,
    #[diesel(sql_type = SqlUuid)]
    attempt_id: AttemptId,
}

/// Takes over an attempt whose holder's lease ran out, raising its epoch; none: nothing is left half done.
pub fn take_over(tx: &mut Tx<'_>) -> Result<Option<PaymentRow>, DbError> {
    let leased: Option<Leased> = sql(
        "UPDATE payment_attempts a SET epoch = a.epoch + 1, lease_until = clock_timestamp() + $1 * interval '1 second'
         FROM (SELECT hotel_id, attempt_id FROM payment_attempts
               WHERE recovery_point <> 'settled' AND lease_until <= clock_timestamp()
               ORDER BY lease_until LIMIT 1 FOR UPDATE SKIP LOCKED) stale
         WHERE a.hotel_id = stale.hotel_id AND a.attempt_id = stale.attempt_id
         RETURNING a.hotel_id, a.attempt_id",
    )
    .bind::<Integer, _>(LEASE_S)
    .get_result(&mut **tx)
    .optional()?;
    leased.map(|leased| of_attempt(tx, leased.hotel_id, leased.attempt_id)).transpose()
}

/// Takes an attempt over whoever has it, raising its epoch; none: it is settled.
pub fn lease(tx: &mut Tx<'_>, hotel_id: HotelId, attempt_id: AttemptId) -> Result<Option<PaymentRow>, DbError> {
    let leased = diesel::update(payment_attempts::table.find((hotel_id, attempt_id)))
        .filter(payment_attempts::recovery_point.ne("settled"))
        .set((
            payment_attempts::epoch.eq(payment_attempts::epoch + 1),
            payment_attempts::lease_until.eq(in_seconds(LEASE_S)),
        ))
        .execute(&mut **tx)?;
    if leased == 0 { Ok(None) } else { of_attempt(tx, hotel_id, attempt_id).map(Some) }
}

/// A refund to be made.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = refunds)]
pub struct RefundRow {
    pub payment_id: PaymentId,
    pub amount: i64,
    pub status: RefundStatus,
    pub provider_key: String,
}

/// Inserts a refund; its provider key is the payment and the reason, so that the same one is owed once.
pub fn insert_refund(
    tx: &mut Tx<'_>,
    hotel_id: HotelId,
    payment_id: PaymentId,
    amount: i64,
    reason: &str,
) -> Result<Option<Uuid>, DbError> {
    let refund_id = Uuid::now_v7();
    let inserted = diesel::insert_into(refunds::table)
        .values((
            refunds::hotel_id.eq(hotel_id),
            refunds::refund_id.eq(refund_id),
            refunds::payment_id.eq(payment_id),
            refunds::amount.eq(amount),
            refunds::reason.eq(reason),
            refunds::provider_key.eq(format!("lastroom:{payment_id}:{reason}")),
        ))
        .on_conflict_do_nothing()
        .execute(&mut **tx)?;
    Ok((inserted == 1).then_some(refund_id))
}

pub fn refund(conn: &mut PgConnection, hotel_id: HotelId, refund_id: Uuid) -> Result<RefundRow, DbError> {
    Ok(refunds::table.find((hotel_id, refund_id)).select(RefundRow::as_select()).first(conn)?)
}

/// Pending → succeeded; done before, nothing changes. True: it was pending.
pub fn refund_succeeded(tx: &mut Tx<'_>, hotel_id: HotelId, refund_id: Uuid) -> Result<bool, DbError> {
    let changed = diesel::update(refunds::table.find((hotel_id, refund_id)))
        .filter(refunds::status.eq(RefundStatus::Pending))
        .set(refunds::status.eq(RefundStatus::Succeeded))
        .execute(&mut **tx)?;
    Ok(changed == 1)
}
