//! SQL of room types as staff see them.

use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::wire::{RoomTypeBody, RoomTypeFields};
use crate::audit::Resource;
use crate::db::{DbError, Tx};
use crate::hotels::staff::http::Wanted;
use crate::hotels::staff::kept::{Kept, Part, Tag};
use crate::hotels::staff::{KeptHotel, ManagedHotel, Refusal};
use crate::kernel::clock::Instant;
use crate::kernel::ids::{HotelId, RoomTypeId};
use crate::schema::room_types::{self, dsl};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = room_types, treat_none_as_null = true)]
struct Columns {
    name: String,
    max_adults: i16,
    max_children: i16,
    max_occupancy: i16,
    beds: Value,
    amenities: Vec<Option<String>>,
    description: Option<String>,
}

impl Columns {
    fn new(fields: &RoomTypeFields) -> Result<Self, DbError> {
        let fields = fields.clone();
        Ok(Self {
            name: fields.name,
            max_adults: fields.max_adults,
            max_children: fields.max_children,
            max_occupancy: fields.max_occupancy,
            beds: serde_json::to_value(fields.beds).map_err(|error| DbError::invariant(error.to_string()))?,
            amenities: fields.amenities.into_iter().map(Some).collect(),
            description: fields.description,
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = room_types)]
struct Row {
    hotel_id: HotelId,
    room_type_id: RoomTypeId,
    #[diesel(embed)]
    columns: Columns,
    version: i32,
    created_at: Instant,
    deleted_at: Option<Instant>,
}

impl Row {
    fn body(self) -> Result<RoomTypeBody, DbError> {
        let Columns { name, max_adults, max_children, max_occupancy, beds, amenities, description } = self.columns;
        let fields = RoomTypeFields {
            name,
            max_adults,
            max_children,
            max_occupancy,
            beds: serde_json::from_value(beds).map_err(|error| DbError::invariant(format!("beds: {error}")))?,
            amenities: amenities.into_iter().flatten().collect(),
            description,
        };
        let Self { hotel_id, room_type_id, version, created_at, deleted_at, .. } = self;
        Ok(RoomTypeBody { room_type_id, hotel_id, fields, version, created_at, deleted_at })
    }
}

impl Kept for RoomTypeBody {
    type Fields = RoomTypeFields;
    const RESOURCE: Resource = Resource::RoomType;
    const TABLE: (&'static str, &'static str) = ("room_types", "room_type_id");

    fn tag(&self) -> Tag {
        let Self { hotel_id, room_type_id, version, deleted_at, .. } = *self;
        Tag { hotel_id, id: room_type_id.0, version, is_deleted: deleted_at.is_some() }
    }

    fn read(conn: &mut PgConnection, hotel_id: HotelId, id: Uuid) -> Result<Option<Self>, DbError> {
        let found: Option<Row> =
            dsl::room_types.find((hotel_id, id)).select(Row::as_select()).first(conn).optional()?;
        found.map(Row::body).transpose()
    }

    fn update(tx: &mut Tx<'_>, before: &Self, fields: &RoomTypeFields) -> Result<Self, Refusal> {
        let row: Row = diesel::update(dsl::room_types.find((before.hotel_id, before.room_type_id)))
            .filter(dsl::version.eq(before.version))
            .set((Columns::new(fields)?, dsl::version.eq(before.version + 1)))
            .returning(Row::as_returning())
            .get_result(&mut **tx)
            .map_err(DbError::from)?;
        Ok(row.body()?)
    }
}

impl Part for RoomTypeBody {
    type Id = RoomTypeId;
    const PATH: &'static str = "room-types";

    fn list(conn: &mut PgConnection, hotel: &ManagedHotel, wanted: Wanted<RoomTypeId>) -> Result<Vec<Self>, DbError> {
        let rows: Vec<Row> = dsl::room_types
            .filter(dsl::hotel_id.eq(hotel.hotel_id).and(dsl::room_type_id.gt(wanted.after)))
            .filter(dsl::deleted_at.is_null().ne(wanted.deleted))
            .order(dsl::room_type_id)
            .limit(wanted.rows)
            .select(Row::as_select())
            .load(conn)?;
        rows.into_iter().map(Row::body).collect()
    }
}

pub fn insert(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, fields: &RoomTypeFields) -> Result<RoomTypeBody, DbError> {
    let row: Row = diesel::insert_into(dsl::room_types)
        .values((dsl::hotel_id.eq(hotel.hotel_id), dsl::room_type_id.eq(RoomTypeId::new()), Columns::new(fields)?))
        .returning(Row::as_returning())
        .get_result(&mut **tx)?;
    row.body()
}

/// Which of these are room types of the hotel that are not deleted.
pub fn of_hotel(conn: &mut PgConnection, hotel: &ManagedHotel, ids: &[RoomTypeId]) -> Result<Vec<RoomTypeId>, DbError> {
    Ok(dsl::room_types
        .filter(dsl::hotel_id.eq(hotel.hotel_id).and(dsl::room_type_id.eq_any(ids)).and(dsl::deleted_at.is_null()))
        .select(dsl::room_type_id)
        .load(conn)?)
}

/// Locks the room types by id: whoever changes how much of their stock there is goes one at a time.
pub fn lock_all(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, ids: &[RoomTypeId]) -> Result<(), DbError> {
    dsl::room_types
        .filter(dsl::hotel_id.eq(hotel.hotel_id).and(dsl::room_type_id.eq_any(ids)))
        .order(dsl::room_type_id)
        .select(dsl::room_type_id)
        .for_no_key_update()
        .execute(&mut **tx)?;
    Ok(())
}
