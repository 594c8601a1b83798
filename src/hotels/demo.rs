//! The demo catalogue: 40 hotels in 8 cities, the same on every machine, with 400 nights from each hotel's own today.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Text, Uuid as SqlUuid};
use uuid::{Builder, Uuid};

use super::place::city_key;
use super::store;
use crate::db::{Db, DbError, Tx, tx as transaction};
use crate::kernel::ids::HotelId;
use crate::schema::{cancellation_tiers, hotels, rate_plan_room_types, rate_plans, room_types, taxes};

/// Nights on sale.
const NIGHTS: i32 = 400;
/// Bulk work may take longer than a request.
const PATIENCE: Duration = Duration::from_secs(120);

struct City {
    name: &'static str,
    country: &'static str,
    time_zone: &'static str,
    currency: &'static str,
    lat: f64,
    lon: f64,
    /// A standard room on a plain night, in minor units.
    standard: i64,
    /// What prices are rounded to, in minor units.
    unit: i64,
    /// (name, percent, included).
    sales_tax: (&'static str, i64, bool),
    /// (name, per person and night in minor units).
    city_tax: Option<(&'static str, i64)>,
}

const CITIES: [City; 8] = [
    City {
        name: "Paris",
        country: "FR",
        time_zone: "Europe/Paris",
        currency: "EUR",
        lat: 48.8566,
        lon: 2.3522,
        standard: 14_500,
        unit: 100,
        sales_tax: ("TVA", 10, true),
        city_tax: Some(("Taxe de séjour", 288)),
    },
    City {
        name: "London",
        country: "GB",
        time_zone: "Europe/London",
        currency: "GBP",
        lat: 51.5074,
        lon: -0.1278,
        standard: 13_900,
        unit: 100,
        sales_tax: ("VAT", 20, true),
        city_tax: None,
    },
    City {
        name: "Lisboa",
        country: "PT",
        time_zone: "Europe/Lisbon",
        currency: "EUR",
        lat: 38.7223,
        lon: -9.1393,
        standard: 9_800,
        unit: 100,
        sales_tax: ("IVA", 6, true),
        city_tax: Some(("Taxa turística", 400)),
    },
    City {
        name: "New York",
        country: "US",
        time_zone: "America/New_York",
        currency: "USD",
        lat: 40.7128,
        lon: -74.0060,
        standard: 21_000,
        unit: 100,
        sales_tax: ("Sales and occupancy tax", 14, false),
        city_tax: None,
    },
    City {
        name: "São Paulo",
        country: "BR",
        time_zone: "America/Sao_Paulo",
        currency: "BRL",
        lat: -23.5505,
        lon: -46.6333,
        standard: 42_000,
        unit: 100,
        sales_tax: ("ISS", 5, false),
        city_tax: None,
    },
    City {
        name: "Tokyo",
        country: "JP",
        time_zone: "Asia/Tokyo",
        currency: "JPY",
        lat: 35.6762,
        lon: 139.6503,
        standard: 17_000,
        unit: 100,
        sales_tax: ("Consumption tax", 10, true),
        city_tax: Some(("Accommodation tax", 200)),
    },
    City {
        name: "Manama",
        country: "BH",
        time_zone: "Asia/Bahrain",
        currency: "BHD",
        lat: 26.2285,
        lon: 50.5860,
        standard: 42_000,
        unit: 500,
        sales_tax: ("VAT", 10, false),
        city_tax: None,
    },
    City {
        name: "Sydney",
        country: "AU",
        time_zone: "Australia/Sydney",
        currency: "AUD",
        lat: -33.8688,
        lon: 151.2093,
        standard: 24_000,
        unit: 100,
        sales_tax: ("GST", 10, true),
        city_tax: None,
    },
];

/// (name, stars, percent of the city's standard price).
const HOTELS: [(&str, i16, i64); 5] =
    [("Garden Inn", 2, 70), ("Central", 3, 100), ("Riverside", 4, 130), ("Grand", 5, 210), ("Station", 3, 85)];

struct Room {
    name: &'static str,
    adults: i16,
    children: i16,
    occupancy: i16,
    capacity: i32,
    percent: i64,
}

const ROOMS: [Room; 3] = [
    Room { name: "Standard double", adults: 2, children: 1, occupancy: 3, capacity: 20, percent: 100 },
    Room { name: "Superior double", adults: 2, children: 2, occupancy: 4, capacity: 10, percent: 140 },
    Room { name: "Family suite", adults: 4, children: 3, occupancy: 6, capacity: 2, percent: 230 },
];

/// Fills a database that has no hotel at all; false: it has one.
pub async fn fill(db: &Db) -> Result<bool, DbError> {
    let db = db.with_patience(PATIENCE);
    db.write(|tx| {
        transaction::allow(tx, PATIENCE, PATIENCE)?;
        // Two processes on one empty database: the second waits here, and then finds the first one's hotels.
        diesel::sql_query("LOCK TABLE hotels IN SHARE ROW EXCLUSIVE MODE").execute(&mut **tx)?;
        if store::any(tx)? {
            return Ok(false);
        }
        for (city_no, city) in (0i64..).zip(&CITIES) {
            for (hotel_no, hotel) in (0i64..).zip(&HOTELS) {
                insert(tx, city, *hotel, city_no * 10 + hotel_no)?;
            }
        }
        diesel::sql_query("ANALYZE hotels, room_types, rate_plans, rates, inventory").execute(&mut **tx)?;
        Ok(true)
    })
    .await
}

/// An id that is the same on every machine: a UUIDv7 of a fixed day, counting up.
fn id(hotel_no: i64, part: u8) -> Uuid {
    let mut bytes = [0u8; 10];
    for (to, from) in bytes.iter_mut().rev().skip(1).zip(hotel_no.to_be_bytes().into_iter().rev()) {
        *to = from;
    }
    if let Some(last) = bytes.last_mut() {
        *last = part;
    }
    Builder::from_unix_timestamp_millis(1_767_225_600_000, &bytes).into_uuid()
}

fn insert(tx: &mut Tx<'_>, city: &City, hotel: (&str, i16, i64), hotel_no: i64) -> Result<(), DbError> {
    let (name, stars, percent) = hotel;
    let hotel_id = HotelId(id(hotel_no, 0));
    let amenities: &[&str] = match stars {
        2 => &["wifi"],
        3 => &["wifi", "breakfast_room"],
        4 => &["wifi", "breakfast_room", "gym", "bar"],
        _ => &["wifi", "breakfast_room", "gym", "bar", "pool", "spa"],
    };
    // Hotels of a city stand about a kilometre apart.
    let offset = f64::from(stars) * 0.01 - 0.03;
    diesel::insert_into(hotels::table)
        .values((
            hotels::hotel_id.eq(hotel_id),
            hotels::name.eq(format!("{} {name}", city.name)),
            hotels::city.eq(city.name),
            hotels::city_key.eq(city_key(city.name)),
            hotels::country.eq(city.country),
            hotels::time_zone.eq(city.time_zone),
            hotels::currency.eq(city.currency),
            hotels::lat.eq(city.lat + offset),
            hotels::lon.eq(city.lon - offset),
            hotels::stars.eq(stars),
            hotels::amenities.eq(amenities),
            hotels::horizon_days.eq(NIGHTS),
        ))
        .execute(&mut **tx)?;
    let rooms = insert_rooms(tx, hotel_id, hotel_no)?;
    insert_taxes(tx, city, hotel_id, hotel_no)?;
    let flexible = insert_plans(tx, city, hotel_id, hotel_no, &rooms)?;
    insert_nights(tx, city, hotel_id, flexible, &rooms, percent, hotel_no)
}

fn insert_rooms(tx: &mut Tx<'_>, hotel_id: HotelId, hotel_no: i64) -> Result<Vec<Uuid>, DbError> {
    let mut ids = Vec::new();
    for (part, room) in (10u8..).zip(&ROOMS) {
        diesel::insert_into(room_types::table)
            .values((
                room_types::hotel_id.eq(hotel_id),
                room_types::room_type_id.eq(id(hotel_no, part)),
                room_types::name.eq(room.name),
                room_types::max_adults.eq(room.adults),
                room_types::max_children.eq(room.children),
                room_types::max_occupancy.eq(room.occupancy),
            ))
            .execute(&mut **tx)?;
        ids.push(id(hotel_no, part));
    }
    Ok(ids)
}

fn insert_taxes(tx: &mut Tx<'_>, city: &City, hotel_id: HotelId, hotel_no: i64) -> Result<(), DbError> {
    let (name, percent, included) = city.sales_tax;
    diesel::insert_into(taxes::table)
        .values((
            taxes::hotel_id.eq(hotel_id),
            taxes::tax_id.eq(id(hotel_no, 20)),
            taxes::name.eq(name),
            taxes::kind.eq("percent"),
            taxes::percent.eq(rust_decimal::Decimal::from(percent)),
            taxes::included.eq(included),
            taxes::due.eq("now"),
        ))
        .execute(&mut **tx)?;
    if let Some((name, amount)) = city.city_tax {
        diesel::insert_into(taxes::table)
            .values((
                taxes::hotel_id.eq(hotel_id),
                taxes::tax_id.eq(id(hotel_no, 21)),
                taxes::name.eq(name),
                taxes::kind.eq("per_person_night"),
                taxes::amount.eq(amount),
                taxes::included.eq(false),
                taxes::due.eq("at_property"),
            ))
            .execute(&mut **tx)?;
    }
    Ok(())
}

/// (part, name, meals, payment, percent, amount, free until hours before, first night until hours before).
type Plan = (u8, &'static str, &'static str, &'static str, Option<i64>, Option<i64>, Option<i32>, Option<i32>);

/// Flexible; non-refundable and breakfast derived from it; and one that is paid at the property.
fn insert_plans(
    tx: &mut Tx<'_>,
    city: &City,
    hotel_id: HotelId,
    hotel_no: i64,
    rooms: &[Uuid],
) -> Result<Uuid, DbError> {
    let flexible = id(hotel_no, 30);
    let breakfast = city.standard * 12 / 100 / city.unit * city.unit;
    let plans: [Plan; 4] = [
        (30, "Flexible", "room_only", "prepaid", None, None, Some(48), Some(24)),
        (31, "Non-refundable", "room_only", "prepaid", Some(-12), None, None, None),
        (32, "Flexible with breakfast", "breakfast", "prepaid", None, Some(breakfast), Some(48), Some(24)),
        (33, "Pay at the property", "room_only", "pay_at_property", Some(6), None, Some(18), None),
    ];
    for (part, name, meals, payment, percent, amount, free_until, night_until) in plans {
        let plan = id(hotel_no, part);
        diesel::insert_into(rate_plans::table)
            .values((
                rate_plans::hotel_id.eq(hotel_id),
                rate_plans::rate_plan_id.eq(plan),
                rate_plans::name.eq(name),
                rate_plans::meal_plan.eq(meals),
                rate_plans::payment_policy.eq(payment),
                rate_plans::derived_from.eq((plan != flexible).then_some(flexible)),
                rate_plans::derived_percent.eq(percent.map(rust_decimal::Decimal::from)),
                rate_plans::derived_amount.eq(amount),
            ))
            .execute(&mut **tx)?;
        for (hours, nights) in [(free_until, 0i16), (night_until, 1)] {
            let Some(hours) = hours else { continue };
            diesel::insert_into(cancellation_tiers::table)
                .values((
                    cancellation_tiers::hotel_id.eq(hotel_id),
                    cancellation_tiers::rate_plan_id.eq(plan),
                    cancellation_tiers::until_hours_before_check_in.eq(hours),
                    cancellation_tiers::penalty_nights.eq(nights),
                ))
                .execute(&mut **tx)?;
        }
        let sold: Vec<_> = rooms
            .iter()
            .map(|room| {
                (
                    rate_plan_room_types::hotel_id.eq(hotel_id),
                    rate_plan_room_types::rate_plan_id.eq(plan),
                    rate_plan_room_types::room_type_id.eq(room),
                )
            })
            .collect();
        diesel::insert_into(rate_plan_room_types::table).values(sold).execute(&mut **tx)?;
    }
    Ok(flexible)
}

/// Stock and prices: a fifth more on Fridays and Saturdays, a quarter more from June to August, a tenth less from
/// November to February. The flexible plan of every fourth hotel of a city wants two nights from a Friday, that of every
/// fifth takes no arrivals on Sundays; plans that derive from it have restrictions of their own, and here none.
fn insert_nights(
    tx: &mut Tx<'_>,
    city: &City,
    hotel_id: HotelId,
    flexible: Uuid,
    rooms: &[Uuid],
    percent: i64,
    hotel_no: i64,
) -> Result<(), DbError> {
    let capacities: Vec<i32> = ROOMS.iter().map(|room| room.capacity).collect();
    diesel::sql_query(
        "INSERT INTO inventory (hotel_id, room_type_id, stay_date, capacity)
         SELECT $1, room.id, (clock_timestamp() AT TIME ZONE $4)::date + night, room.capacity
         FROM unnest($2, $3) AS room (id, capacity), generate_series(0, $5 - 1) AS night",
    )
    .bind::<SqlUuid, _>(hotel_id)
    .bind::<Array<SqlUuid>, _>(rooms)
    .bind::<Array<Integer>, _>(capacities)
    .bind::<Text, _>(city.time_zone)
    .bind::<Integer, _>(NIGHTS)
    .execute(&mut **tx)?;
    let prices: Vec<i64> = ROOMS.iter().map(|room| city.standard * percent * room.percent / 10_000).collect();
    diesel::sql_query(
        "INSERT INTO rates (hotel_id, rate_plan_id, room_type_id, stay_date, price, min_stay, closed_to_arrival)
         SELECT $1, $2, room.id, night.date,
                round(room.price
                      * CASE WHEN extract(isodow FROM night.date) IN (5, 6) THEN 1.2 ELSE 1 END
                      * CASE WHEN extract(month FROM night.date) IN (6, 7, 8) THEN 1.25
                             WHEN extract(month FROM night.date) IN (11, 12, 1, 2) THEN 0.9 ELSE 1 END / $5)::bigint * $5,
                CASE WHEN $7 = 3 AND extract(isodow FROM night.date) = 5 THEN 2 END,
                $7 = 4 AND extract(isodow FROM night.date) = 7
         FROM unnest($3, $4) AS room (id, price),
              (SELECT (clock_timestamp() AT TIME ZONE $6)::date + n AS date FROM generate_series(0, $8 - 1) AS n) night",
    )
    .bind::<SqlUuid, _>(hotel_id)
    .bind::<SqlUuid, _>(flexible)
    .bind::<Array<SqlUuid>, _>(rooms)
    .bind::<Array<BigInt>, _>(prices)
    .bind::<BigInt, _>(city.unit)
    .bind::<Text, _>(city.time_zone)
    .bind::<BigInt, _>(hotel_no % 10)
    .bind::<Integer, _>(NIGHTS)
    .execute(&mut **tx)?;
    Ok(())
}
