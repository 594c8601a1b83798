//! One line of a rate file.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Duration, NaiveDate};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use uuid::Uuid;

use crate::ari::bulk::MAX_AHEAD_DAYS;
use crate::ari::rates::store::{NightSet, RateStrip};
use crate::ari::rates::wire::MAX_PRICE;
use crate::ari::span::Span;
use crate::import::file::{Line, Reject};
use crate::kernel::ids::{RatePlanId, RoomTypeId};
use crate::kernel::money::Currency;
use crate::kernel::stay;

/// The columns a rate file must have.
pub const COLUMNS: [&str; 3] = ["room_type", "rate_plan", "date"];
/// The columns it may have, at least one of them.
pub const OPTIONAL: [&str; 6] = ["price", "min_stay", "max_stay", "closed", "closed_to_arrival", "closed_to_departure"];

/// What is wrong with lengths of stay that no stay has.
pub const CONTRADICTORY: &str = "min_stay would be more than max_stay";

/// What clears a field: none of the kind.
const NONE: &str = "none";

/// Things of a hotel by their id or, if only one is called so, by their name.
#[derive(Clone, Debug, Default)]
pub struct Named<K> {
    ids: BTreeSet<K>,
    by_name: BTreeMap<String, Vec<K>>,
}

impl<K: Copy + Ord + From<Uuid>> Named<K> {
    pub fn add(&mut self, id: K, name: &str) {
        self.ids.insert(id);
        self.by_name.entry(name.trim().to_lowercase()).or_default().push(id);
    }

    fn find(&self, column: &str, text: &str) -> Result<K, String> {
        if text.is_empty() {
            return Err(format!("{column} is empty"));
        }
        let by_id = text.parse::<Uuid>().ok().map(K::from).filter(|id| self.ids.contains(id));
        match (by_id, self.by_name.get(&text.to_lowercase()).map(Vec::as_slice)) {
            (Some(id), _) | (None, Some(&[id])) => Ok(id),
            (None, Some([_, _, ..])) => Err(format!("several have this {column}: use the id")),
            (None, _) => Err(format!("the hotel has no such {column}")),
        }
    }
}

/// What lines of a hotel are read with.
#[derive(Clone, Debug)]
pub struct Hotel {
    pub currency: Currency,
    pub today: NaiveDate,
    pub room_types: Named<RoomTypeId>,
    pub plans: Named<RatePlanId>,
    pub derived: BTreeSet<RatePlanId>,
    /// What the plans sell.
    pub sold: BTreeSet<(RatePlanId, RoomTypeId)>,
}

/// Reads a line, or says what is wrong with it.
pub fn read(line: &Line, hotel: &Hotel) -> Result<RateStrip, Reject> {
    parse(line, hotel).map_err(|reason| line.reject(reason))
}

fn parse(line: &Line, hotel: &Hotel) -> Result<RateStrip, String> {
    let [room_type, plan, date] = std::array::from_fn(|column| line.field(column));
    let [price, min_stay, max_stay, closed, closed_to_arrival, closed_to_departure] =
        std::array::from_fn(|column| line.field(COLUMNS.len() + column));
    let room_type_id = hotel.room_types.find("room_type", room_type)?;
    let rate_plan_id = hotel.plans.find("rate_plan", plan)?;
    if !hotel.sold.contains(&(rate_plan_id, room_type_id)) {
        return Err("the rate plan does not sell this room type".to_owned());
    }
    let set = NightSet {
        price: price_of(price, hotel.currency)?,
        min_stay: length("min_stay", min_stay)?,
        max_stay: length("max_stay", max_stay)?,
        closed: flag("closed", closed)?,
        closed_to_arrival: flag("closed_to_arrival", closed_to_arrival)?,
        closed_to_departure: flag("closed_to_departure", closed_to_departure)?,
    };
    if set.price.is_some() && hotel.derived.contains(&rate_plan_id) {
        return Err("a derived plan's price is computed".to_owned());
    }
    if let (Some(Some(least)), Some(Some(most))) = (set.min_stay, set.max_stay)
        && least > most
    {
        return Err(CONTRADICTORY.to_owned());
    }
    if set.sets().next().is_none() {
        return Err("there is nothing to set".to_owned());
    }
    Ok(RateStrip { rate_plan_id, room_type_id, span: Span::night(night(date, hotel.today)?), set })
}

fn night(date: &str, today: NaiveDate) -> Result<NaiveDate, String> {
    let night = stay::date(date).ok_or("date is not YYYY-MM-DD")?;
    if night < today {
        return Err("date is before the hotel's today".to_owned());
    }
    if night >= today + Duration::days(MAX_AHEAD_DAYS) {
        return Err(format!("date is more than {MAX_AHEAD_DAYS} days ahead"));
    }
    Ok(night)
}

/// From whole units of the currency to minor ones, exactly.
fn price_of(text: &str, currency: Currency) -> Result<Option<Option<i64>>, String> {
    if text.is_empty() || text.eq_ignore_ascii_case(NONE) {
        return Ok((!text.is_empty()).then_some(None));
    }
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let price = Decimal::from_str_exact(text).ok().filter(|_| is_plain).ok_or("price is not a number")?;
    let minor = price.checked_mul(Decimal::from(10_i64.pow(u32::from(currency.exponent()))));
    let minor = minor.ok_or("price is too high")?.normalize();
    if minor.scale() > 0 {
        return Err(format!("price has more decimals than {currency} has"));
    }
    let minor = minor.to_i64().filter(|minor| *minor <= MAX_PRICE).ok_or("price is too high")?;
    Ok(Some(Some(minor)))
}

fn length(column: &str, text: &str) -> Result<Option<Option<i16>>, String> {
    if text.is_empty() || text.eq_ignore_ascii_case(NONE) {
        return Ok((!text.is_empty()).then_some(None));
    }
    match text.parse() {
        Ok(nights @ 1..=99) => Ok(Some(Some(nights))),
        _ => Err(format!("{column} is not 1 to 99")),
    }
}

fn flag(column: &str, text: &str) -> Result<Option<bool>, String> {
    match text.to_ascii_lowercase().as_str() {
        "" => Ok(None),
        "true" | "1" => Ok(Some(true)),
        "false" | "0" => Ok(Some(false)),
        _ => Err(format!("{column} is not true or false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(text: &str, currency: &str) -> Result<Option<Option<i64>>, String> {
        price_of(text, currency.parse().expect("a currency"))
    }

    #[test]
    fn a_price_is_exact_or_none() {
        for (text, currency, minor) in [
            ("101.5", "EUR", 10_150),
            ("101.50", "EUR", 10_150),
            ("0", "EUR", 0),
            ("9800", "JPY", 9_800),
            ("1.234", "BHD", 1_234),
        ] {
            assert_eq!(price(text, currency), Ok(Some(Some(minor))), "{text} {currency}");
        }
        assert_eq!((price("", "EUR"), price("None", "EUR")), (Ok(None), Ok(Some(None))));
        for wrong in [
            "-1",
            "+1",
            "1e3",
            "1_000",
            "1,50",
            "12 EUR",
            ".",
            "1.234",
            "1000000000.01",
            "99999999999999999999999999999",
        ] {
            assert!(price(wrong, "EUR").is_err(), "{wrong}");
        }
        assert!(price("98.5", "JPY").is_err());
    }

    #[test]
    fn a_name_is_found_if_it_is_one_things() {
        let (a, b, c) = (RoomTypeId::new(), RoomTypeId::new(), RoomTypeId::new());
        let mut named = Named::default();
        for (id, name) in [(a, "Suite"), (b, "Double"), (c, " double")] {
            named.add(id, name);
        }
        assert_eq!(named.find("room_type", "SUITE"), Ok(a));
        assert_eq!(named.find("room_type", &b.to_string()), Ok(b));
        assert!(named.find("room_type", "Double").is_err_and(|why| why.contains("several")));
        assert!(named.find("room_type", "").is_err() && named.find("room_type", "Twin").is_err());
        assert!(named.find("room_type", &RoomTypeId::new().to_string()).is_err());
    }
}
