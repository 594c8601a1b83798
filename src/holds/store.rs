//! SQL of holds.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};

use super::state::HoldStatus;
use crate::db::{DbError, Tx, clock_timestamp, constraint, sql, tx as transaction};
use crate::inventory::stock::Nights;
use crate::kernel::clock::Instant;
use crate::kernel::ids::{AttemptId, BookingId, HoldId, HotelId, QuoteId, RoomTypeId, UserId};
use crate::kernel::money::Currency;
use crate::schema::{hold_items, hold_nights, holds, users};

/// A hold's row.
#[derive(Clone, Debug, QueryableByName)]
pub struct HoldRow {
    #[diesel(sql_type = SqlUuid)]
    pub hotel_id: HotelId,
    #[diesel(sql_type = SqlUuid)]
    pub hold_id: HoldId,
    #[diesel(sql_type = SqlUuid)]
    pub user_id: UserId,
    #[diesel(sql_type = Text)]
    pub status: HoldStatus,
    #[diesel(sql_type = Text)]
    pub currency: Currency,
    #[diesel(sql_type = BigInt)]
    pub total: i64,
    #[diesel(sql_type = BigInt)]
    pub due_now: i64,
    #[diesel(sql_type = BigInt)]
    pub due_at_property: i64,
    #[diesel(sql_type = Timestamptz)]
    pub expires_at: Instant,
    /// Set while a payment is under way.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub paying_until: Option<Instant>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub live_until: Option<Instant>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub current_attempt: Option<AttemptId>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub booking_id: Option<BookingId>,
    /// How often the guest took more time: once at most.
    #[diesel(sql_type = SmallInt)]
    pub extensions: i16,
    #[diesel(sql_type = Integer)]
    pub version: i32,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: Instant,
    /// The database's time when the row was read; where the row was locked, under the lock.
    #[diesel(sql_type = Timestamptz)]
    pub now: Instant,
}

const COLUMNS: &str = "hotel_id, hold_id, user_id, status, currency, total, due_now, due_at_property, expires_at, \
                       paying_until, live_until, current_attempt, booking_id, extensions, version, \
                       created_at, clock_timestamp() AS now";

impl HoldRow {
    /// The status as clients see it: a hold whose time ran out is expired, swept or not, and one that waits for a
    /// payment no longer is active.
    #[must_use]
    pub fn status_now(&self) -> HoldStatus {
        match self.live_until {
            Some(until) if until <= self.now => HoldStatus::Expired,
            _ if self.is_overdue() => HoldStatus::Active,
            _ => self.status,
        }
    }

    /// Paying, but the time in which the payment had to have an outcome is over.
    pub(super) fn is_overdue(&self) -> bool {
        self.status == HoldStatus::Paying && self.paying_until.is_some_and(|until| until <= self.now)
    }
}

/// Locks the row. The clock is read above the lock, so after any wait for it.
pub(super) fn lock(tx: &mut Tx<'_>, hotel_id: HotelId, hold_id: HoldId) -> Result<Option<HoldRow>, DbError> {
    let text = format!(
        "WITH locked AS MATERIALIZED (SELECT * FROM holds WHERE hotel_id = $1 AND hold_id = $2 FOR UPDATE)
         SELECT {COLUMNS} FROM locked"
    );
    Ok(sql(text).bind::<SqlUuid, _>(hotel_id).bind::<SqlUuid, _>(hold_id).get_result(&mut **tx).optional()?)
}

/// Where a hold of the user is, without a lock.
pub fn hotel_of(conn: &mut PgConnection, user_id: UserId, hold_id: HoldId) -> Result<Option<HotelId>, DbError> {
    Ok(holds::table
        .filter(holds::hold_id.eq(hold_id).and(holds::user_id.eq(user_id)))
        .select(holds::hotel_id)
        .first(conn)
        .optional()?)
}

/// A hold of the user.
pub fn find(conn: &mut PgConnection, user_id: UserId, hold_id: HoldId) -> Result<Option<HoldRow>, DbError> {
    Ok(sql(format!("SELECT {COLUMNS} FROM holds WHERE hold_id = $1 AND user_id = $2"))
        .bind::<SqlUuid, _>(hold_id)
        .bind::<SqlUuid, _>(user_id)
        .get_result(conn)
        .optional()?)
}

/// The user's holds, newest first, from before `before`.
pub fn list(
    conn: &mut PgConnection,
    user_id: UserId,
    before: Option<HoldId>,
    rows: i64,
) -> Result<Vec<HoldRow>, DbError> {
    let text = format!(
        "SELECT {COLUMNS} FROM holds WHERE user_id = $1 AND ($2 IS NULL OR hold_id < $2) ORDER BY hold_id DESC LIMIT $3"
    );
    Ok(sql(text).bind::<SqlUuid, _>(user_id).bind::<Nullable<SqlUuid>, _>(before).bind::<BigInt, _>(rows).load(conn)?)
}

/// Locks the user, so that of two placements at once the second counts the first's hold; how many are live.
pub(super) fn lock_quota(tx: &mut Tx<'_>, user_id: UserId) -> Result<i64, DbError> {
    users::table.find(user_id).select(users::user_id).for_no_key_update().first::<UserId>(&mut **tx)?;
    Ok(holds::table
        .filter(holds::user_id.eq(user_id).and(holds::live_until.gt(clock_timestamp().nullable())))
        .count()
        .get_result(&mut **tx)?)
}

/// Which of the quotes have been used.
pub(super) fn used(tx: &mut Tx<'_>, hotel_id: HotelId, quotes: &[QuoteId]) -> Result<Vec<QuoteId>, DbError> {
    Ok(hold_items::table
        .filter(hold_items::hotel_id.eq(hotel_id).and(hold_items::quote_id.eq_any(quotes)))
        .select(hold_items::quote_id)
        .load(&mut **tx)?)
}

/// What is held, for how much.
pub(super) struct NewHold<'h> {
    pub hotel_id: HotelId,
    pub user_id: UserId,
    pub currency: Currency,
    pub due_now: i64,
    pub due_at_property: i64,
    pub quotes: &'h [QuoteId],
    pub nights: &'h Nights,
    pub ttl_s: i32,
}

/// Inserts the hold, its items and nights. None: a quote was used by another hold meanwhile.
pub(super) fn insert(tx: &mut Tx<'_>, new: &NewHold<'_>) -> Result<Option<HoldId>, DbError> {
    let hold_id = HoldId::new();
    let (room_types, dates): (Vec<RoomTypeId>, Vec<NaiveDate>) = new.nights.keys().copied().unzip();
    let inserted = sql("WITH hold AS (
             INSERT INTO holds (hotel_id, hold_id, user_id, currency, total, due_now, due_at_property, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp() + $8 * interval '1 second')
         ), items AS (
             INSERT INTO hold_items (hotel_id, hold_id, item_no, quote_id)
             SELECT $1, $2, item_no, quote_id FROM unnest($9) WITH ORDINALITY AS item (quote_id, item_no)
         )
         INSERT INTO hold_nights (hotel_id, hold_id, room_type_id, stay_date, rooms)
         SELECT $1, $2, room_type_id, stay_date, rooms FROM unnest($10, $11, $12) AS night (room_type_id, stay_date, rooms)")
    .bind::<SqlUuid, _>(new.hotel_id)
    .bind::<SqlUuid, _>(hold_id)
    .bind::<SqlUuid, _>(new.user_id)
    .bind::<Text, _>(new.currency)
    .bind::<BigInt, _>(new.due_now.saturating_add(new.due_at_property))
    .bind::<BigInt, _>(new.due_now)
    .bind::<BigInt, _>(new.due_at_property)
    .bind::<Integer, _>(new.ttl_s)
    .bind::<Array<SqlUuid>, _>(new.quotes.to_vec())
    .bind::<Array<SqlUuid>, _>(room_types)
    .bind::<Array<Date>, _>(dates)
    .bind::<Array<Integer>, _>(new.nights.values().copied().collect::<Vec<_>>())
    .execute(&mut **tx);
    match inserted {
        Err(error) if constraint::violates(&error, "hold_items_quote_key") => Ok(None),
        other => {
            transaction::exactly(other?, new.nights.len(), "nights of a hold")?;
            Ok(Some(hold_id))
        }
    }
}

/// What the holds take of the stock, summed.
pub(super) fn nights(conn: &mut PgConnection, hotel_id: HotelId, hold_ids: &[HoldId]) -> Result<Nights, DbError> {
    let rows: Vec<(RoomTypeId, NaiveDate, i16)> = hold_nights::table
        .filter(hold_nights::hotel_id.eq(hotel_id).and(hold_nights::hold_id.eq_any(hold_ids)))
        .select((hold_nights::room_type_id, hold_nights::stay_date, hold_nights::rooms))
        .load(conn)?;
    Ok(rows.into_iter().fold(Nights::new(), |mut nights, (room_type_id, date, rooms)| {
        *nights.entry((room_type_id, date)).or_default() += i32::from(rooms);
        nights
    }))
}

/// Changes a locked hold that is in the status `from`, `$3` being a number of seconds; it is a version later then.
fn change(tx: &mut Tx<'_>, hold: &HoldRow, from: HoldStatus, set: &str, seconds: i32) -> Result<HoldRow, DbError> {
    let text = format!(
        "UPDATE holds SET {set}, version = version + 1
         WHERE hotel_id = $1 AND hold_id = $2 AND status = '{from}' RETURNING {COLUMNS}"
    );
    Ok(sql(text)
        .bind::<SqlUuid, _>(hold.hotel_id)
        .bind::<SqlUuid, _>(hold.hold_id)
        .bind::<Integer, _>(seconds)
        .get_result(&mut **tx)?)
}

/// Moves the expiry out by `by_s` seconds, the one time that `holds_extended_once` allows.
pub(super) fn extend(tx: &mut Tx<'_>, hold: &HoldRow, by_s: i32) -> Result<HoldRow, DbError> {
    let set = "expires_at = expires_at + $3 * interval '1 second', extensions = extensions + 1";
    change(tx, hold, HoldStatus::Active, set, by_s)
}

/// Active → paying.
pub(super) fn start_paying(
    tx: &mut Tx<'_>,
    hold: &HoldRow,
    attempt: AttemptId,
    paying_s: i32,
) -> Result<HoldRow, DbError> {
    let text = format!(
        "UPDATE holds SET status = 'paying', paying_until = clock_timestamp() + $3 * interval '1 second',
                          current_attempt = $4, version = version + 1
         WHERE hotel_id = $1 AND hold_id = $2 AND status = 'active' RETURNING {COLUMNS}"
    );
    Ok(sql(text)
        .bind::<SqlUuid, _>(hold.hotel_id)
        .bind::<SqlUuid, _>(hold.hold_id)
        .bind::<Integer, _>(paying_s)
        .bind::<SqlUuid, _>(attempt)
        .get_result(&mut **tx)?)
}

/// Paying, for `paying_s` seconds more at least.
pub(super) fn go_on_paying(tx: &mut Tx<'_>, hold: &HoldRow, paying_s: i32) -> Result<HoldRow, DbError> {
    let set = "paying_until = greatest(paying_until, clock_timestamp() + $3 * interval '1 second')";
    change(tx, hold, HoldStatus::Paying, set, paying_s)
}

/// Paying → active, living `window_s` seconds more at least; 0 leaves its expiry as it was.
pub(super) fn stop_paying(tx: &mut Tx<'_>, hold: &HoldRow, window_s: i32) -> Result<HoldRow, DbError> {
    let set = "status = 'active', paying_until = NULL,
               expires_at = CASE WHEN $3 = 0 THEN expires_at
                                 ELSE greatest(expires_at, clock_timestamp() + $3 * interval '1 second') END";
    change(tx, hold, HoldStatus::Paying, set, window_s)
}

/// Active, living `window_s` seconds more at least.
pub(super) fn outlive(tx: &mut Tx<'_>, hold: &HoldRow, window_s: i32) -> Result<HoldRow, DbError> {
    let set = "expires_at = greatest(expires_at, clock_timestamp() + $3 * interval '1 second')";
    change(tx, hold, HoldStatus::Active, set, window_s)
}

/// Active → released or converted.
pub(super) fn end(
    tx: &mut Tx<'_>,
    hold: &HoldRow,
    status: HoldStatus,
    booking_id: Option<BookingId>,
) -> Result<(), DbError> {
    let ended = diesel::update(holds::table.find((hold.hotel_id, hold.hold_id)))
        .filter(holds::status.eq(HoldStatus::Active))
        .set((holds::status.eq(status), holds::booking_id.eq(booking_id), holds::version.eq(holds::version + 1)))
        .execute(&mut **tx)?;
    transaction::exactly(ended, 1, "a hold that ends")
}

/// Hotels with holds whose time ran out.
pub(super) fn hotels_with_lapsed(conn: &mut PgConnection) -> Result<Vec<HotelId>, DbError> {
    Ok(holds::table
        .filter(holds::live_until.le(clock_timestamp().nullable()))
        .select(holds::hotel_id)
        .distinct()
        .load(conn)?)
}

/// Locks holds of a hotel whose time ran out, by id, passing over those that others have.
pub(super) fn lock_lapsed(tx: &mut Tx<'_>, hotel_id: HotelId, most: i64) -> Result<Vec<HoldId>, DbError> {
    Ok(holds::table
        .filter(holds::hotel_id.eq(hotel_id).and(holds::live_until.le(clock_timestamp().nullable())))
        .order(holds::hold_id)
        .limit(most)
        .select(holds::hold_id)
        .for_update()
        .skip_locked()
        .load(&mut **tx)?)
}

#[derive(QueryableByName)]
struct HoldIdRow {
    #[diesel(sql_type = SqlUuid)]
    hold_id: HoldId,
}

const LAPSED_ON: &str = "FROM holds h
     WHERE h.hotel_id = $1 AND h.live_until <= clock_timestamp()
       AND EXISTS (SELECT 1 FROM hold_nights n
                   JOIN unnest($2, $3) AS wanted (room_type_id, stay_date) USING (room_type_id, stay_date)
                   WHERE n.hotel_id = h.hotel_id AND n.hold_id = h.hold_id)
     ORDER BY h.hold_id";

/// Locks the holds whose time ran out and that still take some of the nights, by id, waiting for those that others have.
pub(super) fn lock_lapsed_on(tx: &mut Tx<'_>, hotel_id: HotelId, nights: &Nights) -> Result<Vec<HoldId>, DbError> {
    lapsed_on(tx, &format!("SELECT h.hold_id {LAPSED_ON} FOR UPDATE OF h"), hotel_id, nights)
}

/// Whether any such hold exists.
pub(super) fn any_lapsed_on(tx: &mut Tx<'_>, hotel_id: HotelId, nights: &Nights) -> Result<bool, DbError> {
    Ok(!lapsed_on(tx, &format!("SELECT h.hold_id {LAPSED_ON} LIMIT 1"), hotel_id, nights)?.is_empty())
}

fn lapsed_on(tx: &mut Tx<'_>, text: &str, hotel_id: HotelId, nights: &Nights) -> Result<Vec<HoldId>, DbError> {
    let (room_types, dates): (Vec<RoomTypeId>, Vec<NaiveDate>) = nights.keys().copied().unzip();
    let rows: Vec<HoldIdRow> = sql(text)
        .bind::<SqlUuid, _>(hotel_id)
        .bind::<Array<SqlUuid>, _>(room_types)
        .bind::<Array<Date>, _>(dates)
        .load(&mut **tx)?;
    Ok(rows.into_iter().map(|row| row.hold_id).collect())
}

/// Active or paying → expired, for holds locked before; which of them a payment attempt had been made for.
pub(super) fn expire(tx: &mut Tx<'_>, hotel_id: HotelId, hold_ids: &[HoldId]) -> Result<Vec<HoldId>, DbError> {
    let expired: Vec<(HoldId, Option<AttemptId>)> = diesel::update(holds::table)
        .filter(holds::hotel_id.eq(hotel_id).and(holds::hold_id.eq_any(hold_ids)))
        .filter(holds::live_until.le(clock_timestamp().nullable()))
        .set((
            holds::status.eq(HoldStatus::Expired),
            holds::paying_until.eq(None::<Instant>),
            holds::version.eq(holds::version + 1),
        ))
        .returning((holds::hold_id, holds::current_attempt))
        .get_results(&mut **tx)?;
    transaction::exactly(expired.len(), hold_ids.len(), "holds that expire")?;
    Ok(expired.into_iter().filter_map(|(hold_id, attempt)| attempt.map(|_| hold_id)).collect())
}
