//! SQL of physical rooms.

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use uuid::Uuid;

use super::wire::{RoomBody, RoomFields, RoomStatus};
use crate::audit::Resource;
use crate::db::{DbError, Tx, constraint, sql};
use crate::hotels::staff::http::Wanted;
use crate::hotels::staff::kept::{Kept, Part, Tag};
use crate::hotels::staff::{KeptHotel, ManagedHotel, Refusal};
use crate::kernel::clock::Instant;
use crate::kernel::ids::{HotelId, RoomId, RoomTypeId};
use crate::schema::rooms::{self, dsl};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = rooms, treat_none_as_null = true)]
struct Columns {
    room_type_id: RoomTypeId,
    number: String,
    floor: Option<String>,
    status: RoomStatus,
}

impl From<&RoomFields> for Columns {
    fn from(fields: &RoomFields) -> Self {
        let RoomFields { room_type_id, number, floor, status } = fields.clone();
        Self { room_type_id, number, floor, status }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = rooms)]
struct Row {
    hotel_id: HotelId,
    room_id: RoomId,
    #[diesel(embed)]
    columns: Columns,
    version: i32,
    created_at: Instant,
    deleted_at: Option<Instant>,
}

impl From<Row> for RoomBody {
    fn from(row: Row) -> Self {
        let Columns { room_type_id, number, floor, status } = row.columns;
        Self {
            room_id: row.room_id,
            hotel_id: row.hotel_id,
            fields: RoomFields { room_type_id, number, floor, status },
            version: row.version,
            created_at: row.created_at,
            deleted_at: row.deleted_at,
        }
    }
}

impl Kept for RoomBody {
    type Fields = RoomFields;
    const RESOURCE: Resource = Resource::Room;
    const TABLE: (&'static str, &'static str) = ("rooms", "room_id");

    fn tag(&self) -> Tag {
        let Self { hotel_id, room_id, version, deleted_at, .. } = *self;
        Tag { hotel_id, id: room_id.0, version, is_deleted: deleted_at.is_some() }
    }

    fn read(conn: &mut PgConnection, hotel_id: HotelId, id: Uuid) -> Result<Option<Self>, DbError> {
        let found: Option<Row> = dsl::rooms.find((hotel_id, id)).select(Row::as_select()).first(conn).optional()?;
        Ok(found.map(Self::from))
    }

    fn update(tx: &mut Tx<'_>, before: &Self, fields: &RoomFields) -> Result<Self, Refusal> {
        let row: Row = diesel::update(dsl::rooms.find((before.hotel_id, before.room_id)))
            .filter(dsl::version.eq(before.version))
            .set((Columns::from(fields), dsl::version.eq(before.version + 1)))
            .returning(Row::as_returning())
            .get_result(&mut **tx)
            .map_err(RoomBody::refused)?;
        Ok(row.into())
    }

    fn refused(error: DieselError) -> Refusal {
        if constraint::violates(&error, "rooms_number_key") {
            return Refusal::NumberTaken;
        }
        DbError::from(error).into()
    }
}

impl Part for RoomBody {
    type Id = RoomId;
    const PATH: &'static str = "rooms";
    /// Whoever assigns the room to a guest waits for it.
    const LOCK: &'static str = "FOR UPDATE";

    fn list(conn: &mut PgConnection, hotel: &ManagedHotel, wanted: Wanted<RoomId>) -> Result<Vec<Self>, DbError> {
        let rows: Vec<Row> = dsl::rooms
            .filter(dsl::hotel_id.eq(hotel.hotel_id).and(dsl::room_id.gt(wanted.after)))
            .filter(dsl::deleted_at.is_null().ne(wanted.deleted))
            .order(dsl::room_id)
            .limit(wanted.rows)
            .select(Row::as_select())
            .load(conn)?;
        Ok(rows.into_iter().map(Self::from).collect())
    }
}

pub fn insert(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, fields: &RoomFields) -> Result<RoomBody, Refusal> {
    let row: Row = diesel::insert_into(dsl::rooms)
        .values((dsl::hotel_id.eq(hotel.hotel_id), dsl::room_id.eq(RoomId::new()), Columns::from(fields)))
        .returning(Row::as_returning())
        .get_result(&mut **tx)
        .map_err(RoomBody::refused)?;
    Ok(row.into())
}

/// Nights from the hotel's today on for which the room is given to a guest.
pub fn assigned_nights(tx: &mut Tx<'_>, room: &RoomBody) -> Result<i64, DbError> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        nights: i64,
    }
    let count: Count = sql("SELECT count(*) AS nights
         FROM hotels h JOIN booking_nights n ON n.hotel_id = h.hotel_id
         WHERE h.hotel_id = $1 AND n.room_id = $2
           AND n.stay_date >= (clock_timestamp() AT TIME ZONE h.time_zone)::date")
    .bind::<SqlUuid, _>(room.hotel_id)
    .bind::<SqlUuid, _>(room.room_id)
    .get_result(&mut **tx)?;
    Ok(count.nights)
}
