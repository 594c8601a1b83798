//! SQL of rooms out of service.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Date, Uuid as SqlUuid};

use super::Short;
use crate::db::{DbError, Tx, sql};
use crate::inventory::store::LAPSED;
use crate::kernel::ids::{HotelId, RoomTypeId};

/// The nights of hotel `$1`'s room types `$2` from its today on, with the rooms that are to be out of service on each.
const AHEAD: &str = "
    away AS (
        SELECT t.room_type_id, (
            SELECT count(*) FROM rooms r
            WHERE r.hotel_id = t.hotel_id AND r.room_type_id = t.room_type_id
              AND r.status = 'out_of_service' AND r.deleted_at IS NULL)::int AS rooms
        FROM room_types t WHERE t.hotel_id = $1 AND t.room_type_id = ANY ($2)
    ), ahead AS (
        SELECT i.room_type_id, i.stay_date, i.capacity + i.allowance AS rooms,
               least(i.capacity + i.allowance, away.rooms) AS out_of_service, i.held, i.sold
        FROM hotels h
        JOIN inventory i ON i.hotel_id = h.hotel_id
        JOIN away ON away.room_type_id = i.room_type_id
        WHERE h.hotel_id = $1 AND i.stay_date >= (clock_timestamp() AT TIME ZONE h.time_zone)::date
    )";

/// Locks the nights ahead, in the order of the stock.
pub(super) fn lock_ahead(tx: &mut Tx<'_>, hotel_id: HotelId, room_types: &[RoomTypeId]) -> Result<(), DbError> {
    sql("SELECT 1
         FROM hotels h JOIN inventory i ON i.hotel_id = h.hotel_id
         WHERE h.hotel_id = $1 AND i.room_type_id = ANY ($2)
           AND i.stay_date >= (clock_timestamp() AT TIME ZONE h.time_zone)::date
         ORDER BY i.room_type_id, i.stay_date
         FOR UPDATE OF i")
    .bind::<SqlUuid, _>(hotel_id)
    .bind::<Array<SqlUuid>, _>(room_types.to_vec())
    .execute(&mut **tx)?;
    Ok(())
}

/// The first night that would have fewer rooms than are taken: first those that even live holds and bookings overfill.
pub(super) fn first_short(
    tx: &mut Tx<'_>,
    hotel_id: HotelId,
    room_types: &[RoomTypeId],
) -> Result<Option<Short>, DbError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Date)]
        night: NaiveDate,
        #[diesel(sql_type = Bool)]
        but_for_lapsed: bool,
    }
    let row: Option<Row> = sql(format!(
        "WITH {AHEAD}
         SELECT a.stay_date AS night,
                a.held - coalesce(lapsed.rooms, 0) + a.sold <= a.rooms - a.out_of_service AS but_for_lapsed
         FROM ahead a
         LEFT JOIN ({LAPSED}) lapsed USING (room_type_id, stay_date)
         WHERE a.held + a.sold > a.rooms - a.out_of_service
         ORDER BY but_for_lapsed, a.stay_date
         LIMIT 1"
    ))
    .bind::<SqlUuid, _>(hotel_id)
    .bind::<Array<SqlUuid>, _>(room_types.to_vec())
    .get_result(&mut **tx)
    .optional()?;
    Ok(row.map(|Row { night, but_for_lapsed }| Short { night, but_for_lapsed }))
}

/// Writes what is out of service on the nights where it is another; how many they were.
pub(super) fn follow_rooms(tx: &mut Tx<'_>, hotel_id: HotelId, room_types: &[RoomTypeId]) -> Result<usize, DbError> {
    Ok(sql(format!(
        "WITH {AHEAD}
         UPDATE inventory i SET out_of_service = a.out_of_service, version = i.version + 1
         FROM ahead a
         WHERE i.hotel_id = $1 AND i.room_type_id = a.room_type_id AND i.stay_date = a.stay_date
           AND i.out_of_service <> a.out_of_service"
    ))
    .bind::<SqlUuid, _>(hotel_id)
    .bind::<Array<SqlUuid>, _>(room_types.to_vec())
    .execute(&mut **tx)?)
}
