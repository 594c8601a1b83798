//! SQL of the stock.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Date, Integer, Nullable, Uuid as SqlUuid};

use super::stock::Nights;
use crate::db::{DbError, Tx, sql};
use crate::kernel::ids::{HotelId, RoomTypeId};
use crate::kernel::stay::Stay;
use crate::schema::inventory;

/// Rooms of hotel `$1`'s expired holds that are still counted as held, by night.
pub const LAPSED: &str = "SELECT n.room_type_id, n.stay_date, sum(n.rooms)::int AS rooms
    FROM holds h JOIN hold_nights n USING (hotel_id, hold_id)
    WHERE h.hotel_id = $1 AND h.live_until <= (SELECT clock_timestamp())
    GROUP BY n.room_type_id, n.stay_date";

/// A night of the stock, locked.
#[derive(Debug, QueryableByName)]
pub(super) struct NightRow {
    #[diesel(sql_type = SqlUuid)]
    pub room_type_id: RoomTypeId,
    #[diesel(sql_type = Date)]
    pub stay_date: NaiveDate,
    /// What could be sold if nothing were.
    #[diesel(sql_type = Integer)]
    sellable: i32,
    #[diesel(sql_type = Integer)]
    taken: i32,
    #[diesel(sql_type = Bool)]
    pub closed: bool,
    #[diesel(sql_type = Integer)]
    version: i32,
}

impl NightRow {
    pub(super) fn free(&self) -> i32 {
        self.sellable - self.taken
    }
}

/// What changes of one night.
pub(super) struct Move<'r> {
    pub row: &'r NightRow,
    pub held: i32,
    pub sold: i32,
}

pub(super) fn lock(tx: &mut Tx<'_>, hotel_id: HotelId, wanted: &Nights) -> Result<Vec<NightRow>, DbError> {
    let (room_types, dates): (Vec<RoomTypeId>, Vec<NaiveDate>) = wanted.keys().copied().unzip();
    Ok(sql("SELECT i.room_type_id, i.stay_date, i.capacity - i.out_of_service + i.allowance AS sellable,
                i.held + i.sold AS taken, i.closed, i.version
         FROM inventory i
         JOIN unnest($2, $3) AS wanted (room_type_id, stay_date)
           ON i.room_type_id = wanted.room_type_id AND i.stay_date = wanted.stay_date
         WHERE i.hotel_id = $1
         ORDER BY i.room_type_id, i.stay_date
         FOR UPDATE OF i")
    .bind::<SqlUuid, _>(hotel_id)
    .bind::<Array<SqlUuid>, _>(room_types)
    .bind::<Array<Date>, _>(dates)
    .load(&mut **tx)?)
}

/// Changes the locked nights whose versions are still as read; how many they were.
pub(super) fn shift(tx: &mut Tx<'_>, hotel_id: HotelId, moves: &[Move<'_>]) -> Result<usize, DbError> {
    let room_types: Vec<RoomTypeId> = moves.iter().map(|m| m.row.room_type_id).collect();
    let dates: Vec<NaiveDate> = moves.iter().map(|m| m.row.stay_date).collect();
    let versions: Vec<i32> = moves.iter().map(|m| m.row.version).collect();
    let held: Vec<i32> = moves.iter().map(|m| m.held).collect();
    let sold: Vec<i32> = moves.iter().map(|m| m.sold).collect();
    Ok(sql("UPDATE inventory i
         SET held = i.held + moved.held, sold = i.sold + moved.sold, version = i.version + 1
         FROM unnest($2, $3, $4, $5, $6) AS moved (room_type_id, stay_date, version, held, sold)
         WHERE i.hotel_id = $1 AND i.room_type_id = moved.room_type_id AND i.stay_date = moved.stay_date
           AND i.version = moved.version")
    .bind::<SqlUuid, _>(hotel_id)
    .bind::<Array<SqlUuid>, _>(room_types)
    .bind::<Array<Date>, _>(dates)
    .bind::<Array<Integer>, _>(versions)
    .bind::<Array<Integer>, _>(held)
    .bind::<Array<Integer>, _>(sold)
    .execute(&mut **tx)?)
}

/// What clients see of a night.
#[derive(Clone, Copy, Debug)]
pub struct Left {
    /// Rooms not sold and not in a live hold.
    pub rooms: i32,
    pub closed: bool,
}

#[derive(QueryableByName)]
struct LeftRow {
    #[diesel(sql_type = SqlUuid)]
    room_type_id: RoomTypeId,
    #[diesel(sql_type = Date)]
    stay_date: NaiveDate,
    #[diesel(sql_type = Integer)]
    rooms: i32,
    #[diesel(sql_type = Bool)]
    closed: bool,
}

/// The nights from `from` up to, not including, `to`, by room type. A hold that has expired counts no more, swept or not.
pub fn left(
    conn: &mut PgConnection,
    hotel_id: HotelId,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<HashMap<(RoomTypeId, NaiveDate), Left>, DbError> {
    let rows: Vec<LeftRow> = sql(format!(
        "SELECT i.room_type_id, i.stay_date, i.closed,
                (i.capacity - i.out_of_service + i.allowance - i.sold - i.held + coalesce(lapsed.rooms, 0))::int AS rooms
         FROM inventory i
         LEFT JOIN ({LAPSED}) lapsed USING (room_type_id, stay_date)
         WHERE i.hotel_id = $1 AND i.stay_date >= $2 AND i.stay_date < $3"
    ))
    .bind::<SqlUuid, _>(hotel_id)
    .bind::<Date, _>(from)
    .bind::<Date, _>(to)
    .load(conn)?;
    let night = |row: LeftRow| ((row.room_type_id, row.stay_date), Left { rooms: row.rooms, closed: row.closed });
    Ok(rows.into_iter().map(night).collect())
}

/// Whether the hotel has closed a night of the stay.
pub fn any_closed(
    conn: &mut PgConnection,
    hotel_id: HotelId,
    room_type_id: RoomTypeId,
    stay: Stay,
) -> Result<bool, DbError> {
    let nights = inventory::table
        .filter(inventory::hotel_id.eq(hotel_id).and(inventory::room_type_id.eq(room_type_id)))
        .filter(inventory::stay_date.ge(stay.check_in()).and(inventory::stay_date.lt(stay.check_out())));
    Ok(diesel::select(diesel::dsl::exists(nights.filter(inventory::closed))).get_result(conn)?)
}

/// Hotels on sale with a room type whose last night before the hotel's horizon is not the one next to it. Nights behind the
/// horizon, which staff may have made, do not count: what lies between is still to be added.
pub(super) fn behind(conn: &mut PgConnection) -> Result<Vec<HotelId>, DbError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        hotel_id: HotelId,
    }
    let rows: Vec<Row> = sql("SELECT h.hotel_id FROM hotels h
         WHERE h.deleted_at IS NULL AND h.horizon_days > 0 AND EXISTS (
             SELECT FROM room_types t
             CROSS JOIN LATERAL (
                 SELECT max(i.stay_date) AS night FROM inventory i
                 WHERE i.hotel_id = t.hotel_id AND i.room_type_id = t.room_type_id
                   AND i.stay_date < (SELECT (clock_timestamp() AT TIME ZONE h.time_zone)::date + h.horizon_days)
             ) last
             WHERE t.hotel_id = h.hotel_id AND t.deleted_at IS NULL
               AND last.night < (clock_timestamp() AT TIME ZONE h.time_zone)::date + h.horizon_days - 1)
         ORDER BY h.hotel_id")
    .load(conn)?;
    Ok(rows.into_iter().map(|row| row.hotel_id).collect())
}

#[derive(QueryableByName)]
struct AddedRow {
    #[diesel(sql_type = SqlUuid)]
    room_type_id: RoomTypeId,
    #[diesel(sql_type = Date)]
    stay_date: NaiveDate,
}

/// Locks the hotel's room types by id, shared with others who only look at their rooms.
pub fn share_room_types(tx: &mut Tx<'_>, hotel_id: HotelId) -> Result<(), DbError> {
    sql("SELECT 1 FROM room_types WHERE hotel_id = $1 ORDER BY room_type_id FOR SHARE")
        .bind::<SqlUuid, _>(hotel_id)
        .execute(&mut **tx)?;
    Ok(())
}

/// Adds the nights from today to the hotel's horizon that a room type has not, each with the capacity of the last one before
/// it, less what is out of service; none before its first. What another process has added meanwhile is passed over. Which
/// nights were added.
pub(super) fn extend(
    tx: &mut Tx<'_>,
    hotel_id: HotelId,
    room_type_id: Option<RoomTypeId>,
) -> Result<Vec<(RoomTypeId, NaiveDate)>, DbError> {
    let rows: Vec<AddedRow> = sql("INSERT INTO inventory (hotel_id, room_type_id, stay_date, capacity, out_of_service)
         SELECT t.hotel_id, t.room_type_id, missing.stay_date, last.capacity, least(last.capacity, away.rooms)
         FROM hotels h
         JOIN room_types t ON t.hotel_id = h.hotel_id AND t.deleted_at IS NULL AND ($2 IS NULL OR t.room_type_id = $2)
         CROSS JOIN LATERAL (SELECT (clock_timestamp() AT TIME ZONE h.time_zone)::date AS today) local
         CROSS JOIN LATERAL (
             SELECT local.today + ahead AS stay_date FROM generate_series(0, h.horizon_days - 1) AS ahead
             EXCEPT
             SELECT i.stay_date FROM inventory i
             WHERE i.hotel_id = t.hotel_id AND i.room_type_id = t.room_type_id AND i.stay_date >= local.today
         ) missing
         CROSS JOIN LATERAL (
             SELECT i.capacity FROM inventory i
             WHERE i.hotel_id = t.hotel_id AND i.room_type_id = t.room_type_id AND i.stay_date < missing.stay_date
             ORDER BY i.stay_date DESC LIMIT 1
         ) last
         CROSS JOIN LATERAL (
             SELECT count(*) AS rooms FROM rooms r
             WHERE r.hotel_id = t.hotel_id AND r.room_type_id = t.room_type_id
               AND r.status = 'out_of_service' AND r.deleted_at IS NULL
         ) away
         WHERE h.hotel_id = $1 AND h.deleted_at IS NULL
         ORDER BY t.room_type_id, missing.stay_date
         ON CONFLICT DO NOTHING
         RETURNING room_type_id, stay_date")
    .bind::<SqlUuid, _>(hotel_id)
    .bind::<Nullable<SqlUuid>, _>(room_type_id)
    .load(&mut **tx)?;
    Ok(rows.into_iter().map(|row| (row.room_type_id, row.stay_date)).collect())
}

/// A new room type's nights, from the hotel's today to its horizon.
pub(super) fn seed(tx: &mut Tx<'_>, hotel_id: HotelId, room_type_id: RoomTypeId, capacity: i32) -> Result<(), DbError> {
    sql("INSERT INTO inventory (hotel_id, room_type_id, stay_date, capacity)
         SELECT h.hotel_id, $2, (clock_timestamp() AT TIME ZONE h.time_zone)::date + ahead, $3
         FROM hotels h CROSS JOIN generate_series(0, h.horizon_days - 1) AS ahead
         WHERE h.hotel_id = $1")
    .bind::<SqlUuid, _>(hotel_id)
    .bind::<SqlUuid, _>(room_type_id)
    .bind::<Integer, _>(capacity)
    .execute(&mut **tx)?;
    Ok(())
}
