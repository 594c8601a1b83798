//! SQL of rates as staff steer them.
//!
//! A strip is joined to the nights by its range, so that the nights of a strip are one scan of the primary key.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Date, Integer, Nullable, SmallInt, Uuid as SqlUuid};
use serde::Serialize;

use crate::ari::bulk::Expecting;
use crate::ari::refusal::Stale;
use crate::ari::span::Span;
use crate::db::statement::Statement;
use crate::db::{DbError, Tx, sql};
use crate::hotels::staff::KeptHotel;
use crate::kernel::ids::{RatePlanId, RoomTypeId};
use crate::schema::{rate_plan_room_types, rate_plans, room_types};

/// What is to be set of a night; what is none stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NightSet {
    /// Minor units of the hotel's currency.
    pub price: Option<Option<i64>>,
    pub min_stay: Option<Option<i16>>,
    pub max_stay: Option<Option<i16>>,
    pub closed: Option<bool>,
    pub closed_to_arrival: Option<bool>,
    pub closed_to_departure: Option<bool>,
}

impl NightSet {
    /// Names of what it sets.
    pub fn sets(&self) -> impl Iterator<Item = &'static str> + use<> {
        let sets = [
            (self.price.is_some(), "price"),
            (self.min_stay.is_some(), "min_stay"),
            (self.max_stay.is_some(), "max_stay"),
            (self.closed.is_some(), "closed"),
            (self.closed_to_arrival.is_some(), "closed_to_arrival"),
            (self.closed_to_departure.is_some(), "closed_to_departure"),
        ];
        sets.into_iter().filter_map(|(is_set, name)| is_set.then_some(name))
    }

    /// Both together; nothing is set by both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            price: self.price.or(other.price),
            min_stay: self.min_stay.or(other.min_stay),
            max_stay: self.max_stay.or(other.max_stay),
            closed: self.closed.or(other.closed),
            closed_to_arrival: self.closed_to_arrival.or(other.closed_to_arrival),
            closed_to_departure: self.closed_to_departure.or(other.closed_to_departure),
        }
    }
}

/// Nights of a rate plan and room type that get the same.
#[derive(Clone, Copy, Debug)]
pub struct RateStrip {
    pub rate_plan_id: RatePlanId,
    pub room_type_id: RoomTypeId,
    pub span: Span,
    pub set: NightSet,
}

/// What the hotel sells.
#[derive(Clone, Debug)]
pub struct Sold {
    /// Whether the plan is a derived one.
    pub plans: BTreeMap<RatePlanId, bool>,
    pub room_types: BTreeSet<RoomTypeId>,
    pub pairs: BTreeSet<(RatePlanId, RoomTypeId)>,
}

/// The strips, `$2` to `$15`; `strip` is a strip's position, from 1.
const STRIPS: &str = "unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) WITH ORDINALITY AS s (
    rate_plan_id, room_type_id, first, last, weekdays, sets_price, price, sets_min_stay, min_stay, sets_max_stay, max_stay,
    closed, closed_to_arrival, closed_to_departure, strip)";

/// A night `r` is of a strip `s`. 1 January 2001 was a Monday.
const OF_STRIP: &str = "r.hotel_id = $1 AND r.rate_plan_id = s.rate_plan_id AND r.room_type_id = s.room_type_id
    AND r.stay_date >= s.first AND r.stay_date < s.last
    AND (s.weekdays >> (r.stay_date - date '2001-01-01') % 7) & 1 = 1";

/// Every night of a strip or item `s` as `w`, and as `r` if something was set of it, else NULLs.
const WANTED: &str = "CROSS JOIN LATERAL (
        SELECT s.first + n AS stay_date FROM generate_series(0, s.last - s.first - 1) n
        WHERE (s.weekdays >> (s.first + n - date '2001-01-01') % 7) & 1 = 1) w
    LEFT JOIN rates r ON r.hotel_id = $1 AND r.rate_plan_id = s.rate_plan_id AND r.room_type_id = s.room_type_id
        AND r.stay_date = w.stay_date";

/// The columns of a night, and what they are to be, from a night `r` and its strip `s`.
const COLUMNS: &str = "price, min_stay, max_stay, closed, closed_to_arrival, closed_to_departure";
const NOW: &str = "r.price, r.min_stay, r.max_stay, r.closed, r.closed_to_arrival, r.closed_to_departure";
const THEN: &str = "CASE WHEN s.sets_price THEN s.price ELSE r.price END,
    CASE WHEN s.sets_min_stay THEN s.min_stay ELSE r.min_stay END,
    CASE WHEN s.sets_max_stay THEN s.max_stay ELSE r.max_stay END,
    coalesce(s.closed, r.closed, false), coalesce(s.closed_to_arrival, r.closed_to_arrival, false),
    coalesce(s.closed_to_departure, r.closed_to_departure, false)";

fn bound(text: impl Into<String>, hotel: &KeptHotel<'_>, strips: &[RateStrip]) -> Statement {
    fn all<T>(strips: &[RateStrip], of: impl Fn(&RateStrip) -> T) -> Vec<T> {
        strips.iter().map(of).collect()
    }
    sql(text)
        .bind::<SqlUuid, _>(hotel.hotel_id)
        .bind::<Array<SqlUuid>, _>(all(strips, |strip| strip.rate_plan_id))
        .bind::<Array<SqlUuid>, _>(all(strips, |strip| strip.room_type_id))
        .bind::<Array<Date>, _>(all(strips, |strip| strip.span.from))
        .bind::<Array<Date>, _>(all(strips, |strip| strip.span.to))
        .bind::<Array<Integer>, _>(all(strips, |strip| strip.span.weekdays.bits()))
        .bind::<Array<Bool>, _>(all(strips, |strip| strip.set.price.is_some()))
        .bind::<Array<Nullable<BigInt>>, _>(all(strips, |strip| strip.set.price.flatten()))
        .bind::<Array<Bool>, _>(all(strips, |strip| strip.set.min_stay.is_some()))
        .bind::<Array<Nullable<SmallInt>>, _>(all(strips, |strip| strip.set.min_stay.flatten()))
        .bind::<Array<Bool>, _>(all(strips, |strip| strip.set.max_stay.is_some()))
        .bind::<Array<Nullable<SmallInt>>, _>(all(strips, |strip| strip.set.max_stay.flatten()))
        .bind::<Array<Nullable<Bool>>, _>(all(strips, |strip| strip.set.closed))
        .bind::<Array<Nullable<Bool>>, _>(all(strips, |strip| strip.set.closed_to_arrival))
        .bind::<Array<Nullable<Bool>>, _>(all(strips, |strip| strip.set.closed_to_departure))
}

/// What the hotel sells now.
pub fn sold(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>) -> Result<Sold, DbError> {
    use {rate_plan_room_types as k, rate_plans as p, room_types as t};
    let plans: Vec<(RatePlanId, bool)> = p::table
        .filter(p::hotel_id.eq(hotel.hotel_id).and(p::deleted_at.is_null()))
        .select((p::rate_plan_id, p::is_derived))
        .load(&mut **tx)?;
    let room_types: Vec<RoomTypeId> = t::table
        .filter(t::hotel_id.eq(hotel.hotel_id).and(t::deleted_at.is_null()))
        .select(t::room_type_id)
        .load(&mut **tx)?;
    let pairs: Vec<(RatePlanId, RoomTypeId)> = k::table
        .filter(k::hotel_id.eq(hotel.hotel_id).and(k::removed_at.is_null()))
        .select((k::rate_plan_id, k::room_type_id))
        .load(&mut **tx)?;
    Ok(Sold {
        plans: plans.into_iter().collect(),
        room_types: room_types.into_iter().collect(),
        pairs: pairs.into_iter().collect(),
    })
}

/// Locks the nights of which something was set, in the order of the primary key.
pub fn lock(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, strips: &[RateStrip]) -> Result<(), DbError> {
    let text = format!(
        "SELECT count(*) FROM (
             SELECT 1 FROM {STRIPS} JOIN rates r ON {OF_STRIP}
             ORDER BY r.rate_plan_id, r.room_type_id, r.stay_date FOR UPDATE OF r) locked"
    );
    bound(text, hotel, strips).execute(&mut **tx)?;
    Ok(())
}

/// The items that expect another version of some of their nights. The nights are locked.
pub fn stale(
    tx: &mut Tx<'_>,
    hotel: &KeptHotel<'_>,
    expecting: &[Expecting<(RatePlanId, RoomTypeId)>],
) -> Result<Vec<Stale>, DbError> {
    if expecting.is_empty() {
        return Ok(Vec::new());
    }
    let positions = expecting.iter().map(|expecting| i32::try_from(expecting.item).unwrap_or(i32::MAX));
    let text = format!(
        "SELECT s.item, min(w.stay_date) AS first_night, count(*) AS nights,
                (array_agg(coalesce(r.version, 0) ORDER BY w.stay_date))[1] AS current_version
         FROM unnest($2, $3, $4, $5, $6, $7, $8) AS s (item, rate_plan_id, room_type_id, first, last, weekdays, version)
         {WANTED}
         WHERE coalesce(r.version, 0) <> s.version GROUP BY s.item ORDER BY s.item"
    );
    Ok(sql(text)
        .bind::<SqlUuid, _>(hotel.hotel_id)
        .bind::<Array<Integer>, _>(positions.collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(expecting.iter().map(|expecting| expecting.key.0).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(expecting.iter().map(|expecting| expecting.key.1).collect::<Vec<_>>())
        .bind::<Array<Date>, _>(expecting.iter().map(|expecting| expecting.span.from).collect::<Vec<_>>())
        .bind::<Array<Date>, _>(expecting.iter().map(|expecting| expecting.span.to).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(expecting.iter().map(|expecting| expecting.span.weekdays.bits()).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(expecting.iter().map(|expecting| expecting.version).collect::<Vec<_>>())
        .load(&mut **tx)?)
}

/// The strips that would let the fewest nights of a stay be more than the most, each with the first such night. The nights
/// are locked.
pub fn contradictory(
    tx: &mut Tx<'_>,
    hotel: &KeptHotel<'_>,
    strips: &[RateStrip],
) -> Result<Vec<(usize, NaiveDate)>, DbError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        strip: i64,
        #[diesel(sql_type = Date)]
        first_night: NaiveDate,
    }
    if strips.iter().all(|strip| strip.set.min_stay.is_none() && strip.set.max_stay.is_none()) {
        return Ok(Vec::new());
    }
    let text = format!(
        "SELECT s.strip, min(w.stay_date) AS first_night FROM {STRIPS} {WANTED}
         WHERE (s.sets_min_stay OR s.sets_max_stay)
           AND CASE WHEN s.sets_min_stay THEN s.min_stay ELSE r.min_stay END
               > CASE WHEN s.sets_max_stay THEN s.max_stay ELSE r.max_stay END
         GROUP BY s.strip ORDER BY s.strip"
    );
    let rows: Vec<Row> = bound(text, hotel, strips).load(&mut **tx)?;
    let strip = |row: Row| (usize::try_from(row.strip - 1).unwrap_or(usize::MAX), row.first_night);
    Ok(rows.into_iter().map(strip).collect())
}

/// Nights of a strip that were alike.
#[derive(Debug, QueryableByName, Serialize)]
pub struct Alike {
    #[diesel(sql_type = SqlUuid)]
    rate_plan_id: RatePlanId,
    #[diesel(sql_type = SqlUuid)]
    room_type_id: RoomTypeId,
    #[diesel(sql_type = Array<Date>)]
    nights: Vec<NaiveDate>,
    /// Minor units of the hotel's currency.
    #[diesel(sql_type = Nullable<BigInt>)]
    price: Option<i64>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    min_stay: Option<i16>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    max_stay: Option<i16>,
    #[diesel(sql_type = Bool)]
    closed: bool,
    #[diesel(sql_type = Bool)]
    closed_to_arrival: bool,
    #[diesel(sql_type = Bool)]
    closed_to_departure: bool,
}

/// The locked nights that are not so already, as they are.
pub fn before(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, strips: &[RateStrip]) -> Result<Vec<Alike>, DbError> {
    let text = format!(
        "SELECT r.rate_plan_id, r.room_type_id, array_agg(r.stay_date ORDER BY r.stay_date) AS nights, {NOW}
         FROM {STRIPS} JOIN rates r ON {OF_STRIP} AND ROW({NOW}) IS DISTINCT FROM ROW({THEN})
         GROUP BY s.strip, r.rate_plan_id, r.room_type_id, {NOW} ORDER BY s.strip, min(r.stay_date)"
    );
    Ok(bound(text, hotel, strips).load(&mut **tx)?)
}

/// Sets the locked nights that are not so already; how many they were.
pub fn update(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, strips: &[RateStrip]) -> Result<i64, DbError> {
    let text = format!(
        "UPDATE rates r SET ({COLUMNS}) = ROW({THEN}), version = r.version + 1
         FROM {STRIPS} WHERE {OF_STRIP} AND ROW({NOW}) IS DISTINCT FROM ROW({THEN})"
    );
    let updated = bound(text, hotel, strips).execute(&mut **tx)?;
    i64::try_from(updated).map_err(|_| DbError::invariant("so many rows"))
}

/// Makes the nights of which nothing was set before, if something that matters is set now; how many. None: others have
/// made some of them meanwhile.
pub fn create(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, strips: &[RateStrip]) -> Result<Option<i64>, DbError> {
    #[derive(QueryableByName)]
    struct Made {
        #[diesel(sql_type = BigInt)]
        wanted: i64,
        #[diesel(sql_type = BigInt)]
        made: i64,
    }
    let text = format!(
        "WITH wanted (rate_plan_id, room_type_id, stay_date, {COLUMNS}) AS MATERIALIZED (
             SELECT s.rate_plan_id, s.room_type_id, w.stay_date, {THEN} FROM {STRIPS} {WANTED}
             WHERE r.stay_date IS NULL AND ROW({THEN}) IS DISTINCT FROM
                 ROW(NULL::bigint, NULL::smallint, NULL::smallint, false, false, false)
         ), made AS (
             INSERT INTO rates (hotel_id, rate_plan_id, room_type_id, stay_date, {COLUMNS})
             SELECT $1, rate_plan_id, room_type_id, stay_date, {COLUMNS} FROM wanted
             ORDER BY rate_plan_id, room_type_id, stay_date
             ON CONFLICT DO NOTHING
             RETURNING 1
         )
         SELECT (SELECT count(*) FROM wanted) AS wanted, (SELECT count(*) FROM made) AS made"
    );
    let Made { wanted, made } = bound(text, hotel, strips).get_result(&mut **tx)?;
    Ok((wanted == made).then_some(made))
}
