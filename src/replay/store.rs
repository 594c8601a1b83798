//! SQL of the replay: the hotel it makes, and what the stock says in the end. Bookings are made elsewhere.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date, Integer, Text, Uuid as SqlUuid};

use super::hotel::{House, Plan};
use crate::db::{DbError, Tx, sql};
use crate::kernel::ids::{HotelId, RoomTypeId};
use crate::rates::plan::{MealPlan, PaymentPolicy};
use crate::schema::{hotels, rate_plan_room_types, rate_plans, room_types};

/// Inserts the hotel with all that belongs to it. Where it stood is not in the history: its country is `ZZ`, the code for
/// an unknown one, and its clock UTC. It has no horizon, so no night is ever added.
pub(super) fn open(tx: &mut Tx<'_>, house: &House, plan: &Plan) -> Result<(), DbError> {
    let hotel_id = house.hotel_id;
    diesel::insert_into(hotels::table)
        .values((
            hotels::hotel_id.eq(hotel_id),
            hotels::name.eq(&plan.name),
            hotels::city.eq("Replay"),
            hotels::city_key.eq("replay"),
            hotels::country.eq("ZZ"),
            hotels::time_zone.eq("UTC"),
            hotels::currency.eq(house.currency),
            hotels::horizon_days.eq(0),
        ))
        .execute(&mut **tx)?;
    diesel::insert_into(rate_plans::table)
        .values((
            rate_plans::hotel_id.eq(hotel_id),
            rate_plans::rate_plan_id.eq(house.rate_plan_id),
            rate_plans::name.eq("As it was booked"),
            rate_plans::meal_plan.eq(MealPlan::RoomOnly),
            rate_plans::payment_policy.eq(PaymentPolicy::PayAtProperty),
        ))
        .execute(&mut **tx)?;
    for (room_type_id, (name, _)) in house.room_types.iter().zip(&plan.room_types) {
        diesel::insert_into(room_types::table)
            .values((
                room_types::hotel_id.eq(hotel_id),
                room_types::room_type_id.eq(room_type_id),
                room_types::name.eq(name),
                room_types::max_adults.eq(plan.max_adults),
                room_types::max_children.eq(0),
                room_types::max_occupancy.eq(plan.max_adults),
            ))
            .execute(&mut **tx)?;
        diesel::insert_into(rate_plan_room_types::table)
            .values((
                rate_plan_room_types::hotel_id.eq(hotel_id),
                rate_plan_room_types::rate_plan_id.eq(house.rate_plan_id),
                rate_plan_room_types::room_type_id.eq(room_type_id),
            ))
            .execute(&mut **tx)?;
    }
    nights(tx, house, plan)
}

fn nights(tx: &mut Tx<'_>, house: &House, plan: &Plan) -> Result<(), DbError> {
    let night = |(room_type, night): &(usize, NaiveDate)| {
        let (_, rooms) = plan.room_types.get(*room_type)?;
        Some(((*house.room_types.get(*room_type)?, *night), i32::try_from(*rooms).ok()?))
    };
    let (nights, rooms): (Vec<_>, Vec<i32>) = plan.nights.iter().filter_map(night).unzip();
    let (room_types, dates): (Vec<RoomTypeId>, Vec<NaiveDate>) = nights.into_iter().unzip();
    sql("INSERT INTO inventory (hotel_id, room_type_id, stay_date, capacity)
         SELECT $1, room_type_id, stay_date, rooms FROM unnest($2, $3, $4) AS night (room_type_id, stay_date, rooms)")
    .bind::<SqlUuid, _>(house.hotel_id)
    .bind::<Array<SqlUuid>, _>(room_types)
    .bind::<Array<Date>, _>(dates)
    .bind::<Array<Integer>, _>(rooms)
    .execute(&mut **tx)?;
    Ok(())
}

/// Tells the planner how much stock there is.
pub(super) fn analyze(tx: &mut Tx<'_>) -> Result<(), DbError> {
    diesel::sql_query("ANALYZE inventory").execute(&mut **tx)?;
    Ok(())
}

/// What the stock says of a room type.
#[derive(Debug, QueryableByName)]
pub(super) struct Sold {
    #[diesel(sql_type = Text)]
    pub room_type: String,
    /// Rooms sold on its busiest night.
    #[diesel(sql_type = Integer)]
    pub most: i32,
    #[diesel(sql_type = BigInt)]
    pub room_nights: i64,
}

/// What of the stock is sold, by room type.
pub(super) fn sold(conn: &mut PgConnection, hotel_id: HotelId) -> Result<Vec<Sold>, DbError> {
    Ok(sql("SELECT t.name AS room_type, coalesce(max(i.sold), 0) AS most, coalesce(sum(i.sold), 0) AS room_nights
         FROM room_types t LEFT JOIN inventory i USING (hotel_id, room_type_id)
         WHERE t.hotel_id = $1 GROUP BY t.room_type_id, t.name")
    .bind::<SqlUuid, _>(hotel_id)
    .load(conn)?)
}
