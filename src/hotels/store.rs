//! SQL of hotels and room types.

use chrono::{NaiveDate, NaiveTime};
use chrono_tz::Tz;
use diesel::prelude::*;

use crate::db::{DbError, Tx, clock_timestamp};
use crate::kernel::clock::{Instant, today_in};
use crate::kernel::ids::{HotelId, RoomTypeId};
use crate::kernel::money::Currency;
use crate::schema::{hotels, room_types};

/// What the funnel needs of a hotel, and the database's time when it was read.
#[derive(Clone, Debug)]
pub struct Hotel {
    pub hotel_id: HotelId,
    pub currency: Currency,
    pub zone: Tz,
    pub check_in_time: NaiveTime,
    pub now: Instant,
}

impl Hotel {
    /// The calendar day at the hotel.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        today_in(self.zone, self.now)
    }
}

/// A hotel on sale.
pub fn find(conn: &mut PgConnection, hotel_id: HotelId) -> Result<Option<Hotel>, DbError> {
    type Row = (Currency, String, NaiveTime, Instant);
    let row: Option<Row> = hotels::table
        .find(hotel_id)
        .filter(hotels::deleted_at.is_null())
        .select((hotels::currency, hotels::time_zone, hotels::check_in_time, clock_timestamp()))
        .first(conn)
        .optional()?;
    row.map(|(currency, zone, check_in_time, now)| {
        let zone =
            zone.parse().map_err(|_| DbError::invariant(format!("hotel {hotel_id} has an unknown time zone")))?;
        Ok(Hotel { hotel_id, currency, zone, check_in_time, now })
    })
    .transpose()
}

/// Keeps the hotel from being deleted until the transaction ends, if it is there.
///
/// Locks: the hotel, `FOR KEY SHARE`, as the foreign keys to it do.
pub fn keep(tx: &mut Tx<'_>, hotel_id: HotelId) -> Result<(), DbError> {
    hotels::table.find(hotel_id).select(hotels::hotel_id).for_key_share().execute(&mut **tx)?;
    Ok(())
}

/// A room type and whom it sleeps.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = room_types)]
pub struct RoomType {
    pub room_type_id: RoomTypeId,
    pub name: String,
    pub max_adults: i16,
    pub max_children: i16,
    pub max_occupancy: i16,
}

/// The room types on sale at a hotel, in the order of their ids.
pub fn room_types(conn: &mut PgConnection, hotel_id: HotelId) -> Result<Vec<RoomType>, DbError> {
    Ok(room_types::table
        .filter(room_types::hotel_id.eq(hotel_id).and(room_types::deleted_at.is_null()))
        .order(room_types::room_type_id)
        .select(RoomType::as_select())
        .load(conn)?)
}

/// Whether there is any hotel at all, on sale or not.
pub fn any(conn: &mut PgConnection) -> Result<bool, DbError> {
    Ok(diesel::select(diesel::dsl::exists(hotels::table.select(hotels::hotel_id))).get_result(conn)?)
}
