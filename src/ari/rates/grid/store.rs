//! SQL of rates as staff see them.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Date, Integer, Nullable, Numeric, SmallInt, Uuid as SqlUuid};
use rust_decimal::Decimal;

use super::wire::RateNight;
use crate::db::{DbError, sql};
use crate::hotels::staff::ManagedHotel;
use crate::kernel::ids::{RatePlanId, RoomTypeId};
use crate::kernel::money::Money;
use crate::rates::plan::Derivation;
use crate::schema::{rate_plans, room_types};

/// Which nights a page is to have.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub rate_plan_id: Option<RatePlanId>,
    pub room_type_id: Option<RoomTypeId>,
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub after: Option<(RatePlanId, RoomTypeId, NaiveDate)>,
    pub rows: i64,
}

/// Whether the hotel has the plan and the room type that are asked for.
pub fn has(conn: &mut PgConnection, hotel: &ManagedHotel, wanted: &Wanted) -> Result<bool, DbError> {
    use diesel::dsl::{exists, select};
    if let Some(rate_plan_id) = wanted.rate_plan_id {
        let found = rate_plans::table.find((hotel.hotel_id, rate_plan_id)).filter(rate_plans::deleted_at.is_null());
        if !select(exists(found)).get_result::<bool>(conn)? {
            return Ok(false);
        }
    }
    if let Some(room_type_id) = wanted.room_type_id {
        let found = room_types::table.find((hotel.hotel_id, room_type_id)).filter(room_types::deleted_at.is_null());
        return Ok(select(exists(found)).get_result(conn)?);
    }
    Ok(true)
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    rate_plan_id: RatePlanId,
    #[diesel(sql_type = SqlUuid)]
    room_type_id: RoomTypeId,
    #[diesel(sql_type = Date)]
    stay_date: NaiveDate,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    derived_from: Option<RatePlanId>,
    #[diesel(sql_type = Nullable<Numeric>)]
    derived_percent: Option<Decimal>,
    #[diesel(sql_type = Nullable<BigInt>)]
    derived_amount: Option<i64>,
    /// Of the plan itself, or of its base plan.
    #[diesel(sql_type = Nullable<BigInt>)]
    stored: Option<i64>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    min_stay: Option<i16>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    max_stay: Option<i16>,
    #[diesel(sql_type = Bool)]
    closed: bool,
    #[diesel(sql_type = Bool)]
    closed_to_arrival: bool,
    #[diesel(sql_type = Bool)]
    closed_to_departure: bool,
    #[diesel(sql_type = Integer)]
    version: i32,
}

impl Row {
    fn night(self, hotel: &ManagedHotel) -> Result<RateNight, DbError> {
        let by_percent = self.derived_percent.map(Derivation::Percent);
        let price = match (self.stored, by_percent.or(self.derived_amount.map(Derivation::Amount))) {
            (Some(stored), Some(derivation)) => Some(derivation.apply(stored)),
            (stored, _) => stored.map(Ok),
        };
        let price = price.transpose().map_err(|_| DbError::invariant("a derived price is out of range"))?;
        Ok(RateNight {
            rate_plan_id: self.rate_plan_id,
            room_type_id: self.room_type_id,
            date: self.stay_date,
            price: price.map(|amount| Money::new(amount, hotel.currency)),
            derived_from: self.derived_from,
            min_stay: self.min_stay,
            max_stay: self.max_stay,
            closed: self.closed,
            closed_to_arrival: self.closed_to_arrival,
            closed_to_departure: self.closed_to_departure,
            version: self.version,
        })
    }
}

/// Nights in the order of plans, room types and dates: all that the plans sell, whether something was set of them or not.
pub fn nights(conn: &mut PgConnection, hotel: &ManagedHotel, wanted: Wanted) -> Result<Vec<RateNight>, DbError> {
    let after_plan = wanted.after.map(|(plan, _, _)| plan);
    let after_room_type = wanted.after.map(|(_, room_type, _)| room_type);
    let after_date = wanted.after.map(|(_, _, date)| date);
    let rows: Vec<Row> = sql("WITH cell AS MATERIALIZED (
             SELECT k.rate_plan_id, k.room_type_id, $2::date + n AS stay_date, p.derived_from, p.derived_percent, p.derived_amount
             FROM rate_plan_room_types k
             JOIN rate_plans p ON p.hotel_id = k.hotel_id AND p.rate_plan_id = k.rate_plan_id AND p.deleted_at IS NULL
             JOIN room_types t ON t.hotel_id = k.hotel_id AND t.room_type_id = k.room_type_id AND t.deleted_at IS NULL
             CROSS JOIN generate_series(0, $3::date - $2::date - 1) n
             WHERE k.hotel_id = $1 AND k.removed_at IS NULL AND ($4 IS NULL OR k.rate_plan_id = $4) AND ($5 IS NULL OR k.room_type_id = $5)
               AND ($6 IS NULL OR (k.rate_plan_id, k.room_type_id, $2::date + n) > ($6, $7, $8))
             ORDER BY k.rate_plan_id, k.room_type_id, stay_date LIMIT $9
         )
         SELECT c.rate_plan_id, c.room_type_id, c.stay_date, c.derived_from, c.derived_percent, c.derived_amount,
                CASE WHEN c.derived_from IS NULL THEN r.price ELSE b.price END AS stored, r.min_stay, r.max_stay,
                coalesce(r.closed, false) AS closed, coalesce(r.closed_to_arrival, false) AS closed_to_arrival,
                coalesce(r.closed_to_departure, false) AS closed_to_departure, coalesce(r.version, 0) AS version
         FROM cell c
         LEFT JOIN rates r ON r.hotel_id = $1 AND r.rate_plan_id = c.rate_plan_id AND r.room_type_id = c.room_type_id
             AND r.stay_date = c.stay_date
         LEFT JOIN rates b ON b.hotel_id = $1 AND b.rate_plan_id = c.derived_from AND b.room_type_id = c.room_type_id
             AND b.stay_date = c.stay_date
         ORDER BY c.rate_plan_id, c.room_type_id, c.stay_date")
    .bind::<SqlUuid, _>(hotel.hotel_id)
    .bind::<Date, _>(wanted.from)
    .bind::<Date, _>(wanted.to)
    .bind::<Nullable<SqlUuid>, _>(wanted.rate_plan_id)
    .bind::<Nullable<SqlUuid>, _>(wanted.room_type_id)
    .bind::<Nullable<SqlUuid>, _>(after_plan)
    .bind::<Nullable<SqlUuid>, _>(after_room_type)
    .bind::<Nullable<Date>, _>(after_date)
    .bind::<BigInt, _>(wanted.rows)
    .load(conn)?;
    rows.into_iter().map(|row| row.night(hotel)).collect()
}
