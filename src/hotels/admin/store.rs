//! SQL of hotels as staff see them.

use chrono::NaiveTime;
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use uuid::Uuid;

use super::wire::{Country, HotelBody, HotelFields};
use crate::access::guard::Scope;
use crate::audit::Resource;
use crate::db::{DbError, Tx, constraint};
use crate::hotels::place::{Location, city_key};
use crate::hotels::staff::http::Wanted;
use crate::hotels::staff::kept::{Kept, Tag};
use crate::hotels::staff::{Refusal, within};
use crate::kernel::clock::{Instant, WallTime};
use crate::kernel::ids::HotelId;
use crate::kernel::money::Currency;
use crate::schema::{hotels, rate_plans, taxes};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = hotels, treat_none_as_null = true)]
struct Columns {
    name: String,
    city: String,
    city_key: String,
    country: String,
    time_zone: String,
    currency: Currency,
    lat: Option<f64>,
    lon: Option<f64>,
    stars: Option<i16>,
    address: Option<String>,
    description: Option<String>,
    amenities: Vec<Option<String>>,
    photos: Vec<Option<String>>,
    check_in_time: NaiveTime,
    check_out_time: NaiveTime,
}

impl From<&HotelFields> for Columns {
    fn from(fields: &HotelFields) -> Self {
        let fields = fields.clone();
        Self {
            city_key: city_key(&fields.city),
            name: fields.name,
            city: fields.city,
            country: fields.country.0,
            time_zone: fields.time_zone.name().to_owned(),
            currency: fields.currency,
            lat: fields.location.map(|location| location.lat),
            lon: fields.location.map(|location| location.lon),
            stars: fields.stars,
            address: fields.address,
            description: fields.description,
            amenities: fields.amenities.into_iter().map(Some).collect(),
            photos: fields.photos.into_iter().map(Some).collect(),
            check_in_time: fields.check_in_time.0,
            check_out_time: fields.check_out_time.0,
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = hotels)]
struct Row {
    hotel_id: HotelId,
    #[diesel(embed)]
    columns: Columns,
    version: i32,
    created_at: Instant,
    deleted_at: Option<Instant>,
}

impl Row {
    fn body(self) -> Result<HotelBody, DbError> {
        let Columns { name, city, country, currency, lat, lon, stars, address, description, .. } = self.columns;
        let time_zone = self.columns.time_zone.parse();
        let time_zone =
            time_zone.map_err(|_| DbError::invariant(format!("hotel {} has an unknown time zone", self.hotel_id)))?;
        let fields = HotelFields {
            name,
            city,
            country: Country(country),
            time_zone,
            currency,
            location: lat.zip(lon).map(|(lat, lon)| Location { lat, lon }),
            stars,
            address,
            description,
            amenities: self.columns.amenities.into_iter().flatten().collect(),
            photos: self.columns.photos.into_iter().flatten().collect(),
            check_in_time: WallTime(self.columns.check_in_time),
            check_out_time: WallTime(self.columns.check_out_time),
        };
        let Self { hotel_id, version, created_at, deleted_at, .. } = self;
        Ok(HotelBody { hotel_id, fields, version, created_at, deleted_at })
    }
}

/// A hotel within reach, deleted or not.
pub fn find(conn: &mut PgConnection, scope: Scope, hotel_id: HotelId) -> Result<Option<HotelBody>, DbError> {
    let found: Option<Row> = hotels::table
        .filter(hotels::hotel_id.eq(hotel_id).and(within(scope)))
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    found.map(Row::body).transpose()
}

/// Those hotels, whoever reaches them, in the order of their ids.
pub fn find_all(conn: &mut PgConnection, ids: &[HotelId]) -> Result<Vec<HotelBody>, DbError> {
    let found: Vec<Row> = hotels::table
        .filter(hotels::hotel_id.eq_any(ids))
        .order(hotels::hotel_id)
        .select(Row::as_select())
        .load(conn)?;
    found.into_iter().map(Row::body).collect()
}

/// The same under its row lock: nobody changes it meanwhile, and guests go on.
pub fn lock(tx: &mut Tx<'_>, scope: Scope, hotel_id: HotelId) -> Result<Option<HotelBody>, DbError> {
    let found: Option<Row> = hotels::table
        .filter(hotels::hotel_id.eq(hotel_id).and(within(scope)))
        .select(Row::as_select())
        .for_no_key_update()
        .first(&mut **tx)
        .optional()?;
    found.map(Row::body).transpose()
}

/// Hotels within reach, oldest first.
pub fn list(conn: &mut PgConnection, scope: Scope, wanted: Wanted<HotelId>) -> Result<Vec<HotelBody>, DbError> {
    let rows: Vec<Row> = hotels::table
        .filter(
            within(scope).and(hotels::hotel_id.gt(wanted.after)).and(hotels::deleted_at.is_null().ne(wanted.deleted)),
        )
        .order(hotels::hotel_id)
        .limit(wanted.rows)
        .select(Row::as_select())
        .load(conn)?;
    rows.into_iter().map(Row::body).collect()
}

impl Kept for HotelBody {
    type Fields = HotelFields;
    const RESOURCE: Resource = Resource::Hotel;
    const TABLE: (&'static str, &'static str) = ("hotels", "hotel_id");

    fn tag(&self) -> Tag {
        let Self { hotel_id, version, deleted_at, .. } = *self;
        Tag { hotel_id, id: hotel_id.0, version, is_deleted: deleted_at.is_some() }
    }

    fn read(conn: &mut PgConnection, hotel_id: HotelId, _: Uuid) -> Result<Option<Self>, DbError> {
        let found: Option<Row> = hotels::table.find(hotel_id).select(Row::as_select()).first(conn).optional()?;
        found.map(Row::body).transpose()
    }

    fn update(tx: &mut Tx<'_>, before: &Self, fields: &HotelFields) -> Result<Self, Refusal> {
        let row: Row = diesel::update(hotels::table.find(before.hotel_id))
            .filter(hotels::version.eq(before.version))
            .set((Columns::from(fields), hotels::version.eq(before.version + 1)))
            .returning(Row::as_returning())
            .get_result(&mut **tx)
            .map_err(HotelBody::refused)?;
        Ok(row.body()?)
    }

    /// The zones that PostgreSQL knows may be fewer than ours.
    fn refused(error: DieselError) -> Refusal {
        if constraint::says(&error, "time zone") {
            return Refusal::invalid("time_zone", "is not known to the database");
        }
        DbError::from(error).into()
    }
}

pub fn insert(tx: &mut Tx<'_>, hotel_id: HotelId, fields: &HotelFields) -> Result<HotelBody, Refusal> {
    let row: Row = diesel::insert_into(hotels::table)
        .values((hotels::hotel_id.eq(hotel_id), Columns::from(fields)))
        .returning(Row::as_returning())
        .get_result(&mut **tx)
        .map_err(HotelBody::refused)?;
    Ok(row.body()?)
}

/// Whether amounts may have been given in the hotel's currency.
pub fn has_amounts(tx: &mut Tx<'_>, hotel_id: HotelId) -> Result<bool, DbError> {
    let plans = diesel::dsl::exists(rate_plans::table.filter(rate_plans::hotel_id.eq(hotel_id)));
    let taxes = diesel::dsl::exists(taxes::table.filter(taxes::hotel_id.eq(hotel_id)));
    Ok(diesel::select(plans.or(taxes)).get_result(&mut **tx)?)
}
