//! The random hotels as rows.

use std::fmt::Display;

use chrono::{Days, NaiveDate};
use uuid::Uuid;

use super::world::{House, Kind, Plan, Step, World};

/// Ids in the order of room types and plans; a hotel's alone.
pub fn room_type_id(room: usize) -> Uuid {
    Uuid::from_u128(0x1000 + u128::try_from(room).expect("a few"))
}

pub fn rate_plan_id(plan: usize) -> Uuid {
    Uuid::from_u128(0x2000 + u128::try_from(plan).expect("a few"))
}

fn null<T: Display>(value: Option<T>) -> String {
    value.map_or_else(|| "NULL".to_owned(), |value| value.to_string())
}

/// Thousandths as a decimal number.
fn decimal(thousandths: i64) -> String {
    let sign = if thousandths < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", thousandths.abs() / 1000, thousandths.abs() % 1000)
}

/// Rows of one table.
struct Rows<'s> {
    sql: &'s mut Vec<String>,
    hotel_id: Uuid,
}

impl Rows<'_> {
    fn add(&mut self, table: &str, columns: &str, values: &str) {
        let hotel_id = self.hotel_id;
        self.sql.push(format!("INSERT INTO {table} (hotel_id, {columns}) VALUES ('{hotel_id}', {values});"));
    }
}

/// What inserts the world's hotels, each with an id and the name of its zone.
pub fn sql(world: &World, hotel_ids: &[Uuid], zone: &str, today: NaiveDate) -> String {
    let mut sql = Vec::new();
    for (house, hotel_id) in world.houses.iter().zip(hotel_ids) {
        let mut rows = Rows { sql: &mut sql, hotel_id: *hotel_id };
        // No night is added to those of the world.
        let values = format!("'Random', 'Nowhere', 'nowhere', 'FR', '{zone}', '{}', 0", house.currency);
        rows.add("hotels", "name, city, city_key, country, time_zone, currency, horizon_days", &values);
        stock(&mut rows, house, today);
        for (number, plan) in house.plans.iter().enumerate() {
            one_plan(&mut rows, house, number, plan, today);
        }
        for (number, tax) in house.taxes.iter().enumerate() {
            let (kind, percent, amount) = match tax.kind {
                Kind::Percent => ("percent", decimal(tax.value), "NULL".to_owned()),
                Kind::PerNight => ("per_night", "NULL".to_owned(), tax.value.to_string()),
                Kind::PerPersonNight => ("per_person_night", "NULL".to_owned(), tax.value.to_string()),
            };
            let (id, due) = (Uuid::now_v7(), if tax.at_property { "at_property" } else { "now" });
            let deleted = if tax.deleted { "now()" } else { "NULL" };
            let values =
                format!("'{id}', 'Tax {number}', '{kind}', {percent}, {amount}, {}, '{due}', {deleted}", tax.included);
            rows.add("taxes", "tax_id, name, kind, percent, amount, included, due, deleted_at", &values);
        }
    }
    sql.join("\n")
}

/// A hold that waits, one that is being paid past its expiry, and one that has expired.
fn holds(rows: &mut Rows<'_>) -> [Uuid; 3] {
    let ids = [0; 3].map(|_| Uuid::now_v7());
    for (id, hours) in ids.iter().zip([1, -1, -1]) {
        let values = format!("'{id}', gen_random_uuid(), 'EUR', 0, 0, 0, now() + interval '{hours} hours'");
        rows.add("holds", "hold_id, user_id, currency, total, due_now, due_at_property, expires_at", &values);
    }
    let paying = ids[1];
    let payment = format!("'{paying}', '{paying}', gen_random_uuid(), 1, 0, 'EUR'");
    rows.add("payments", "payment_id, hold_id, user_id, amount, tax_amount, currency", &payment);
    // Settled for the completer, so that it leaves it alone.
    let attempt = format!("'{paying}', '{paying}', 'simulator', '{paying}', 'pm_card_visa', 'settled', now()");
    let columns = "attempt_id, payment_id, provider, provider_key, payment_method, recovery_point, lease_until";
    rows.add("payment_attempts", columns, &attempt);
    rows.sql.push(format!(
        "UPDATE holds SET status = 'paying', paying_until = now() + interval '1 hour', current_attempt = hold_id
         WHERE hold_id = '{paying}';"
    ));
    ids
}

fn stock(rows: &mut Rows<'_>, house: &House, today: NaiveDate) {
    let hold_ids = holds(rows);
    for (number, room) in house.rooms.iter().enumerate() {
        let id = room_type_id(number);
        let values = format!("'{id}', 'Room', {}, {}, {}", room.max_adults, room.max_children, room.max_occupancy);
        rows.add("room_types", "room_type_id, name, max_adults, max_children, max_occupancy", &values);
        for (date, stock) in dated(&room.stock, today) {
            let held: i32 = stock.held.iter().sum();
            let numbers =
                [stock.capacity, stock.out_of_service, stock.allowance, held, stock.sold].map(|n| n.to_string());
            let values = format!("'{id}', '{date}', {}, {}", numbers.join(", "), stock.closed);
            rows.add(
                "inventory",
                "room_type_id, stay_date, capacity, out_of_service, allowance, held, sold, closed",
                &values,
            );
            for (hold_id, rooms) in hold_ids.iter().zip(stock.held).filter(|(_, rooms)| *rooms > 0) {
                let values = format!("'{hold_id}', '{id}', '{date}', {rooms}");
                rows.add("hold_nights", "hold_id, room_type_id, stay_date, rooms", &values);
            }
        }
    }
}

fn one_plan(rows: &mut Rows<'_>, house: &House, number: usize, plan: &Plan, today: NaiveDate) {
    let id = rate_plan_id(number);
    let (base, percent, amount) = match plan.base {
        None => (None, None, None),
        Some((base, Step::Percent(percent))) => (Some(base), Some(decimal(percent)), None),
        Some((base, Step::Amount(amount))) => (Some(base), None, Some(amount)),
    };
    let base = null(base.map(|base| format!("'{}'", rate_plan_id(base))));
    let policy = if plan.at_property { "pay_at_property" } else { "prepaid" };
    let limits = [plan.min_stay, plan.max_stay, plan.min_advance, plan.max_advance].map(null).join(", ");
    let deleted = if plan.deleted { "now()" } else { "NULL" };
    rows.add(
        "rate_plans",
        "rate_plan_id, name, meal_plan, payment_policy, derived_from, derived_percent, derived_amount, min_stay, \
         max_stay, min_advance_days, max_advance_days, deleted_at",
        &format!(
            "'{id}', 'Plan', 'room_only', '{policy}', {base}, {}, {}, {limits}, {deleted}",
            null(percent),
            null(amount)
        ),
    );
    for (max_age, amount) in &plan.bands {
        rows.add("child_bands", "rate_plan_id, max_age, amount", &format!("'{id}', {max_age}, {amount}"));
    }
    for room in (0..house.rooms.len()).filter(|room| plan.sells[*room]) {
        let room_type = room_type_id(room);
        rows.add("rate_plan_room_types", "rate_plan_id, room_type_id", &format!("'{id}', '{room_type}'"));
        for (date, rate) in dated(&plan.rates[room], today) {
            let lengths = [rate.min_stay, rate.max_stay].map(null).join(", ");
            let words = [rate.closed, rate.no_arrival, rate.no_departure].map(|word| word.to_string()).join(", ");
            rows.add(
                "rates",
                "rate_plan_id, room_type_id, stay_date, price, min_stay, max_stay, closed, closed_to_arrival, closed_to_departure",
                &format!("'{id}', '{room_type}', '{date}', {}, {lengths}, {words}", null(rate.price)),
            );
        }
    }
}

/// The days that are there, with their dates.
fn dated<T>(days: &[Option<T>], today: NaiveDate) -> impl Iterator<Item = (NaiveDate, &T)> {
    (0..).zip(days).filter_map(move |(day, what)| Some((today + Days::new(day), what.as_ref()?)))
}
