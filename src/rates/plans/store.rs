//! SQL of rate plans as staff see them: their rows; what they list is in `lists`.

use diesel::prelude::*;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::lists::store::{self as lists, Lists};
use super::wire::{DerivedFrom, PlanBody, PlanFields};
use crate::audit::Resource;
use crate::db::{DbError, Tx};
use crate::hotels::staff::http::Wanted;
use crate::hotels::staff::kept::{Kept, Part, Tag};
use crate::hotels::staff::{KeptHotel, ManagedHotel, Refusal};
use crate::kernel::clock::Instant;
use crate::kernel::decimal::JsonDecimal;
use crate::kernel::ids::{HotelId, RatePlanId, RoomTypeId};
use crate::rates::plan::{Derivation, MealPlan, PaymentPolicy};
use crate::schema::rate_plan_room_types as links;
use crate::schema::rate_plans::{self, dsl};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = rate_plans, treat_none_as_null = true)]
struct Columns {
    name: String,
    meal_plan: MealPlan,
    payment_policy: PaymentPolicy,
    derived_from: Option<RatePlanId>,
    derived_percent: Option<Decimal>,
    derived_amount: Option<i64>,
    min_stay: Option<i16>,
    max_stay: Option<i16>,
    min_advance_days: Option<i16>,
    max_advance_days: Option<i16>,
}

impl Columns {
    fn new(fields: &PlanFields) -> Result<Self, Refusal> {
        let derivation = fields.derived_from.map(|derived| derived.derivation()).transpose()?;
        let (derived_percent, derived_amount) = match derivation {
            Some(Derivation::Percent(percent)) => (Some(percent), None),
            Some(Derivation::Amount(amount)) => (None, Some(amount)),
            None => (None, None),
        };
        Ok(Self {
            name: fields.name.clone(),
            meal_plan: fields.meal_plan,
            payment_policy: fields.payment_policy,
            derived_from: fields.derived_from.map(|derived| derived.rate_plan_id),
            derived_percent,
            derived_amount,
            min_stay: fields.min_stay,
            max_stay: fields.max_stay,
            min_advance_days: fields.min_advance_days,
            max_advance_days: fields.max_advance_days,
        })
    }

    fn derived_from(&self) -> Option<DerivedFrom> {
        let percent = self.derived_percent.map(JsonDecimal);
        self.derived_from.map(|rate_plan_id| DerivedFrom { rate_plan_id, percent, amount: self.derived_amount })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = rate_plans)]
struct Row {
    hotel_id: HotelId,
    rate_plan_id: RatePlanId,
    #[diesel(embed)]
    columns: Columns,
    version: i32,
    created_at: Instant,
    deleted_at: Option<Instant>,
}

/// The plans with their lists.
fn whole(conn: &mut PgConnection, hotel_id: HotelId, rows: Vec<Row>) -> Result<Vec<PlanBody>, DbError> {
    let ids: Vec<_> = rows.iter().map(|row| row.rate_plan_id).collect();
    let lists = Lists::load(conn, hotel_id, &ids)?;
    let body = |row: Row| {
        let fields = PlanFields {
            derived_from: row.columns.derived_from(),
            name: row.columns.name,
            meal_plan: row.columns.meal_plan,
            payment_policy: row.columns.payment_policy,
            cancellation: lists.cancellation(row.rate_plan_id),
            room_type_ids: lists.room_type_ids(row.rate_plan_id),
            min_stay: row.columns.min_stay,
            max_stay: row.columns.max_stay,
            min_advance_days: row.columns.min_advance_days,
            max_advance_days: row.columns.max_advance_days,
            child_bands: lists.child_bands(row.rate_plan_id),
        };
        PlanBody {
            rate_plan_id: row.rate_plan_id,
            hotel_id,
            fields: fields.sorted(),
            version: row.version,
            created_at: row.created_at,
            deleted_at: row.deleted_at,
        }
    };
    Ok(rows.into_iter().map(body).collect())
}

fn whole_one(conn: &mut PgConnection, row: Option<Row>) -> Result<Option<PlanBody>, DbError> {
    let Some(row) = row else { return Ok(None) };
    Ok(whole(conn, row.hotel_id, vec![row])?.pop())
}

/// The same, shared with others that only want it to stay as it is.
pub fn share(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, id: RatePlanId) -> Result<Option<PlanBody>, DbError> {
    let row =
        dsl::rate_plans.find((hotel.hotel_id, id)).select(Row::as_select()).for_share().first(&mut **tx).optional()?;
    whole_one(tx, row)
}

impl Kept for PlanBody {
    type Fields = PlanFields;
    const RESOURCE: Resource = Resource::RatePlan;
    const TABLE: (&'static str, &'static str) = ("rate_plans", "rate_plan_id");

    fn tag(&self) -> Tag {
        let Self { hotel_id, rate_plan_id, version, deleted_at, .. } = *self;
        Tag { hotel_id, id: rate_plan_id.0, version, is_deleted: deleted_at.is_some() }
    }

    fn read(conn: &mut PgConnection, hotel_id: HotelId, id: Uuid) -> Result<Option<Self>, DbError> {
        let row = dsl::rate_plans.find((hotel_id, id)).select(Row::as_select()).first(conn).optional()?;
        whole_one(conn, row)
    }

    fn update(tx: &mut Tx<'_>, before: &Self, fields: &PlanFields) -> Result<Self, Refusal> {
        let key = (before.hotel_id, before.rate_plan_id);
        let row: Row = diesel::update(dsl::rate_plans.find(key))
            .filter(dsl::version.eq(before.version))
            .set((Columns::new(fields)?, dsl::version.eq(before.version + 1)))
            .returning(Row::as_returning())
            .get_result(&mut **tx)
            .map_err(DbError::from)?;
        write_lists(tx, &row, fields)
    }
}

impl Part for PlanBody {
    type Id = RatePlanId;
    const PATH: &'static str = "rate-plans";

    fn list(conn: &mut PgConnection, hotel: &ManagedHotel, wanted: Wanted<RatePlanId>) -> Result<Vec<Self>, DbError> {
        let rows = dsl::rate_plans
            .filter(dsl::hotel_id.eq(hotel.hotel_id).and(dsl::rate_plan_id.gt(wanted.after)))
            .filter(dsl::deleted_at.is_null().ne(wanted.deleted))
            .order(dsl::rate_plan_id)
            .limit(wanted.rows)
            .select(Row::as_select())
            .load(conn)?;
        whole(conn, hotel.hotel_id, rows)
    }
}

pub fn insert(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, fields: &PlanFields) -> Result<PlanBody, Refusal> {
    let row: Row = diesel::insert_into(dsl::rate_plans)
        .values((dsl::hotel_id.eq(hotel.hotel_id), dsl::rate_plan_id.eq(RatePlanId::new()), Columns::new(fields)?))
        .returning(Row::as_returning())
        .get_result(&mut **tx)
        .map_err(DbError::from)?;
    write_lists(tx, &row, fields)
}

/// The live plans that derive from a plan, of those that sell one of these room types, or of all.
pub fn derived_from(
    tx: &mut Tx<'_>,
    plan: &PlanBody,
    selling: Option<&[RoomTypeId]>,
) -> Result<Vec<RatePlanId>, DbError> {
    let sells = |ids: &[RoomTypeId]| {
        links::table
            .filter(links::hotel_id.eq(dsl::hotel_id).and(links::rate_plan_id.eq(dsl::rate_plan_id)))
            .filter(links::removed_at.is_null().and(links::room_type_id.eq_any(ids.to_vec())))
    };
    let mut query = dsl::rate_plans
        .filter(dsl::hotel_id.eq(plan.hotel_id).and(dsl::derived_from.eq(plan.rate_plan_id)))
        .filter(dsl::deleted_at.is_null())
        .order(dsl::rate_plan_id)
        .select(dsl::rate_plan_id)
        .into_boxed();
    if let Some(ids) = selling {
        query = query.filter(diesel::dsl::exists(sells(ids)));
    }
    Ok(query.load(&mut **tx)?)
}

fn write_lists(tx: &mut Tx<'_>, row: &Row, fields: &PlanFields) -> Result<PlanBody, Refusal> {
    lists::write(tx, row.hotel_id, row.rate_plan_id, fields)?;
    Ok(PlanBody {
        rate_plan_id: row.rate_plan_id,
        hotel_id: row.hotel_id,
        fields: fields.clone(),
        version: row.version,
        created_at: row.created_at,
        deleted_at: row.deleted_at,
    })
}
