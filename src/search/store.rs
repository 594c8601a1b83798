//! SQL of the search: one query a page, whatever the filters.
//!
//! Prices follow `rates::pricing`, restrictions `rates::restrictions`, stock `inventory::store::left`; a test compares
//! the cheapest offer of each hotel found here with the one that those compute.

use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Date, Double, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ask::{Ask, Place, Sort};
use crate::db::statement::Statement;
use crate::db::{DbError, sql};
use crate::kernel::clock::Instant;
use crate::kernel::ids::{HotelId, RatePlanId, RoomTypeId};
use crate::kernel::money::Currency;
use crate::rates::plan::MealPlan;

/// A hotel found, with its cheapest offer.
#[derive(Debug, QueryableByName)]
pub struct Found {
    #[diesel(sql_type = SqlUuid)]
    pub hotel_id: HotelId,
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Text)]
    pub city: String,
    #[diesel(sql_type = Text)]
    pub country: String,
    #[diesel(sql_type = Nullable<SmallInt>)]
    pub stars: Option<i16>,
    #[diesel(sql_type = Nullable<Double>)]
    pub lat: Option<f64>,
    #[diesel(sql_type = Nullable<Double>)]
    pub lon: Option<f64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub distance_m: Option<i64>,
    #[diesel(sql_type = Text)]
    pub currency: Currency,
    #[diesel(sql_type = SqlUuid)]
    pub room_type_id: RoomTypeId,
    #[diesel(sql_type = SqlUuid)]
    pub rate_plan_id: RatePlanId,
    #[diesel(sql_type = Text)]
    pub meal_plan: MealPlan,
    #[diesel(sql_type = Bool)]
    pub refundable: bool,
    #[diesel(sql_type = Integer)]
    pub rooms_left: i32,
    /// For all rooms and nights.
    #[diesel(sql_type = BigInt)]
    pub total: i64,
    #[diesel(sql_type = Text)]
    sort_text: String,
    #[diesel(sql_type = BigInt)]
    sort_number: i64,
    #[diesel(sql_type = Timestamptz)]
    pub now: Instant,
}

/// Where a page ended: the sort's key, and the hotel that decides between equals.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct After {
    text: String,
    number: i64,
    hotel_id: Uuid,
}

impl Found {
    /// The cursor's key of this row.
    #[must_use]
    pub fn after(&self) -> After {
        After { text: self.sort_text.clone(), number: self.sort_number, hotel_id: self.hotel_id.0 }
    }
}

/// Hotels that the place and the hotel's own filters leave. `$1` check-in, `$2` check-out, `$3` adults,
/// `$4` children's ages, `$5` rooms, `$6` min stars, `$7` amenities, `$8` latitude, `$9` longitude; the place's own from
/// `$19` on.
const HOTELS: &str = "
WITH place AS (
    SELECT h.hotel_id, h.name, h.city, h.country, h.stars, h.lat, h.lon, h.currency, h.time_zone, h.check_in_time,
           (clock.now AT TIME ZONE h.time_zone)::date AS today, clock.now,
           CASE WHEN $8::float8 IS NOT NULL THEN
               round(1000 * 2 * 6371.0088 * asin(least(1, sqrt(
                   sin(radians(h.lat - $8) / 2) ^ 2
                   + cos(radians($8)) * cos(radians(h.lat)) * sin(radians(h.lon - $9) / 2) ^ 2))))::bigint
           END AS distance_m
    FROM hotels h CROSS JOIN (SELECT clock_timestamp() AS now) clock
    WHERE h.deleted_at IS NULL AND (clock.now AT TIME ZONE h.time_zone)::date <= $1
      AND ($6::smallint IS NULL OR h.stars >= $6)
      AND h.amenities @> $7::text[]";

/// From a hotel to its cheapest offer, hotel by hotel: each is a handful of index look-ups, however many hotels there are
/// and whatever the planner believes of their number. `$10` meal plan, `$11` refundable, `$18` the radius in metres: the
/// box that the index serves has corners that the circle has not.
const CHEAPEST: &str = "
), hotel AS MATERIALIZED (
    SELECT * FROM place WHERE $18::float8 IS NULL OR distance_m <= $18
), found AS (
SELECT h.*, c.* FROM hotel h CROSS JOIN LATERAL (
    WITH lapsed AS MATERIALIZED (
        SELECT n.room_type_id, n.stay_date, sum(n.rooms) AS rooms
        FROM holds o JOIN hold_nights n ON n.hotel_id = o.hotel_id AND n.hold_id = o.hold_id
        WHERE o.hotel_id = h.hotel_id AND o.live_until <= h.now AND n.stay_date >= $1 AND n.stay_date < $2
        GROUP BY n.room_type_id, n.stay_date
    ), stock AS MATERIALIZED (
        SELECT t.room_type_id,
               min(i.capacity - i.out_of_service + i.allowance - i.sold - i.held + coalesce(l.rooms, 0))::int AS rooms_left
        FROM room_types t
        JOIN inventory i ON i.hotel_id = t.hotel_id AND i.room_type_id = t.room_type_id
            AND i.stay_date >= $1 AND i.stay_date < $2 AND NOT i.closed
        LEFT JOIN lapsed l ON l.room_type_id = i.room_type_id AND l.stay_date = i.stay_date
        WHERE t.hotel_id = h.hotel_id AND t.deleted_at IS NULL
          AND t.max_adults >= $3 AND t.max_children >= cardinality($4::smallint[])
          AND t.max_occupancy >= $3 + cardinality($4::smallint[])
        GROUP BY t.room_type_id
        HAVING count(*) = $2 - $1
           AND min(i.capacity - i.out_of_service + i.allowance - i.sold - i.held + coalesce(l.rooms, 0)) >= $5
    ), sheet AS MATERIALIZED (
        SELECT s.room_type_id, s.rooms_left, k.rate_plan_id, night.*
        FROM stock s
        JOIN rate_plan_room_types k
          ON k.hotel_id = h.hotel_id AND k.room_type_id = s.room_type_id AND k.removed_at IS NULL
        CROSS JOIN LATERAL (
            SELECT array_agg(r.price) FILTER (WHERE r.stay_date < $2 AND r.price IS NOT NULL) AS prices,
                   coalesce(bool_or(r.closed) FILTER (WHERE r.stay_date < $2), false)
                   OR coalesce(bool_or(r.closed_to_arrival) FILTER (WHERE r.stay_date = $1), false)
                   OR coalesce(bool_or(r.closed_to_departure) FILTER (WHERE r.stay_date = $2), false) AS closed,
                   max(r.min_stay) FILTER (WHERE r.stay_date = $1) AS min_stay,
                   max(r.max_stay) FILTER (WHERE r.stay_date = $1) AS max_stay
            FROM rates r
            WHERE r.hotel_id = k.hotel_id AND r.rate_plan_id = k.rate_plan_id AND r.room_type_id = k.room_type_id
              AND r.stay_date >= $1 AND r.stay_date <= $2
        ) night
    ), tax AS MATERIALIZED (
        SELECT coalesce(array_agg(x.percent) FILTER (WHERE x.included AND x.kind = 'percent'), '{}') AS included,
               coalesce(sum(x.percent) FILTER (WHERE x.included), 0) AS included_percent,
               coalesce(sum(flat.amount) FILTER (WHERE x.included), 0) AS included_flat,
               coalesce(array_agg(x.percent) FILTER (WHERE NOT x.included AND x.kind = 'percent'), '{}') AS added,
               coalesce(sum(flat.amount) FILTER (WHERE NOT x.included), 0) AS added_flat
        FROM taxes x
        CROSS JOIN LATERAL (
            SELECT CASE x.kind WHEN 'per_night' THEN x.amount
                               WHEN 'per_person_night' THEN x.amount::numeric * ($3 + cardinality($4::smallint[]))
                   END AS amount) flat
        WHERE x.hotel_id = h.hotel_id AND x.deleted_at IS NULL
    )
    SELECT own.room_type_id, own.rate_plan_id, own.rooms_left, p.meal_plan, ($5 * stay.total)::bigint AS total
    FROM sheet own
    JOIN rate_plans p ON p.hotel_id = h.hotel_id AND p.rate_plan_id = own.rate_plan_id AND p.deleted_at IS NULL
    JOIN sheet base ON base.room_type_id = own.room_type_id
        AND base.rate_plan_id = coalesce(p.derived_from, p.rate_plan_id) AND cardinality(base.prices) = $2 - $1
    CROSS JOIN tax
    CROSS JOIN LATERAL (
        SELECT CASE WHEN cardinality($4::smallint[]) = 0 THEN 0 ELSE (
            SELECT coalesce(sum((SELECT b.amount FROM child_bands b
                                 WHERE b.hotel_id = p.hotel_id AND b.rate_plan_id = p.rate_plan_id AND b.max_age >= age
                                 ORDER BY b.max_age LIMIT 1)), 0)
            FROM unnest($4::smallint[]) AS age) END AS supplement) children
    CROSS JOIN LATERAL (
        SELECT min(net.base) AS least,
               sum(night.price + tax.added_flat
                   + CASE WHEN cardinality(tax.added) = 0 THEN 0 ELSE (
                       SELECT sum(round(net.base * percent / 100)) FROM unnest(tax.added) AS percent) END) AS total
        FROM unnest(base.prices) AS stored,
             LATERAL (SELECT children.supplement + greatest(0, CASE
                          WHEN p.derived_percent IS NULL THEN stored + coalesce(p.derived_amount, 0)
                          ELSE round(stored * (100 + p.derived_percent) / 100) END) AS price) night,
             LATERAL (SELECT night.price - tax.included_flat - CASE WHEN cardinality(tax.included) = 0 THEN 0 ELSE (
                          SELECT sum(round((night.price - tax.included_flat) * percent / (100 + tax.included_percent)))
                          FROM unnest(tax.included) AS percent) END AS base) net
    ) stay
    WHERE NOT own.closed AND stay.least >= 0
      AND ($10::text IS NULL OR p.meal_plan = $10)
      AND $1 - h.today >= coalesce(p.min_advance_days, 0) AND $1 - h.today <= coalesce(p.max_advance_days, 32767)
      AND $2 - $1 >= coalesce(own.min_stay, p.min_stay, 1) AND $2 - $1 <= coalesce(own.max_stay, p.max_stay, 99)
      AND ($11::bool IS NULL OR $11 = {refundable})
    ORDER BY total, own.room_type_id, own.rate_plan_id
    LIMIT 1
) c)";

/// Whether a deadline without penalty of plan `{plan}` is still ahead.
const REFUNDABLE: &str = "EXISTS (
    SELECT 1 FROM cancellation_tiers t
    WHERE t.hotel_id = h.hotel_id AND t.rate_plan_id = {plan}
      AND (t.penalty_percent = 0 OR t.penalty_nights = 0 OR t.penalty_amount = 0)
      AND ($1::date + h.check_in_time) AT TIME ZONE h.time_zone
          - t.until_hours_before_check_in * interval '1 hour' > h.now)";

/// From cheapest offers to a page; `{text}` and `{number}` are the sort's key. `$12` and `$13` the most it may cost,
/// `$14` to `$16` the cursor, `$17` the rows.
const PAGE: &str = "
SELECT h.hotel_id, h.name, h.city, h.country, h.stars, h.lat, h.lon, h.distance_m, h.currency, h.now,
       h.room_type_id, h.rate_plan_id, h.meal_plan, {refundable} AS refundable, h.rooms_left, h.total,
       ({text})::text AS sort_text, ({number})::bigint AS sort_number
FROM found h
WHERE ($12::bigint IS NULL OR (h.total <= $12 AND h.currency = $13))
  AND ($14::text IS NULL OR (({text})::text COLLATE \"C\", ({number})::bigint, h.hotel_id) > ($14 COLLATE \"C\", $15::bigint, $16::uuid))
ORDER BY ({text})::text COLLATE \"C\", ({number})::bigint, h.hotel_id
LIMIT $17";

fn sort_key(sort: Sort) -> (&'static str, &'static str) {
    match sort {
        Sort::Price => ("h.currency", "h.total"),
        Sort::Stars => ("''", "-coalesce(h.stars, 0)"),
        Sort::Distance => ("''", "h.distance_m"),
        Sort::Name => ("h.name", "0"),
    }
}

fn place_filter(place: &Place) -> &'static str {
    match place {
        Place::City { .. } => " AND h.country = $19 AND h.city_key = $20",
        Place::Hotels(_) => " AND h.hotel_id = ANY ($19)",
        Place::Around(circle) if circle.bounds().wraps => {
            " AND h.lat BETWEEN $19 AND $20 AND (h.lon >= $21 OR h.lon <= $22)"
        }
        Place::Around(_) => " AND h.lat BETWEEN $19 AND $20 AND h.lon BETWEEN $21 AND $22",
    }
}

/// The statement for an ask.
fn statement(ask: &Ask) -> String {
    let (text, number) = sort_key(ask.sort);
    let cheapest = CHEAPEST.replace("{refundable}", &REFUNDABLE.replace("{plan}", "p.rate_plan_id"));
    let refundable = REFUNDABLE.replace("{plan}", "h.rate_plan_id");
    let page = PAGE.replace("{refundable}", &refundable).replace("{text}", text).replace("{number}", number);
    format!("{HOTELS}{}{cheapest}{page}", place_filter(&ask.place))
}

/// One row more than the page has, so that the caller knows whether there is another.
pub fn find(conn: &mut PgConnection, ask: &Ask, after: Option<After>) -> Result<Vec<Found>, DbError> {
    let circle = match ask.place {
        Place::Around(circle) => Some(circle),
        Place::City { .. } | Place::Hotels(_) => None,
    };
    let (after_hotel, after) =
        (after.as_ref().map(|after| after.hotel_id), after.map(|after| (after.text, after.number)));
    let (after_text, after_number) = after.unzip();
    let query = sql(statement(ask))
        .bind::<Date, _>(ask.stay.check_in())
        .bind::<Date, _>(ask.stay.check_out())
        .bind::<Integer, _>(i32::from(ask.party.adults))
        .bind::<Array<SmallInt>, _>(ask.party.children_ages.clone())
        .bind::<Integer, _>(i32::from(ask.party.rooms))
        .bind::<Nullable<SmallInt>, _>(ask.min_stars)
        .bind::<Array<Text>, _>(ask.amenities.clone())
        .bind::<Nullable<Double>, _>(circle.map(|circle| circle.lat))
        .bind::<Nullable<Double>, _>(circle.map(|circle| circle.lon))
        .bind::<Nullable<Text>, _>(ask.meal_plan)
        .bind::<Nullable<Bool>, _>(ask.refundable)
        .bind::<Nullable<BigInt>, _>(ask.max_price.map(|(amount, _)| amount))
        .bind::<Nullable<Text>, _>(ask.max_price.map(|(_, currency)| currency))
        .bind::<Nullable<Text>, _>(after_text)
        .bind::<Nullable<BigInt>, _>(after_number)
        .bind::<Nullable<SqlUuid>, _>(after_hotel)
        .bind::<BigInt, _>(ask.limit + 1)
        .bind::<Nullable<Double>, _>(circle.map(|circle| circle.radius_km * 1000.0));
    Ok(bind_place(query, &ask.place).load(conn)?)
}

fn bind_place(query: Statement, place: &Place) -> Statement {
    match place {
        Place::City { key, country } => query.bind::<Text, _>(country.clone()).bind::<Text, _>(key.clone()),
        Place::Hotels(ids) => query.bind::<Array<SqlUuid>, _>(ids.clone()),
        Place::Around(circle) => {
            let bounds = circle.bounds();
            query
                .bind::<Double, _>(bounds.south)
                .bind::<Double, _>(bounds.north)
                .bind::<Double, _>(bounds.west)
                .bind::<Double, _>(bounds.east)
        }
    }
}
