//! SQL of the stock as staff see it.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Date, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};

use super::wire::{FilledNight, InventoryNight, NightBooking, NightHold};
use crate::bookings::state::BookingStatus;
use crate::db::{self, DbError, sql};
use crate::holds::state::HoldStatus;
use crate::hotels::staff::ManagedHotel;
use crate::kernel::clock::Instant;
use crate::kernel::ids::{BookingId, HoldId, RoomTypeId};
use crate::schema::room_types;

/// The most holds, and the most bookings, that are listed for a night.
const MOST: i64 = 1_000;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    room_type_id: RoomTypeId,
    #[diesel(sql_type = Date)]
    stay_date: NaiveDate,
    #[diesel(sql_type = Integer)]
    capacity: i32,
    #[diesel(sql_type = Integer)]
    out_of_service: i32,
    #[diesel(sql_type = Integer)]
    allowance: i32,
    #[diesel(sql_type = Integer)]
    held: i32,
    #[diesel(sql_type = Integer)]
    sold: i32,
    #[diesel(sql_type = Bool)]
    closed: bool,
    #[diesel(sql_type = Integer)]
    version: i32,
}

impl From<Row> for InventoryNight {
    fn from(row: Row) -> Self {
        let Row { room_type_id, stay_date, capacity, out_of_service, allowance, held, sold, closed, version } = row;
        let left = capacity - out_of_service + allowance - held - sold;
        Self { room_type_id, date: stay_date, capacity, out_of_service, allowance, held, sold, left, closed, version }
    }
}

/// Nights `i` of hotel `$1` at the instant `$2`; holds that have lapsed by then do not count as held.
const NIGHTS: &str = "
    WITH lapsed AS MATERIALIZED (
        SELECT n.room_type_id, n.stay_date, sum(n.rooms)::int AS rooms
        FROM holds h JOIN hold_nights n ON n.hotel_id = h.hotel_id AND n.hold_id = h.hold_id
        WHERE h.hotel_id = $1 AND h.live_until <= $2
        GROUP BY n.room_type_id, n.stay_date
    )
    SELECT i.room_type_id, i.stay_date, i.capacity, i.out_of_service, i.allowance,
           i.held - coalesce(l.rooms, 0) AS held, i.sold, i.closed, i.version
    FROM inventory i
    JOIN room_types t ON t.hotel_id = i.hotel_id AND t.room_type_id = i.room_type_id AND t.deleted_at IS NULL
    LEFT JOIN lapsed l ON l.room_type_id = i.room_type_id AND l.stay_date = i.stay_date
    WHERE i.hotel_id = $1";

/// Which nights a page is to have.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub room_type_id: Option<RoomTypeId>,
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub after: Option<(RoomTypeId, NaiveDate)>,
    pub rows: i64,
}

/// Whether the hotel has the room type.
pub fn has_room_type(conn: &mut PgConnection, hotel: &ManagedHotel, room_type_id: RoomTypeId) -> Result<bool, DbError> {
    let found = room_types::table.find((hotel.hotel_id, room_type_id)).filter(room_types::deleted_at.is_null());
    Ok(diesel::select(diesel::dsl::exists(found)).get_result(conn)?)
}

/// Nights in the order of room types and dates.
pub fn nights(conn: &mut PgConnection, hotel: &ManagedHotel, wanted: Wanted) -> Result<Vec<InventoryNight>, DbError> {
    let now = db::now(conn)?;
    let (after_room_type, after_date) = wanted.after.unzip();
    let text = format!(
        "{NIGHTS} AND i.stay_date >= $3 AND i.stay_date < $4 AND ($5 IS NULL OR i.room_type_id = $5)
            AND ($6 IS NULL OR (i.room_type_id, i.stay_date) > ($6, $7))
         ORDER BY i.room_type_id, i.stay_date LIMIT $8"
    );
    let rows: Vec<Row> = sql(text)
        .bind::<SqlUuid, _>(hotel.hotel_id)
        .bind::<Timestamptz, _>(now)
        .bind::<Date, _>(wanted.from)
        .bind::<Date, _>(wanted.to)
        .bind::<Nullable<SqlUuid>, _>(wanted.room_type_id)
        .bind::<Nullable<SqlUuid>, _>(after_room_type)
        .bind::<Nullable<Date>, _>(after_date)
        .bind::<BigInt, _>(wanted.rows)
        .load(conn)?;
    Ok(rows.into_iter().map(InventoryNight::from).collect())
}

/// A night with what fills it, all as of one moment.
pub fn filled(
    conn: &mut PgConnection,
    hotel: &ManagedHotel,
    room_type_id: RoomTypeId,
    date: NaiveDate,
) -> Result<Option<FilledNight>, DbError> {
    conn.build_transaction().repeatable_read().read_only().run(|conn| {
        let now = db::now(conn)?;
        let night: Option<Row> = sql(format!("{NIGHTS} AND i.room_type_id = $3 AND i.stay_date = $4"))
            .bind::<SqlUuid, _>(hotel.hotel_id)
            .bind::<Timestamptz, _>(now)
            .bind::<SqlUuid, _>(room_type_id)
            .bind::<Date, _>(date)
            .get_result(conn)
            .optional()?;
        let Some(night) = night.map(InventoryNight::from) else {
            return Ok(None);
        };
        let holds = holds(conn, hotel, &night, now)?;
        let bookings = bookings(conn, hotel, &night)?;
        Ok(Some(FilledNight { night, holds, bookings }))
    })
}

fn holds(
    conn: &mut PgConnection,
    hotel: &ManagedHotel,
    night: &InventoryNight,
    now: Instant,
) -> Result<Vec<NightHold>, DbError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        hold_id: HoldId,
        #[diesel(sql_type = Integer)]
        rooms: i32,
        #[diesel(sql_type = Text)]
        status: HoldStatus,
        #[diesel(sql_type = Timestamptz)]
        live_until: Instant,
    }
    let rows: Vec<Row> = sql("SELECT h.hold_id, n.rooms::int AS rooms, h.status, h.live_until
         FROM hold_nights n JOIN holds h ON h.hotel_id = n.hotel_id AND h.hold_id = n.hold_id
         WHERE n.hotel_id = $1 AND n.room_type_id = $2 AND n.stay_date = $3 AND h.live_until > $4
         ORDER BY h.live_until, h.hold_id LIMIT $5")
    .bind::<SqlUuid, _>(hotel.hotel_id)
    .bind::<SqlUuid, _>(night.room_type_id)
    .bind::<Date, _>(night.date)
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(MOST)
    .load(conn)?;
    let hold = |Row { hold_id, rooms, status, live_until }| NightHold { hold_id, rooms, status, live_until };
    Ok(rows.into_iter().map(hold).collect())
}

fn bookings(
    conn: &mut PgConnection,
    hotel: &ManagedHotel,
    night: &InventoryNight,
) -> Result<Vec<NightBooking>, DbError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        booking_id: BookingId,
        #[diesel(sql_type = Text)]
        confirmation_code: String,
        #[diesel(sql_type = Integer)]
        rooms: i32,
        #[diesel(sql_type = Text)]
        status: BookingStatus,
    }
    let rows: Vec<Row> = sql("SELECT b.booking_id, b.confirmation_code, count(*)::int AS rooms, b.status
         FROM booking_nights n
         JOIN booking_rooms r ON r.hotel_id = n.hotel_id AND r.booking_room_id = n.booking_room_id
         JOIN bookings b ON b.hotel_id = r.hotel_id AND b.booking_id = r.booking_id
         WHERE n.hotel_id = $1 AND n.room_type_id = $2 AND n.stay_date = $3
         GROUP BY b.hotel_id, b.booking_id ORDER BY b.booking_id LIMIT $4")
    .bind::<SqlUuid, _>(hotel.hotel_id)
    .bind::<SqlUuid, _>(night.room_type_id)
    .bind::<Date, _>(night.date)
    .bind::<BigInt, _>(MOST)
    .load(conn)?;
    let booking = |Row { booking_id, confirmation_code, rooms, status }| NightBooking {
        booking_id,
        confirmation_code,
        rooms,
        status,
    };
    Ok(rows.into_iter().map(booking).collect())
}
