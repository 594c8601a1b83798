//! SQL of taxes as staff see them.

use diesel::prelude::*;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::wire::{HotelTaxBody, TaxFields};
use crate::audit::Resource;
use crate::db::{DbError, Tx};
use crate::hotels::staff::http::Wanted;
use crate::hotels::staff::kept::{Kept, Part, Tag};
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

impl Kept for HotelTaxBody {
    type Fields = TaxFields;
    const RESOURCE: Resource = Resource::Tax;
    const TABLE: (&'static str, &'static str) = ("taxes", "tax_id");

    fn tag(&self) -> Tag {
        let Self { hotel_id, tax_id, version, deleted_at, .. } = *self;
        Tag { hotel_id, id: tax_id.0, version, is_deleted: deleted_at.is_some() }
    }

    fn read(conn: &mut PgConnection, hotel_id: HotelId, id: Uuid) -> Result<Option<Self>, DbError> {
        let found: Option<Row> = dsl::taxes.find((hotel_id, id)).select(Row::as_select()).first(conn).optional()?;
        found.map(Row::body).transpose()
    }

    fn update(tx: &mut Tx<'_>, before: &Self, fields: &TaxFields) -> Result<Self, Refusal> {
        let row: Row = diesel::update(dsl::taxes.find((before.hotel_id, before.tax_id)))
            .filter(dsl::version.eq(before.version))
            .set((Columns::new(fields)?, dsl::version.eq(before.version + 1)))
            .returning(Row::as_returning())
            .get_result(&mut **tx)
            .map_err(DbError::from)?;
        Ok(row.body()?)
    }
}

impl Part for HotelTaxBody {
    type Id = TaxId;
    const PATH: &'static str = "taxes";

    fn list(conn: &mut PgConnection, hotel: &ManagedHotel, wanted: Wanted<TaxId>) -> Result<Vec<Self>, DbError> {
        let rows: Vec<Row> = dsl::taxes
            .filter(dsl::hotel_id.eq(hotel.hotel_id).and(dsl::tax_id.gt(wanted.after)))
            .filter(dsl::deleted_at.is_null().ne(wanted.deleted))
            .order(dsl::tax_id)
            .limit(wanted.rows)
            .select(Row::as_select())
            .load(conn)?;
        rows.into_iter().map(Row::body).collect()
    }
}

pub fn insert(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, fields: &TaxFields) -> Result<HotelTaxBody, Refusal> {
    let row: Row = diesel::insert_into(dsl::taxes)
        .values((dsl::hotel_id.eq(hotel.hotel_id), dsl::tax_id.eq(TaxId::new()), Columns::new(fields)?))
        .returning(Row::as_returning())
        .get_result(&mut **tx)
        .map_err(DbError::from)?;
    Ok(row.body()?)
}
