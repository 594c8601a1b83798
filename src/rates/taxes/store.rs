//! SQL of taxes as staff see them.

use diesel::prelude::*;
use rust_decimal::Decimal;

use super::wire::{HotelTaxBody, TaxFields};
use crate::db::{DbError, Tx, now_or_null};
use crate::hotels::staff::http::Wanted;
use crate::hotels::staff::{KeptHotel, ManagedHotel, Refusal};
use crate::kernel::clock::Instant;
use crate::kernel::decimal::JsonDecimal;
use crate::kernel::ids::{HotelId, TaxId};
use crate::rates::plan::Due;
use crate::rates::pricing::{TaxKind, TaxValue};
use crate::schema::taxes::{self, dsl};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = taxes, treat_none_as_null = true)]
struct Columns {
    name: String,
    kind: TaxKind,
    percent: Option<Decimal>,
    amount: Option<i64>,
    included: bool,
    due: Due,
}

impl Columns {
    fn new(fields: &TaxFields) -> Result<Self, Refusal> {
        let (percent, amount) = match fields.value()? {
            TaxValue::Percent(percent) => (Some(percent), None),
            TaxValue::PerNight(amount) | TaxValue::PerPersonNight(amount) => (None, Some(amount)),
        };
        let TaxFields { name, kind, included, due, .. } = fields.clone();
        Ok(Self { name, kind, percent, amount, included, due })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = taxes)]
struct Row {
    hotel_id: HotelId,
    tax_id: TaxId,
    #[diesel(embed)]
    columns: Columns,
    version: i32,
    created_at: Instant,
    deleted_at: Option<Instant>,
}

impl Row {
    fn body(self) -> Result<HotelTaxBody, DbError> {
        let Columns { name, kind, percent, amount, included, due } = self.columns;
        let value = percent.or(amount.map(Decimal::from));
        let value = JsonDecimal(value.ok_or_else(|| DbError::invariant("taxes_value_fits_kind"))?);
        let Self { hotel_id, tax_id, version, created_at, deleted_at, .. } = self;
        let fields = TaxFields { name, kind, value, included, due };
        Ok(HotelTaxBody { tax_id, hotel_id, fields, version, created_at, deleted_at })
    }
}

/// A tax of the hotel, deleted or not.
pub fn find(conn: &mut PgConnection, hotel: &ManagedHotel, tax_id: TaxId) -> Result<Option<HotelTaxBody>, DbError> {
    let found: Option<Row> =
        dsl::taxes.find((hotel.hotel_id, tax_id)).select(Row::as_select()).first(conn).optional()?;
    found.map(Row::body).transpose()
}

/// The same under its row lock.
pub fn lock(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, tax_id: TaxId) -> Result<Option<HotelTaxBody>, DbError> {
    let found: Option<Row> = dsl::taxes
        .find((hotel.hotel_id, tax_id))
        .select(Row::as_select())
        .for_no_key_update()
        .first(&mut **tx)
        .optional()?;
    found.map(Row::body).transpose()
}

/// The hotel's taxes, oldest first.
pub fn list(
    conn: &mut PgConnection,
    hotel: &ManagedHotel,
    wanted: Wanted<TaxId>,
) -> Result<Vec<HotelTaxBody>, DbError> {
    let rows: Vec<Row> = dsl::taxes
        .filter(dsl::hotel_id.eq(hotel.hotel_id).and(dsl::tax_id.gt(wanted.after)))
        .filter(dsl::deleted_at.is_null().ne(wanted.deleted))
        .order(dsl::tax_id)
        .limit(wanted.rows)
        .select(Row::as_select())
        .load(conn)?;
    rows.into_iter().map(Row::body).collect()
}

pub fn insert(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, fields: &TaxFields) -> Result<HotelTaxBody, Refusal> {
    let row: Row = diesel::insert_into(dsl::taxes)
        .values((dsl::hotel_id.eq(hotel.hotel_id), dsl::tax_id.eq(TaxId::new()), Columns::new(fields)?))
        .returning(Row::as_returning())
        .get_result(&mut **tx)
        .map_err(DbError::from)?;
    Ok(row.body()?)
}

/// Gives a locked tax these fields; it is a version later then.
pub fn update(tx: &mut Tx<'_>, before: &HotelTaxBody, fields: &TaxFields) -> Result<HotelTaxBody, Refusal> {
    let row: Row = diesel::update(dsl::taxes.find((before.hotel_id, before.tax_id)))
        .filter(dsl::version.eq(before.version))
        .set((Columns::new(fields)?, dsl::version.eq(before.version + 1)))
        .returning(Row::as_returning())
        .get_result(&mut **tx)
        .map_err(DbError::from)?;
    Ok(row.body()?)
}

/// Stops charging a locked tax, or charges it again; it is a version later then.
pub fn mark_deleted(tx: &mut Tx<'_>, before: &HotelTaxBody, deleted: bool) -> Result<HotelTaxBody, DbError> {
    let row: Row = diesel::update(dsl::taxes.find((before.hotel_id, before.tax_id)))
        .filter(dsl::version.eq(before.version))
        .set((dsl::deleted_at.eq(now_or_null(deleted)), dsl::version.eq(before.version + 1)))
        .returning(Row::as_returning())
        .get_result(&mut **tx)?;
    row.body()
}
