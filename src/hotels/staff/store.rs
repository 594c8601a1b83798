//! SQL of a hotel within reach, and of what staff keep, whatever its table.

use diesel::BoxableExpression;
use diesel::dsl::exists;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Uuid as SqlUuid};
use uuid::Uuid;

use super::kept::{Kept, Part, Tag};
use super::{ManagedHotel, Refusal};
use crate::access::guard::Scope;
use crate::db::{DbError, Tx, sql, tx::exactly};
use crate::kernel::ids::{HotelId, RoomTypeId};
use crate::schema::{hotel_members, hotels};

/// The scope as a predicate on hotels.
pub fn within(scope: Scope) -> Box<dyn BoxableExpression<hotels::table, Pg, SqlType = Bool>> {
    match scope {
        Scope::Everywhere => Box::new(diesel::dsl::sql::<Bool>("true")),
        Scope::MemberOf(user_id) => Box::new(exists(
            hotel_members::table
                .filter(hotel_members::hotel_id.eq(hotels::hotel_id).and(hotel_members::user_id.eq(user_id))),
        )),
    }
}

/// Whether the scope has the hotel, deleted or not.
pub(super) fn is_within(conn: &mut PgConnection, scope: Scope, hotel_id: HotelId) -> Result<bool, DbError> {
    let hotel = hotels::table.filter(hotels::hotel_id.eq(hotel_id).and(within(scope)));
    Ok(diesel::select(exists(hotel)).get_result(conn)?)
}

macro_rules! managed {
    ($conn:expr, $scope:expr, $hotel_id:expr $(, $lock:ident)?) => {{
        let found = hotels::table
            .filter(hotels::hotel_id.eq($hotel_id).and(hotels::deleted_at.is_null()).and(within($scope)))
            .select((hotels::hotel_id, hotels::currency))
            $(.$lock())?
            .first($conn)
            .optional()?;
        Ok(found.map(|(hotel_id, currency)| ManagedHotel { hotel_id, currency }))
    }};
}

pub(super) fn find(conn: &mut PgConnection, scope: Scope, hotel_id: HotelId) -> Result<Option<ManagedHotel>, DbError> {
    managed!(conn, scope, hotel_id)
}

pub(super) fn keep(tx: &mut Tx<'_>, scope: Scope, hotel_id: HotelId) -> Result<Option<ManagedHotel>, DbError> {
    managed!(&mut **tx, scope, hotel_id, for_key_share)
}

pub(super) fn keep_alone(tx: &mut Tx<'_>, scope: Scope, hotel_id: HotelId) -> Result<Option<ManagedHotel>, DbError> {
    managed!(&mut **tx, scope, hotel_id, for_update)
}

/// Bookings that are not over by the hotel's own day, and live holds; of one room type, if one is named.
pub(super) fn future_bookings(
    conn: &mut PgConnection,
    hotel_id: HotelId,
    room_type_id: Option<RoomTypeId>,
) -> Result<(i64, i64), DbError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        bookings: i64,
        #[diesel(sql_type = BigInt)]
        holds: i64,
    }
    let row: Row = sql("SELECT
            (SELECT count(DISTINCT b.booking_id) FROM bookings b
             JOIN booking_rooms r ON r.hotel_id = b.hotel_id AND r.booking_id = b.booking_id
             WHERE b.hotel_id = h.hotel_id AND b.status IN ('confirmed', 'checked_in')
               AND r.check_out > (clock_timestamp() AT TIME ZONE h.time_zone)::date
               AND ($2 IS NULL OR r.room_type_id = $2)) AS bookings,
            (SELECT count(*) FROM holds o
             WHERE o.hotel_id = h.hotel_id AND o.live_until > (SELECT clock_timestamp())
               AND ($2 IS NULL OR EXISTS (
                   SELECT FROM hold_nights n
                   WHERE n.hotel_id = o.hotel_id AND n.hold_id = o.hold_id AND n.room_type_id = $2))) AS holds
         FROM hotels h WHERE h.hotel_id = $1")
    .bind::<SqlUuid, _>(hotel_id)
    .bind::<Nullable<SqlUuid>, _>(room_type_id)
    .get_result(conn)?;
    Ok((row.bookings, row.holds))
}

/// Locks the row of a part, if it is there.
pub(super) fn lock_part<K: Part>(tx: &mut Tx<'_>, hotel_id: HotelId, id: Uuid) -> Result<(), DbError> {
    let (table, id_column) = K::TABLE;
    sql(format!("SELECT 1 FROM {table} WHERE hotel_id = $1 AND {id_column} = $2 {}", K::LOCK))
        .bind::<SqlUuid, _>(hotel_id)
        .bind::<SqlUuid, _>(id)
        .execute(&mut **tx)?;
    Ok(())
}

/// Deletes what is locked, or puts it back; it is a version later then.
pub(super) fn mark_deleted<K: Kept>(tx: &mut Tx<'_>, before: &K, deleted: bool) -> Result<(), Refusal> {
    let (table, id_column) = K::TABLE;
    let Tag { hotel_id, id, version, .. } = before.tag();
    let marked = sql(format!(
        "UPDATE {table} SET deleted_at = CASE WHEN $4 THEN clock_timestamp() END, version = version + 1
         WHERE hotel_id = $1 AND {id_column} = $2 AND version = $3"
    ))
    .bind::<SqlUuid, _>(hotel_id)
    .bind::<SqlUuid, _>(id)
    .bind::<Integer, _>(version)
    .bind::<Bool, _>(deleted)
    .execute(&mut **tx)
    .map_err(K::refused)?;
    Ok(exactly(marked, 1, "what is deleted or restored")?)
}
