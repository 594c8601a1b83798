//! SQL of rate plans, rates and taxes.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Array, Binary, Date, Uuid as SqlUuid};
use rust_decimal::Decimal;

use super::plan::{ChildBand, Derivation, Due, MealPlan, PaymentPolicy, Penalty, RatePlan, Tier};
use super::pricing::{Tax, TaxKind, TaxValue};
use super::restrictions::NightRestrictions;
use crate::db::{DbError, Tx, sql};
use crate::kernel::ids::{HotelId, RatePlanId, RoomTypeId};
use crate::kernel::stay::Stay;
use crate::schema::{cancellation_tiers, child_bands, rate_plan_room_types, rate_plans, rates, taxes};

#[derive(Queryable, Selectable)]
#[diesel(table_name = rate_plans)]
struct PlanRow {
    rate_plan_id: RatePlanId,
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

impl PlanRow {
    fn derivation(&self) -> Option<(RatePlanId, Derivation)> {
        let by_percent = self.derived_percent.map(Derivation::Percent);
        let by_amount = self.derived_amount.map(Derivation::Amount);
        self.derived_from.zip(by_percent.or(by_amount))
    }
}

/// The plans on sale at a hotel, in the order of their ids.
pub fn plans(conn: &mut PgConnection, hotel_id: HotelId) -> Result<Vec<RatePlan>, DbError> {
    let rows = rate_plans::table
        .filter(rate_plans::hotel_id.eq(hotel_id).and(rate_plans::deleted_at.is_null()))
        .order(rate_plans::rate_plan_id)
        .select(PlanRow::as_select())
        .load(conn)?;
    let mut room_types = by_plan(
        rate_plan_room_types::table
            .filter(rate_plan_room_types::hotel_id.eq(hotel_id).and(rate_plan_room_types::removed_at.is_null()))
            .order(rate_plan_room_types::room_type_id)
            .select((rate_plan_room_types::rate_plan_id, rate_plan_room_types::room_type_id))
            .load::<(RatePlanId, RoomTypeId)>(conn)?,
    );
    let ids: Vec<_> = rows.iter().map(|row| row.rate_plan_id).collect();
    let mut tiers = by_plan(tiers(conn, hotel_id, &ids)?);
    let mut bands = by_plan(
        child_bands::table
            .filter(child_bands::hotel_id.eq(hotel_id))
            .select((child_bands::rate_plan_id, child_bands::max_age, child_bands::amount))
            .load::<(RatePlanId, i16, i64)>(conn)?
            .into_iter()
            .map(|(plan, max_age, amount)| (plan, ChildBand { max_age, amount })),
    );
    let plan = |row: PlanRow| RatePlan {
        derived_from: row.derivation(),
        room_type_ids: room_types.remove(&row.rate_plan_id).unwrap_or_default(),
        tiers: tiers.remove(&row.rate_plan_id).unwrap_or_default(),
        child_bands: bands.remove(&row.rate_plan_id).unwrap_or_default(),
        rate_plan_id: row.rate_plan_id,
        name: row.name,
        meal_plan: row.meal_plan,
        payment_policy: row.payment_policy,
        min_stay: row.min_stay,
        max_stay: row.max_stay,
        min_advance_days: row.min_advance_days,
        max_advance_days: row.max_advance_days,
    };
    Ok(rows.into_iter().map(plan).collect())
}

fn by_plan<T>(rows: impl IntoIterator<Item = (RatePlanId, T)>) -> HashMap<RatePlanId, Vec<T>> {
    rows.into_iter().fold(HashMap::new(), |mut grouped, (plan, row)| {
        grouped.entry(plan).or_default().push(row);
        grouped
    })
}

type TierRow = (RatePlanId, i32, Option<Decimal>, Option<i16>, Option<i64>);

/// The cancellation tiers of these plans, by plan.
pub(super) fn tiers(
    conn: &mut PgConnection,
    hotel_id: HotelId,
    plans: &[RatePlanId],
) -> Result<Vec<(RatePlanId, Tier)>, DbError> {
    use cancellation_tiers::dsl;
    let rows: Vec<TierRow> = dsl::cancellation_tiers
        .filter(dsl::hotel_id.eq(hotel_id).and(dsl::rate_plan_id.eq_any(plans)))
        .select((
            dsl::rate_plan_id,
            dsl::until_hours_before_check_in,
            dsl::penalty_percent,
            dsl::penalty_nights,
            dsl::penalty_amount,
        ))
        .load(conn)?;
    rows.into_iter()
        .map(|(plan, hours, percent, nights, amount)| {
            let penalty = percent
                .map(Penalty::Percent)
                .or(nights.map(Penalty::Nights))
                .or(amount.map(Penalty::Amount))
                .ok_or_else(|| DbError::invariant("cancellation_tiers_one_penalty"))?;
            Ok((plan, Tier { until_hours_before_check_in: hours, penalty }))
        })
        .collect()
}

/// The taxes of a hotel, in the order of their ids.
pub fn taxes(conn: &mut PgConnection, hotel_id: HotelId) -> Result<Vec<Tax>, DbError> {
    type Row = (String, TaxKind, Option<Decimal>, Option<i64>, bool, Due);
    let rows: Vec<Row> = taxes::table
        .filter(taxes::hotel_id.eq(hotel_id).and(taxes::deleted_at.is_null()))
        .order(taxes::tax_id)
        .select((taxes::name, taxes::kind, taxes::percent, taxes::amount, taxes::included, taxes::due))
        .load(conn)?;
    rows.into_iter()
        .map(|(name, kind, percent, amount, included, due)| {
            let value = match (kind, percent, amount) {
                (TaxKind::Percent, Some(percent), None) => TaxValue::Percent(percent),
                (TaxKind::PerNight, None, Some(amount)) => TaxValue::PerNight(amount),
                (TaxKind::PerPersonNight, None, Some(amount)) => TaxValue::PerPersonNight(amount),
                _ => return Err(DbError::invariant("taxes_value_fits_kind")),
            };
            Ok(Tax { name, value, included, due })
        })
        .collect()
}

/// One stored night of a plan.
#[derive(Clone, Copy, Debug, Default)]
pub struct RateNight {
    /// Minor units; none: not on sale, or a derived plan's restrictions.
    pub price: Option<i64>,
    pub restrictions: NightRestrictions,
}

/// Stored nights by plan, room type and date.
pub type Rates = HashMap<(RatePlanId, RoomTypeId, NaiveDate), RateNight>;

/// The stored nights from `from` up to `to`, and `to` itself for its restrictions of departure.
pub fn rates(conn: &mut PgConnection, hotel_id: HotelId, from: NaiveDate, to: NaiveDate) -> Result<Rates, DbError> {
    type Row = (RatePlanId, RoomTypeId, NaiveDate, Option<i64>, Option<i16>, Option<i16>, bool, bool, bool);
    let rows: Vec<Row> = rates::table
        .filter(rates::hotel_id.eq(hotel_id).and(rates::stay_date.between(from, to)))
        .select((
            rates::rate_plan_id,
            rates::room_type_id,
            rates::stay_date,
            rates::price,
            rates::min_stay,
            rates::max_stay,
            rates::closed,
            rates::closed_to_arrival,
            rates::closed_to_departure,
        ))
        .load(conn)?;
    let nights = rows.into_iter().map(|(plan, room, date, price, min_stay, max_stay, closed, arrival, departure)| {
        let restrictions = NightRestrictions {
            min_stay,
            max_stay,
            closed,
            closed_to_arrival: arrival,
            closed_to_departure: departure,
        };
        ((plan, room, date), RateNight { price, restrictions })
    });
    Ok(nights.collect())
}

/// SHA-256 over the versions of every row that a price and its conditions come from, and the hotel's day: while it
/// stays the same, pricing the stay again would yield the same. Read it before the rows, never after: a change between
/// the two is then noticed later instead of missed. None: the hotel, room type or plan never was.
pub fn priced_from(
    conn: &mut PgConnection,
    hotel_id: HotelId,
    room_type_id: RoomTypeId,
    rate_plan_id: RatePlanId,
    stay: Stay,
) -> Result<Option<Vec<u8>>, DbError> {
    #[derive(QueryableByName)]
    struct Fingerprint {
        #[diesel(sql_type = Binary)]
        fingerprint: Vec<u8>,
    }
    let found: Option<Fingerprint> = sql(
        "SELECT sha256(convert_to(concat_ws('|',
            (clock_timestamp() AT TIME ZONE h.time_zone)::date, h.version, h.deleted_at,
            t.version, t.deleted_at, p.version, p.deleted_at, b.version,
            (SELECT string_agg(x.tax_id || ':' || x.version, ',' ORDER BY x.tax_id)
             FROM taxes x WHERE x.hotel_id = h.hotel_id AND x.deleted_at IS NULL),
            (SELECT string_agg(r.rate_plan_id || ':' || r.stay_date || ':' || r.version, ',' ORDER BY r.rate_plan_id, r.stay_date)
             FROM rates r
             WHERE r.hotel_id = h.hotel_id AND r.rate_plan_id IN (p.rate_plan_id, p.derived_from)
               AND r.room_type_id = t.room_type_id AND r.stay_date BETWEEN $4 AND $5)
         ), 'UTF8')) AS fingerprint
         FROM hotels h
         JOIN room_types t ON t.hotel_id = h.hotel_id AND t.room_type_id = $2
         JOIN rate_plans p ON p.hotel_id = h.hotel_id AND p.rate_plan_id = $3
         LEFT JOIN rate_plans b ON b.hotel_id = h.hotel_id AND b.rate_plan_id = p.derived_from
         WHERE h.hotel_id = $1",
    )
    .bind::<SqlUuid, _>(hotel_id)
    .bind::<SqlUuid, _>(room_type_id)
    .bind::<SqlUuid, _>(rate_plan_id)
    .bind::<Date, _>(stay.check_in())
    .bind::<Date, _>(stay.check_out())
    .get_result(conn)
    .optional()?;
    Ok(found.map(|found| found.fingerprint))
}

/// Prices nights that were added, and restricts them: like the same weekday a year (364 days) before if that is stored,
/// else like the last one of that weekday. A derived plan's rows hold restrictions only, here too. Rows that exist stay
/// as they are. How many were added.
pub fn extend(tx: &mut Tx<'_>, hotel_id: HotelId, nights: &[(RoomTypeId, NaiveDate)]) -> Result<usize, DbError> {
    let (room_types, dates): (Vec<RoomTypeId>, Vec<NaiveDate>) = nights.iter().copied().unzip();
    Ok(sql("INSERT INTO rates (hotel_id, rate_plan_id, room_type_id, stay_date, price, min_stay, max_stay, closed,
                            closed_to_arrival, closed_to_departure)
         SELECT k.hotel_id, k.rate_plan_id, k.room_type_id, added.stay_date, model.price, model.min_stay, model.max_stay,
                model.closed, model.closed_to_arrival, model.closed_to_departure
         FROM unnest($2, $3) AS added (room_type_id, stay_date)
         JOIN rate_plan_room_types k
           ON k.hotel_id = $1 AND k.room_type_id = added.room_type_id AND k.removed_at IS NULL
         JOIN rate_plans p ON p.hotel_id = $1 AND p.rate_plan_id = k.rate_plan_id AND p.deleted_at IS NULL
         CROSS JOIN LATERAL (
             SELECT * FROM rates r
             WHERE r.hotel_id = $1 AND r.rate_plan_id = k.rate_plan_id AND r.room_type_id = k.room_type_id
               AND r.stay_date < added.stay_date AND (added.stay_date - r.stay_date) % 7 = 0
             ORDER BY r.stay_date = added.stay_date - 364 DESC, r.stay_date DESC
             LIMIT 1
         ) model
         ORDER BY k.rate_plan_id, k.room_type_id, added.stay_date
         ON CONFLICT DO NOTHING")
    .bind::<SqlUuid, _>(hotel_id)
    .bind::<Array<SqlUuid>, _>(room_types)
    .bind::<Array<Date>, _>(dates)
    .execute(&mut **tx)?)
}
