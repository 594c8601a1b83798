//! SQL of payments and their attempts. Refunds have their own.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};

use super::machine;
use super::state::PaymentStatus;
use crate::access::guard::Scope;
use crate::db::{DbError, Tx, constraint, in_seconds, sql, tx as transaction};
use crate::holds::state::HoldStatus;
use crate::holds::store::HoldRow;
use crate::hotels::staff::within;
use crate::kernel::clock::Instant;
use crate::kernel::ids::{AttemptId, HoldId, HotelId, PaymentId, UserId};
use crate::kernel::money::{Currency, Money};
use crate::schema::{hotels, payment_attempts, payments};

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
    /// What of the amount is tax.
    #[diesel(sql_type = BigInt)]
    pub tax_amount: i64,
    #[diesel(sql_type = Text)]
    pub currency: Currency,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub capture_amount: Option<i64>,
    #[diesel(sql_type = BigInt)]
    pub captured_amount: i64,
    /// What was or is to be given back of it.
    #[diesel(sql_type = BigInt)]
    pub refunded_amount: i64,
    /// How often some of it was to be given back, even if the provider refused.
    #[diesel(sql_type = BigInt)]
    pub refunds: i64,
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
    /// Where the guest is to go, while the payment has no outcome.
    #[diesel(sql_type = Nullable<Text>)]
    pub next_action_url: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    pub hold_expires_at: Instant,
    #[diesel(sql_type = Text)]
    pub hold_status: HoldStatus,
    #[diesel(sql_type = Bool)]
    pub hold_lives: bool,
    /// Whether it is the hold's newest, which a booking of it rests on.
    #[diesel(sql_type = Bool)]
    pub is_current: bool,
    /// Whether the hold still waits for this attempt: it is the current one, and its time to answer is not over.
    #[diesel(sql_type = Bool)]
    pub is_awaited: bool,
}

const SELECT: &str =
    "SELECT p.hotel_id, p.payment_id, p.hold_id, p.user_id, p.status, p.amount, p.tax_amount, p.currency,
        p.capture_amount, p.captured_amount, coalesce((SELECT sum(r.amount) FROM refunds r
            WHERE r.hotel_id = p.hotel_id AND r.payment_id = p.payment_id AND r.status <> 'failed'), 0)::bigint
            AS refunded_amount,
        (SELECT count(*) FROM refunds r WHERE r.hotel_id = p.hotel_id AND r.payment_id = p.payment_id) AS refunds,
        p.failure_code, p.version, p.created_at, a.attempt_id, a.provider_key, a.payment_method, a.intent_id, a.epoch,
        CASE WHEN p.status IN ('processing', 'requires_action') THEN a.next_action_url END AS next_action_url,
        coalesce(h.live_until, h.expires_at) AS hold_expires_at,
        h.status AS hold_status, coalesce(h.live_until > clock_timestamp(), false) AS hold_lives,
        coalesce(h.current_attempt = a.attempt_id, false) AS is_current,
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

/// The hotel of a payment, if it is within the caller's reach as staff.
pub fn hotel_within(conn: &mut PgConnection, scope: Scope, payment_id: PaymentId) -> Result<Option<HotelId>, DbError> {
    let stated = payments::table.filter(payments::payment_id.eq(payment_id)).select(payments::hotel_id);
    let Some(hotel_id) = stated.first::<HotelId>(conn).optional()? else {
        return Ok(None);
    };
    let reached = hotels::table.filter(hotels::hotel_id.eq(hotel_id)).filter(within(scope)).select(hotels::hotel_id);
    Ok(reached.first(conn).optional()?)
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

impl PaymentRow {
    /// What it is over.
    #[must_use]
    pub fn money(&self) -> Money {
        Money::new(self.amount, self.currency)
    }

    /// What can still be given back, in minor units.
    #[must_use]
    pub fn refundable(&self) -> i64 {
        self.captured_amount.saturating_sub(self.refunded_amount)
    }

    /// Whether its hold can be confirmed by it, or was.
    #[must_use]
    pub fn serves_its_hold(&self) -> bool {
        self.is_current && (self.hold_status == HoldStatus::Converted || self.hold_lives && self.counts())
    }

    /// Whether a confirmation may rely on it.
    #[must_use]
    pub fn counts(&self) -> bool {
        machine::counts(self.status, self.refunds > 0)
    }
}

/// Locks the payment's row; the payment as it is under the lock. Whoever needs its hold too locks that before.
pub fn lock(tx: &mut Tx<'_>, hotel_id: HotelId, payment_id: PaymentId) -> Result<PaymentRow, DbError> {
    let key = payments::table.find((hotel_id, payment_id)).select(payments::payment_id);
    key.for_update().first::<PaymentId>(&mut **tx)?;
    get(tx, hotel_id, payment_id)
}

/// Locks the payments of a hold, by id; as they are under the locks.
pub fn lock_of_hold(tx: &mut Tx<'_>, hotel_id: HotelId, hold_id: HoldId) -> Result<Vec<PaymentRow>, DbError> {
    payments::table
        .filter(payments::hotel_id.eq(hotel_id).and(payments::hold_id.eq(hold_id)))
        .order(payments::payment_id)
        .select(payments::payment_id)
        .for_update()
        .load::<PaymentId>(&mut **tx)?;
    Ok(sql(format!("{SELECT} WHERE p.hotel_id = $1 AND p.hold_id = $2 ORDER BY p.payment_id"))
        .bind::<SqlUuid, _>(hotel_id)
        .bind::<SqlUuid, _>(hold_id)
        .load(&mut **tx)?)
}

/// Inserts a payment with its attempt, leased to the caller. False: one is in force already.
pub fn insert(
    tx: &mut Tx<'_>,
    hold: &HoldRow,
    tax_amount: i64,
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
            payments::tax_amount.eq(tax_amount),
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

/// Records where the guest is to go.
pub fn note_action(tx: &mut Tx<'_>, hotel_id: HotelId, attempt_id: AttemptId, url: &str) -> Result<(), DbError> {
    diesel::update(payment_attempts::table.find((hotel_id, attempt_id)))
        .set(payment_attempts::next_action_url.eq(url))
        .execute(&mut **tx)?;
    Ok(())
}

/// The conversation is over: no completer looks at it again.
pub fn close_attempt(tx: &mut Tx<'_>, hotel_id: HotelId, attempt_id: AttemptId) -> Result<(), DbError> {
    diesel::update(payment_attempts::table.find((hotel_id, attempt_id)))
        .set(payment_attempts::recovery_point.eq("settled"))
        .execute(&mut **tx)?;
    Ok(())
}

/// From one status to another, as the table of states allows; `captured` minor units are taken if it is to captured.
pub fn step(
    tx: &mut Tx<'_>,
    hotel_id: HotelId,
    payment_id: PaymentId,
    from: PaymentStatus,
    to: PaymentStatus,
    captured: i64,
) -> Result<(), DbError> {
    if !from.successors().contains(&to) {
        return Err(DbError::invariant(format!("a payment does not go from {from} to {to}")));
    }
    let captured = if to == PaymentStatus::Captured { captured } else { 0 };
    let stepped = diesel::update(payments::table.find((hotel_id, payment_id)))
        .filter(payments::status.eq(from))
        .set((
            payments::status.eq(to),
            payments::captured_amount.eq(captured),
            payments::version.eq(payments::version + 1),
        ))
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

/// How much is to be captured, in minor units; none: nothing may be kept.
pub fn set_capture_amount(
    tx: &mut Tx<'_>,
    hotel_id: HotelId,
    payment_id: PaymentId,
    amount: Option<i64>,
) -> Result<(), DbError> {
    let changed = diesel::update(payments::table.find((hotel_id, payment_id)))
        .set((payments::capture_amount.eq(amount), payments::version.eq(payments::version + 1)))
        .execute(&mut **tx)?;
    transaction::exactly(changed, 1, "a payment of which something is kept")
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
