//! SQL of the stock as staff steer it.
//!
//! A strip is joined to the nights by its range, so that the nights of a strip are one scan of the primary key.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Date, Integer, Nullable, Uuid as SqlUuid};
use serde::Serialize;

use super::wire::InventorySet;
use crate::ari::bulk::Expecting;
use crate::ari::refusal::Stale;
use crate::ari::span::Span;
use crate::db::statement::Statement;
use crate::db::{DbError, Tx, sql};
use crate::hotels::staff::KeptHotel;
use crate::inventory::stock::Nights;
use crate::inventory::store::{self as inventory, LAPSED};
use crate::kernel::ids::RoomTypeId;

/// The hotel's room types, each with how many of its rooms are out of service.
pub(super) type RoomTypes = BTreeMap<RoomTypeId, i32>;

/// Nights of a room type that get the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct StockStrip {
    pub room_type_id: RoomTypeId,
    pub span: Span,
    pub set: InventorySet,
    /// Rooms of the type that are out of service.
    pub out_of_service: i32,
}

/// The strips, `$2` to `$9`; `strip` is a strip's position, from 1.
const STRIPS: &str = "unnest($2, $3, $4, $5, $6, $7, $8, $9) WITH ORDINALITY AS s (
    room_type_id, first, last, weekdays, capacity, allowance, closed, away, strip)";

/// A night `i` is of a strip `s`. 1 January 2001 was a Monday.
const OF_STRIP: &str = "i.hotel_id = $1 AND i.room_type_id = s.room_type_id AND i.stay_date >= s.first
    AND i.stay_date < s.last AND (s.weekdays >> (i.stay_date - date '2001-01-01') % 7) & 1 = 1";

/// Every night of a strip or item `s`, there or not, as `w`.
const WANTED: &str = "CROSS JOIN LATERAL (
    SELECT s.first + n AS stay_date FROM generate_series(0, s.last - s.first - 1) n
    WHERE (s.weekdays >> (s.first + n - date '2001-01-01') % 7) & 1 = 1) w";

/// The night `w`, or NULLs.
const IF_THERE: &str = "LEFT JOIN inventory i
    ON i.hotel_id = $1 AND i.room_type_id = s.room_type_id AND i.stay_date = w.stay_date";

/// A night as it is to be, from a night `i` and its strip `s`.
const CAPACITY: &str = "coalesce(s.capacity, i.capacity)";
const ALLOWANCE: &str = "coalesce(s.allowance, i.allowance, 0)";
const CLOSED: &str = "coalesce(s.closed, i.closed, false)";
const OUT_OF_SERVICE: &str = "CASE WHEN s.capacity IS NULL AND s.allowance IS NULL THEN i.out_of_service
    ELSE least(coalesce(s.capacity, i.capacity) + coalesce(s.allowance, i.allowance, 0), s.away) END";
/// The columns that staff steer, of a night `i`.
const NOW: &str = "i.capacity, i.out_of_service, i.allowance, i.closed";
/// Rooms that could be sold then.
const SELLABLE: &str = "(coalesce(s.capacity, i.capacity) + coalesce(s.allowance, i.allowance)
    - CASE WHEN s.capacity IS NULL AND s.allowance IS NULL THEN i.out_of_service
      ELSE least(coalesce(s.capacity, i.capacity) + coalesce(s.allowance, i.allowance), s.away) END)";

/// The columns of [`NOW`] as they are to be.
fn then() -> String {
    format!("{CAPACITY}, {OUT_OF_SERVICE}, {ALLOWANCE}, {CLOSED}")
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    nights: i64,
}

fn bound(text: impl Into<String>, hotel: &KeptHotel<'_>, strips: &[StockStrip]) -> Statement {
    let room_types: Vec<_> = strips.iter().map(|strip| strip.room_type_id).collect();
    let first: Vec<_> = strips.iter().map(|strip| strip.span.from).collect();
    let last: Vec<_> = strips.iter().map(|strip| strip.span.to).collect();
    let weekdays: Vec<_> = strips.iter().map(|strip| strip.span.weekdays.bits()).collect();
    let capacity: Vec<_> = strips.iter().map(|strip| strip.set.capacity).collect();
    let allowance: Vec<_> = strips.iter().map(|strip| strip.set.allowance).collect();
    let closed: Vec<_> = strips.iter().map(|strip| strip.set.closed).collect();
    let away: Vec<_> = strips.iter().map(|strip| strip.out_of_service).collect();
    sql(text)
        .bind::<SqlUuid, _>(hotel.hotel_id)
        .bind::<Array<SqlUuid>, _>(room_types)
        .bind::<Array<Date>, _>(first)
        .bind::<Array<Date>, _>(last)
        .bind::<Array<Integer>, _>(weekdays)
        .bind::<Array<Nullable<Integer>>, _>(capacity)
        .bind::<Array<Nullable<Integer>>, _>(allowance)
        .bind::<Array<Nullable<Bool>>, _>(closed)
        .bind::<Array<Integer>, _>(away)
}

/// Locks all room types of the hotel, shared; those not deleted. Rooms are counted under the locks, so in a statement of
/// their own.
pub(super) fn share_room_types(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>) -> Result<RoomTypes, DbError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        room_type_id: RoomTypeId,
        #[diesel(sql_type = Integer)]
        out_of_service: i32,
    }
    inventory::share_room_types(tx, hotel.hotel_id)?;
    let rows: Vec<Row> = sql("SELECT t.room_type_id, (
             SELECT count(*) FROM rooms r
             WHERE r.hotel_id = t.hotel_id AND r.room_type_id = t.room_type_id
               AND r.status = 'out_of_service' AND r.deleted_at IS NULL)::int AS out_of_service
         FROM room_types t WHERE t.hotel_id = $1 AND t.deleted_at IS NULL")
    .bind::<SqlUuid, _>(hotel.hotel_id)
    .load(&mut **tx)?;
    Ok(rows.into_iter().map(|row| (row.room_type_id, row.out_of_service)).collect())
}

/// How many of the nights are there.
pub(super) fn count(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, strips: &[StockStrip]) -> Result<i64, DbError> {
    let text = format!("SELECT count(*) AS nights FROM {STRIPS} JOIN inventory i ON {OF_STRIP}");
    let count: Count = bound(text, hotel, strips).get_result(&mut **tx)?;
    Ok(count.nights)
}

/// Locks the nights that are there, in order; how many they are.
pub(super) fn lock(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, strips: &[StockStrip]) -> Result<i64, DbError> {
    let text = format!(
        "SELECT count(*) AS nights FROM (
             SELECT 1 FROM {STRIPS} JOIN inventory i ON {OF_STRIP}
             ORDER BY i.room_type_id, i.stay_date FOR UPDATE OF i) locked"
    );
    let count: Count = bound(text, hotel, strips).get_result(&mut **tx)?;
    Ok(count.nights)
}

/// A strip with nights that are not there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Missing {
    pub strip: usize,
    pub first_night: NaiveDate,
}

/// The strips that have nights which are not there, and make none.
pub(super) fn missing(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, strips: &[StockStrip]) -> Result<Vec<Missing>, DbError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        strip: i64,
        #[diesel(sql_type = Date)]
        first_night: NaiveDate,
    }
    let text = format!(
        "SELECT s.strip, min(w.stay_date) AS first_night FROM {STRIPS} {WANTED} {IF_THERE}
         WHERE s.capacity IS NULL AND i.stay_date IS NULL GROUP BY s.strip ORDER BY s.strip"
    );
    let rows: Vec<Row> = bound(text, hotel, strips).load(&mut **tx)?;
    Ok(rows.into_iter().map(|row| Missing { strip: position(row.strip), first_night: row.first_night }).collect())
}

fn position(strip: i64) -> usize {
    usize::try_from(strip - 1).unwrap_or(usize::MAX)
}

/// The items that expect another version of some of their nights. The nights are locked.
pub(super) fn stale(
    tx: &mut Tx<'_>,
    hotel: &KeptHotel<'_>,
    expecting: &[Expecting<RoomTypeId>],
) -> Result<Vec<Stale>, DbError> {
    if expecting.is_empty() {
        return Ok(Vec::new());
    }
    let positions = expecting.iter().map(|expecting| i32::try_from(expecting.item).unwrap_or(i32::MAX));
    let text = format!(
        "SELECT s.item, min(w.stay_date) AS first_night, count(*) AS nights,
                (array_agg(coalesce(i.version, 0) ORDER BY w.stay_date))[1] AS current_version
         FROM unnest($2, $3, $4, $5, $6, $7) AS s (item, room_type_id, first, last, weekdays, version)
         {WANTED} {IF_THERE}
         WHERE coalesce(i.version, 0) <> s.version GROUP BY s.item ORDER BY s.item"
    );
    Ok(sql(text)
        .bind::<SqlUuid, _>(hotel.hotel_id)
        .bind::<Array<Integer>, _>(positions.collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(expecting.iter().map(|expecting| expecting.key).collect::<Vec<_>>())
        .bind::<Array<Date>, _>(expecting.iter().map(|expecting| expecting.span.from).collect::<Vec<_>>())
        .bind::<Array<Date>, _>(expecting.iter().map(|expecting| expecting.span.to).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(expecting.iter().map(|expecting| expecting.span.weekdays.bits()).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(expecting.iter().map(|expecting| expecting.version).collect::<Vec<_>>())
        .load(&mut **tx)?)
}

/// A strip with nights that would have fewer rooms than are taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Short {
    pub strip: usize,
    /// None: only by holds that have expired.
    pub at_fault: Option<AtFault>,
}

/// Nights that bookings and live holds alone would overfill: the first, and how many.
#[derive(Clone, Copy, Debug)]
pub(super) struct AtFault {
    pub first_night: NaiveDate,
    pub nights: i64,
    pub committed: i32,
    pub sellable: i32,
}

/// The strips that would leave fewer rooms than are taken. The nights are locked.
pub(super) fn short(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, strips: &[StockStrip]) -> Result<Vec<Short>, DbError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        strip: i64,
        #[diesel(sql_type = Nullable<Date>)]
        first_night: Option<NaiveDate>,
        #[diesel(sql_type = BigInt)]
        nights: i64,
        #[diesel(sql_type = Nullable<Integer>)]
        committed: Option<i32>,
        #[diesel(sql_type = Nullable<Integer>)]
        sellable: Option<i32>,
    }
    let text = format!(
        "WITH night AS MATERIALIZED (
             SELECT s.strip, i.room_type_id, i.stay_date, i.held + i.sold AS taken, {SELLABLE} AS sellable
             FROM {STRIPS} JOIN inventory i ON {OF_STRIP} WHERE i.held + i.sold > {SELLABLE}
         ), lapsed AS MATERIALIZED ({LAPSED}), judged AS (
             SELECT n.strip, n.stay_date, n.taken - coalesce(l.rooms, 0) AS committed, n.sellable
             FROM night n LEFT JOIN lapsed l USING (room_type_id, stay_date)
         )
         SELECT strip, min(stay_date) FILTER (WHERE committed > sellable) AS first_night,
                count(*) FILTER (WHERE committed > sellable) AS nights,
                (array_agg(committed ORDER BY stay_date) FILTER (WHERE committed > sellable))[1] AS committed,
                (array_agg(sellable ORDER BY stay_date) FILTER (WHERE committed > sellable))[1] AS sellable
         FROM judged GROUP BY strip ORDER BY strip"
    );
    let rows: Vec<Row> = bound(text, hotel, strips).load(&mut **tx)?;
    let short = |row: Row| Short {
        strip: position(row.strip),
        at_fault: row.first_night.zip(row.committed).zip(row.sellable).map(|((first_night, committed), sellable)| {
            AtFault { first_night, nights: row.nights, committed, sellable }
        }),
    };
    Ok(rows.into_iter().map(short).collect())
}

/// The nights of [`short`], for the holds on them to be expired.
pub(super) fn short_nights(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, strips: &[StockStrip]) -> Result<Nights, DbError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        room_type_id: RoomTypeId,
        #[diesel(sql_type = Date)]
        stay_date: NaiveDate,
        #[diesel(sql_type = Integer)]
        excess: i32,
    }
    let text = format!(
        "SELECT i.room_type_id, i.stay_date, i.held + i.sold - {SELLABLE} AS excess
         FROM {STRIPS} JOIN inventory i ON {OF_STRIP} WHERE i.held + i.sold > {SELLABLE}"
    );
    let rows: Vec<Row> = bound(text, hotel, strips).load(&mut **tx)?;
    Ok(rows.into_iter().map(|row| ((row.room_type_id, row.stay_date), row.excess)).collect())
}

/// Nights of a strip that were alike.
#[derive(Debug, QueryableByName, Serialize)]
pub(super) struct Alike {
    #[diesel(sql_type = SqlUuid)]
    room_type_id: RoomTypeId,
    #[diesel(sql_type = Array<Date>)]
    nights: Vec<NaiveDate>,
    #[diesel(sql_type = Integer)]
    capacity: i32,
    #[diesel(sql_type = Integer)]
    out_of_service: i32,
    #[diesel(sql_type = Integer)]
    allowance: i32,
    #[diesel(sql_type = Bool)]
    closed: bool,
}

/// The locked nights that are not so already, as they are.
pub(super) fn before(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, strips: &[StockStrip]) -> Result<Vec<Alike>, DbError> {
    let text = format!(
        "SELECT i.room_type_id, array_agg(i.stay_date ORDER BY i.stay_date) AS nights, {NOW}
         FROM {STRIPS} JOIN inventory i ON {OF_STRIP} AND ({NOW}) IS DISTINCT FROM ({THEN})
         GROUP BY s.strip, i.room_type_id, {NOW} ORDER BY s.strip, min(i.stay_date)",
        THEN = then()
    );
    Ok(bound(text, hotel, strips).load(&mut **tx)?)
}

/// Sets the locked nights that are not so already; how many they were.
pub(super) fn update(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, strips: &[StockStrip]) -> Result<i64, DbError> {
    let text = format!(
        "UPDATE inventory i
         SET (capacity, out_of_service, allowance, closed) = ROW({THEN}), version = i.version + 1
         FROM {STRIPS} WHERE {OF_STRIP} AND ({NOW}) IS DISTINCT FROM ({THEN})",
        THEN = then()
    );
    rows(bound(text, hotel, strips).execute(&mut **tx)?)
}

/// Makes the nights that are not there, passing over those that others made meanwhile; how many.
pub(super) fn create(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, strips: &[StockStrip]) -> Result<i64, DbError> {
    let text = format!(
        "INSERT INTO inventory (hotel_id, room_type_id, stay_date, capacity, out_of_service, allowance, closed)
         SELECT $1, s.room_type_id, w.stay_date, s.capacity, {OUT_OF_SERVICE}, {ALLOWANCE}, {CLOSED}
         FROM {STRIPS} {WANTED} {IF_THERE}
         WHERE i.stay_date IS NULL
         ORDER BY s.room_type_id, w.stay_date
         ON CONFLICT DO NOTHING"
    );
    rows(bound(text, hotel, strips).execute(&mut **tx)?)
}

fn rows(count: usize) -> Result<i64, DbError> {
    i64::try_from(count).map_err(|_| DbError::invariant("so many rows"))
}
