//! One line of a hotel file.

use chrono_tz::Tz;

use super::file::{Line, Reject};
use crate::hotels::place::{city_key, country_code};
use crate::kernel::money::Currency;

/// The columns a hotel file must have.
pub const COLUMNS: [&str; 11] =
    ["hotel_no", "source", "name", "address", "city", "country_code", "lat", "lon", "stars", "rooms", "timezone"];
/// The columns it may have: `currency` is needed outside the euro countries.
pub const OPTIONAL: [&str; 2] = ["postal_code", "currency"];

/// The most rooms that a hotel is believed to have.
const MAX_ROOMS: i32 = 10_000;

/// Countries and territories where a hotel without a `currency` is priced in euro.
const EURO: [&str; 32] = [
    "AD", "AT", "BE", "BG", "BL", "CY", "DE", "EE", "ES", "FI", "FR", "GF", "GP", "GR", "HR", "IE", "IT", "LT", "LU",
    "LV", "MC", "ME", "MF", "MQ", "MT", "NL", "PM", "PT", "RE", "SI", "SK", "YT",
];

/// A hotel to be imported.
#[derive(Clone, Debug, PartialEq)]
pub struct HotelLine {
    pub line: u64,
    /// `source:hotel_no`: what tells the same hotel in another run.
    pub external_key: String,
    pub name: String,
    pub address: Option<String>,
    pub city: String,
    pub country: String,
    pub location: Option<(f64, f64)>,
    /// 1 to 5; unclassified hotels have none.
    pub stars: Option<i16>,
    pub rooms: i32,
    pub zone: Tz,
    pub currency: Currency,
}

impl HotelLine {
    /// Reads a line, or says what is wrong with it.
    pub fn read(line: &Line) -> Result<Self, Reject> {
        Self::parse(line).map_err(|reason| line.reject(reason))
    }

    fn parse(line: &Line) -> Result<Self, String> {
        let [no, source, name, address, city, country, lat, lon, stars, rooms, zone] =
            std::array::from_fn(|column| line.field(column));
        let [postal_code, currency] = std::array::from_fn(|column| line.field(COLUMNS.len() + column));
        let needed = |name: &str, value: &str| {
            if value.is_empty() { Err(format!("{name} is empty")) } else { Ok(value.to_owned()) }
        };
        let country = country_code(&needed("country_code", country)?).ok_or("country_code is not two letters")?;
        Ok(Self {
            line: line.number,
            external_key: format!("{}:{}", needed("source", source)?, needed("hotel_no", no)?),
            name: needed("name", name)?,
            address: joined(address, postal_code),
            city: named(city)?,
            location: location(lat, lon)?,
            stars: stars_of(stars)?,
            rooms: rooms_of(rooms)?,
            zone: zone.parse().map_err(|_| "timezone is not an IANA zone".to_owned())?,
            currency: currency_of(&country, currency)?,
            country,
        })
    }
}

/// A city that can be searched for.
fn named(city: &str) -> Result<String, String> {
    match city {
        "" => Err("city is empty".to_owned()),
        city if city_key(city).is_empty() => Err("city has no letter or digit".to_owned()),
        city => Ok(city.to_owned()),
    }
}

fn joined(address: &str, postal_code: &str) -> Option<String> {
    let parts: Vec<_> = [address, postal_code].into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { None } else { Some(parts.join(", ")) }
}

fn location(lat: &str, lon: &str) -> Result<Option<(f64, f64)>, String> {
    if lat.is_empty() && lon.is_empty() {
        return Ok(None);
    }
    match (lat.parse::<f64>(), lon.parse::<f64>()) {
        (Ok(lat), Ok(lon)) if (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon) => Ok(Some((lat, lon))),
        _ => Err("lat and lon are no point on the globe".to_owned()),
    }
}

fn stars_of(stars: &str) -> Result<Option<i16>, String> {
    if stars.is_empty() {
        return Ok(None);
    }
    match stars.parse() {
        Ok(stars @ 1..=5) => Ok(Some(stars)),
        _ => Err("stars is not 1 to 5".to_owned()),
    }
}

fn rooms_of(rooms: &str) -> Result<i32, String> {
    if rooms.is_empty() {
        return Err("rooms is empty".to_owned());
    }
    match rooms.parse() {
        Ok(rooms @ 1..=MAX_ROOMS) => Ok(rooms),
        _ => Err(format!("rooms is not 1 to {MAX_ROOMS}")),
    }
}

fn currency_of(country: &str, stated: &str) -> Result<Currency, String> {
    let code = match stated {
        "" if EURO.contains(&country) => "EUR",
        "" => return Err("currency is needed outside the euro countries".to_owned()),
        stated => stated,
    };
    code.parse().map_err(|_| "currency is not of ISO 4217".to_owned())
}
