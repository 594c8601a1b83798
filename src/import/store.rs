//! SQL of the import: what is known already, and a COPY a table.

use std::collections::HashSet;
use std::io::Write;
use std::time::Duration;

use chrono::NaiveDate;
use diesel::pg::CopyFormat;
use diesel::prelude::*;

use super::hotel::HotelLine;
use super::recipe::{PLANS, Recipe, VAT_PERCENT, room_kinds};
use crate::audit::{self, Action, Actor};
use crate::db::{DbError, Tx, tx as transaction};
use crate::hotels::admin::store as admin;
use crate::hotels::place::city_key;
use crate::kernel::clock::{Instant, today_in};
use crate::kernel::ids::HotelId;
use crate::schema::{
    cancellation_tiers, hotels, inventory, rate_plan_room_types, rate_plans, rates, room_types, taxes,
};

/// Bulk work may take longer than a request.
const PATIENCE: Duration = Duration::from_secs(300);

/// Rows of one table, as CSV for COPY.
type Rows = csv::Writer<Vec<u8>>;

/// COPY FROM of finished rows.
macro_rules! copy_rows {
    ($tx:expr, $rows:expr, $table:expr, $columns:expr) => {{
        let bytes = $rows.into_inner().map_err(|error| DbError::invariant(error.to_string()))?;
        diesel::copy_from($table)
            .from_raw_data($columns, |copy: &mut dyn Write| {
                copy.write_all(&bytes).map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))
            })
            .with_format(CopyFormat::Csv)
            .execute(&mut **$tx)?;
    }};
}

/// A batch as it will be copied.
struct Sheets {
    hotels: Rows,
    room_types: Rows,
    plans: Rows,
    sold: Rows,
    tiers: Rows,
    taxes: Rows,
    inventory: Rows,
    rates: Rows,
    count: u64,
}

/// Keeps other importers out until the transaction ends; guests and their holds go on.
pub fn begin(tx: &mut Tx<'_>) -> Result<(), DbError> {
    transaction::allow(tx, PATIENCE, PATIENCE)?;
    diesel::sql_query("LOCK TABLE hotels IN SHARE ROW EXCLUSIVE MODE").execute(&mut **tx)?;
    Ok(())
}

/// Which of the keys have a hotel.
pub fn known(tx: &mut Tx<'_>, keys: &[&str]) -> Result<HashSet<String>, DbError> {
    let known: Vec<Option<String>> =
        hotels::table.filter(hotels::external_key.eq_any(keys)).select(hotels::external_key).load(&mut **tx)?;
    Ok(known.into_iter().flatten().collect())
}

/// Copies hotels with all that belongs to them, `days` nights from each hotel's own today; how many rows.
pub fn copy(tx: &mut Tx<'_>, batch: &[&HotelLine], days: u16, now: Instant) -> Result<u64, DbError> {
    let sheets = Sheets::write(batch, days, now).map_err(|error| DbError::invariant(error.to_string()))?;
    let count = sheets.count;
    sheets.copy(tx)?;
    Ok(count)
}

/// An entry of the audit log and an event for each of the hotels that were copied.
pub fn write_down(tx: &mut Tx<'_>, batch: &[&HotelLine]) -> Result<(), DbError> {
    let ids: Vec<_> = batch.iter().map(|hotel| HotelId(Recipe::of(hotel).hotel_id())).collect();
    let hotels: Vec<_> = admin::find_all(tx, &ids)?.into_iter().map(|hotel| (hotel.hotel_id, hotel)).collect();
    audit::record_hotels(tx, Actor::Operator, Action::Imported, &hotels)
}

impl Sheets {
    fn write(batch: &[&HotelLine], days: u16, now: Instant) -> Result<Self, csv::Error> {
        let sheet = || csv::Writer::from_writer(Vec::new());
        let mut sheets = Self {
            hotels: sheet(),
            room_types: sheet(),
            plans: sheet(),
            sold: sheet(),
            tiers: sheet(),
            taxes: sheet(),
            inventory: sheet(),
            rates: sheet(),
            count: 0,
        };
        for hotel in batch {
            let recipe = Recipe::of(hotel);
            sheets.hotel(hotel, &recipe, days)?;
            sheets.plans(hotel, &recipe)?;
            let today = today_in(hotel.zone, now);
            let nights: Vec<NaiveDate> = today.iter_days().take(usize::from(days)).collect();
            sheets.nights(hotel, &recipe, &nights)?;
        }
        Ok(sheets)
    }

    fn hotel(&mut self, hotel: &HotelLine, recipe: &Recipe, days: u16) -> Result<(), csv::Error> {
        let id = recipe.hotel_id().to_string();
        let (lat, lon) = hotel.location.unzip();
        let text = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
        self.hotels.write_record([
            id.as_str(),
            &hotel.external_key,
            &hotel.name,
            &hotel.city,
            &city_key(&hotel.city),
            &hotel.country,
            hotel.zone.name(),
            hotel.currency.code(),
            &text(lat),
            &text(lon),
            &hotel.stars.map(|stars| stars.to_string()).unwrap_or_default(),
            hotel.address.as_deref().unwrap_or_default(),
            "{wifi}",
            &days.to_string(),
        ])?;
        self.taxes.serialize((&id, recipe.id(20), "VAT", "percent", VAT_PERCENT.to_string(), "", true, "now"))?;
        let city_tax = recipe.city_tax().to_string();
        self.taxes.serialize((
            &id,
            recipe.id(21),
            "City tax",
            "per_person_night",
            "",
            city_tax,
            false,
            "at_property",
        ))?;
        self.count += 3;
        Ok(())
    }

    fn plans(&mut self, hotel: &HotelLine, recipe: &Recipe) -> Result<(), csv::Error> {
        let hotel_id = recipe.hotel_id();
        let [base, ..] = &PLANS;
        let kinds = room_kinds(hotel.rooms);
        for (kind, _) in &kinds {
            let id = recipe.room_type_id(kind);
            self.room_types.serialize((
                hotel_id,
                id,
                kind.name,
                kind.max_adults,
                kind.max_children,
                kind.max_occupancy,
            ))?;
            self.count += 1;
        }
        for plan in &PLANS {
            let id = recipe.rate_plan_id(plan);
            let is_derived = plan.percent.is_some() || plan.with_breakfast;
            let derived_from = is_derived.then(|| recipe.rate_plan_id(base));
            let amount = plan.with_breakfast.then(|| recipe.breakfast());
            let row =
                (hotel_id, id, plan.name, plan.meal_plan, plan.payment_policy, derived_from, plan.percent, amount);
            self.plans.serialize(row)?;
            for (hours, nights) in plan.tiers {
                self.tiers.serialize((hotel_id, id, hours, nights))?;
                self.count += 1;
            }
            for (kind, _) in &kinds {
                self.sold.serialize((hotel_id, id, recipe.room_type_id(kind)))?;
                self.count += 1;
            }
            self.count += 1;
        }
        Ok(())
    }

    fn nights(&mut self, hotel: &HotelLine, recipe: &Recipe, nights: &[NaiveDate]) -> Result<(), csv::Error> {
        let hotel_id = recipe.hotel_id().to_string();
        let [base, ..] = &PLANS;
        let plan_id = recipe.rate_plan_id(base).to_string();
        for (kind, rooms) in room_kinds(hotel.rooms) {
            let room_type_id = recipe.room_type_id(&kind).to_string();
            for night in nights {
                let date = night.to_string();
                self.inventory.write_record([&hotel_id, &room_type_id, &date, &rooms.to_string()])?;
                let price = recipe.price(&kind, *night).to_string();
                self.rates.write_record([&hotel_id, &plan_id, &room_type_id, &date, &price])?;
                self.count += 2;
            }
        }
        Ok(())
    }

    /// Parents before children, as the foreign keys want it.
    fn copy(self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        use {cancellation_tiers as c, hotels as h, inventory as i, rate_plan_room_types as k};
        use {rate_plans as p, rates as r, room_types as t, taxes as x};
        let columns = (
            h::hotel_id,
            h::external_key,
            h::name,
            h::city,
            h::city_key,
            h::country,
            h::time_zone,
            h::currency,
            h::lat,
            h::lon,
            h::stars,
            h::address,
            h::amenities,
            h::horizon_days,
        );
        copy_rows!(tx, self.hotels, h::table, columns);
        let columns = (t::hotel_id, t::room_type_id, t::name, t::max_adults, t::max_children, t::max_occupancy);
        copy_rows!(tx, self.room_types, t::table, columns);
        let columns = (
            p::hotel_id,
            p::rate_plan_id,
            p::name,
            p::meal_plan,
            p::payment_policy,
            p::derived_from,
            p::derived_percent,
            p::derived_amount,
        );
        copy_rows!(tx, self.plans, p::table, columns);
        copy_rows!(tx, self.sold, k::table, (k::hotel_id, k::rate_plan_id, k::room_type_id));
        let columns = (c::hotel_id, c::rate_plan_id, c::until_hours_before_check_in, c::penalty_nights);
        copy_rows!(tx, self.tiers, c::table, columns);
        let columns = (x::hotel_id, x::tax_id, x::name, x::kind, x::percent, x::amount, x::included, x::due);
        copy_rows!(tx, self.taxes, x::table, columns);
        copy_rows!(tx, self.inventory, i::table, (i::hotel_id, i::room_type_id, i::stay_date, i::capacity));
        let columns = (r::hotel_id, r::rate_plan_id, r::room_type_id, r::stay_date, r::price);
        copy_rows!(tx, self.rates, r::table, columns);
        Ok(())
    }
}

/// Refreshes the planner's statistics of what the import fills.
pub fn analyze(tx: &mut Tx<'_>) -> Result<(), DbError> {
    transaction::allow(tx, PATIENCE, PATIENCE)?;
    let tables = "hotels, room_types, rate_plans, rate_plan_room_types, cancellation_tiers, taxes, inventory, rates";
    diesel::sql_query(format!("ANALYZE {tables}")).execute(&mut **tx)?;
    Ok(())
}
