//! What a search asks for: the query string, checked into types.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::place::Circle;
use crate::hotels::place::city_key;
use crate::http::problem::{FieldError, Problem};
use crate::kernel::clock::{Instant, earliest_today};
use crate::kernel::money::Currency;
use crate::kernel::page::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::kernel::party::{MAX_ADULTS, MAX_CHILD_AGE, MAX_CHILDREN, MAX_ROOMS, Party};
use crate::kernel::stay::{Stay, StayError, stay_date};
use crate::rates::plan::MealPlan;
use crate::text_enum;

/// The most hotels a search may name.
const MAX_HOTEL_IDS: usize = 200;
/// Half the earth's circumference: every point is within it.
const MAX_RADIUS_KM: f64 = 20_038.0;

text_enum! {
    /// The order of found hotels; the hotel's id decides between equals.
    pub enum Sort {
        /// Currency, then the total of the cheapest offer.
        Price = "price",
        /// Most stars first.
        Stars = "stars",
        /// Nearest first; needs `lat` and `lon`.
        Distance = "distance",
        Name = "name",
    }
}

/// The query of `GET /search`.
#[derive(Clone, Debug, Deserialize, Serialize, Validate, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
pub struct SearchQuery {
    /// Hotel-local.
    #[serde(deserialize_with = "stay_date")]
    pub check_in: NaiveDate,
    /// 1 to 99 nights after `check_in`.
    #[serde(deserialize_with = "stay_date")]
    pub check_out: NaiveDate,
    /// Adults a room [default: 2].
    #[garde(range(min = 1, max = MAX_ADULTS))]
    pub adults: Option<i16>,
    /// Ages of the children in each room, separated by commas.
    #[param(example = "4,9")]
    pub children_ages: Option<String>,
    /// Rooms, all alike [default: 1].
    #[garde(range(min = 1, max = MAX_ROOMS))]
    pub rooms: Option<i16>,
    /// A city's name, however it is typed; with `country`.
    #[garde(length(chars, min = 1, max = 200))]
    pub city: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[garde(custom(country_code))]
    pub country: Option<String>,
    #[garde(range(min = -90.0, max = 90.0))]
    pub lat: Option<f64>,
    #[garde(range(min = -180.0, max = 180.0))]
    pub lon: Option<f64>,
    /// More than 0, at most 20038.
    pub radius_km: Option<f64>,
    /// Up to 200, separated by commas.
    pub hotel_ids: Option<String>,
    /// Minor units, for all rooms and nights; with `currency`.
    #[garde(range(min = 0))]
    pub max_price: Option<i64>,
    #[param(value_type = Option<String>)]
    pub currency: Option<String>,
    #[garde(range(min = 1, max = 5))]
    pub min_stars: Option<i16>,
    #[param(inline)]
    pub meal_plan: Option<MealPlan>,
    /// Only offers that can be cancelled now at no cost.
    pub refundable: Option<bool>,
    /// All of these, separated by commas.
    #[garde(length(chars, max = 500))]
    pub amenities: Option<String>,
    #[param(inline)]
    pub sort: Option<Sort>,
    /// Hotels a page [default: 50].
    #[garde(range(min = 1, max = MAX_LIMIT))]
    pub limit: Option<i64>,
    #[garde(length(bytes, max = 2000))]
    pub cursor: Option<String>,
}

/// Where to look.
#[derive(Clone, Debug)]
pub enum Place {
    City { key: String, country: String },
    Around(Circle),
    Hotels(Vec<Uuid>),
}

/// A search, checked.
#[derive(Clone, Debug)]
pub struct Ask {
    pub stay: Stay,
    pub party: Party,
    pub place: Place,
    pub max_price: Option<(i64, Currency)>,
    pub min_stars: Option<i16>,
    pub meal_plan: Option<MealPlan>,
    pub refundable: Option<bool>,
    pub amenities: Vec<String>,
    pub sort: Sort,
    pub limit: i64,
    pub cursor: Option<String>,
    /// Names this list for its cursors: everything but `limit` and `cursor`.
    pub list: String,
}

impl SearchQuery {
    /// Checks what single fields cannot say.
    pub fn check(self) -> Result<Ask, Problem> {
        let list = serde_json::to_string(&Self { limit: None, cursor: None, ..self.clone() })?;
        let place = self.place()?;
        let sort = self.sort.unwrap_or(Sort::Price);
        if sort == Sort::Distance && !matches!(place, Place::Around(_)) {
            return Err(Problem::field("sort", "distance needs lat, lon and radius_km"));
        }
        Ok(Ask {
            stay: stay(self.check_in, self.check_out)?,
            party: party(self.adults, self.children_ages.as_deref(), self.rooms)?,
            max_price: max_price(self.max_price, self.currency.as_deref())?,
            amenities: words(self.amenities.as_deref()),
            limit: self.limit.unwrap_or(DEFAULT_LIMIT),
            min_stars: self.min_stars,
            meal_plan: self.meal_plan,
            refundable: self.refundable,
            cursor: self.cursor,
            sort,
            place,
            list,
        })
    }

    fn place(&self) -> Result<Place, Problem> {
        for (name, degrees) in [("lat", self.lat), ("lon", self.lon)] {
            // NaN is outside of every range and yet passes each bound.
            if degrees.is_some_and(f64::is_nan) {
                return Err(Problem::field(name, "must be a number of degrees"));
            }
        }
        let together = |named: &str| {
            Problem::field(named, "city with country, lat with lon and radius_km, or hotel_ids: one of the three")
        };
        match (&self.city, &self.country, self.lat, self.lon, self.radius_km, &self.hotel_ids) {
            (Some(city), Some(country), None, None, None, None) => {
                Ok(Place::City { key: city_key(city), country: country.to_ascii_uppercase() })
            }
            (None, None, Some(lat), Some(lon), Some(radius_km), None)
                if radius_km > 0.0 && radius_km <= MAX_RADIUS_KM =>
            {
                Ok(Place::Around(Circle { lat, lon, radius_km }))
            }
            (None, None, Some(_), Some(_), Some(_), None) => {
                Err(Problem::field("radius_km", format!("must be more than 0 and at most {MAX_RADIUS_KM}")))
            }
            (None, None, None, None, None, Some(ids)) => hotel_ids(ids).map(Place::Hotels),
            (Some(_), None, ..) => Err(together("country")),
            (_, _, Some(_), None, ..) => Err(together("lon")),
            (_, _, Some(_), Some(_), None, _) => Err(together("radius_km")),
            (None, None, None, Some(_), _, None) | (None, None, None, _, Some(_), None) => Err(together("lat")),
            _ => Err(together("city")),
        }
    }
}

fn hotel_ids(text: &str) -> Result<Vec<Uuid>, Problem> {
    let ids: Result<Vec<_>, _> = text.split(',').map(|id| Uuid::parse_str(id.trim())).collect();
    match ids {
        Ok(ids) if ids.len() <= MAX_HOTEL_IDS => Ok(ids),
        Ok(_) => Err(Problem::field("hotel_ids", format!("at most {MAX_HOTEL_IDS}"))),
        Err(_) => Err(Problem::field("hotel_ids", "must be UUIDs separated by commas")),
    }
}

fn max_price(amount: Option<i64>, currency: Option<&str>) -> Result<Option<(i64, Currency)>, Problem> {
    match (amount, currency) {
        (None, None) => Ok(None),
        (Some(amount), Some(code)) => {
            let currency = code.parse().map_err(|_| Problem::field("currency", "must be an ISO 4217 code"))?;
            Ok(Some((amount, currency)))
        }
        (Some(_), None) => Err(Problem::field("currency", "is needed with max_price")),
        (None, Some(_)) => Err(Problem::field("max_price", "is needed with currency")),
    }
}

fn words(text: Option<&str>) -> Vec<String> {
    let words = text.unwrap_or_default().split(',').map(|word| word.trim().to_lowercase());
    words.filter(|word| !word.is_empty()).collect::<BTreeSet<_>>().into_iter().collect()
}

fn country_code(code: &Option<String>, _: &()) -> garde::Result {
    match code {
        Some(code) if code.len() != 2 || !code.bytes().all(|b| b.is_ascii_alphabetic()) => {
            Err(garde::Error::new("must be two letters"))
        }
        _ => Ok(()),
    }
}

/// A stay from its two dates; 422 names the one at fault.
pub fn stay(check_in: NaiveDate, check_out: NaiveDate) -> Result<Stay, Problem> {
    Stay::new(check_in, check_out).map_err(|error: StayError| Problem::field("check_out", error.to_string()))
}

/// A party from query fields.
pub fn party(adults: Option<i16>, children_ages: Option<&str>, rooms: Option<i16>) -> Result<Party, Problem> {
    let text = children_ages.unwrap_or_default();
    let ages = text.split(',').map(str::trim).filter(|age| !age.is_empty()).map(str::parse::<i16>);
    let ages: Vec<i16> = ages
        .collect::<Result<_, _>>()
        .map_err(|_| Problem::field("children_ages", "must be ages separated by commas"))?;
    if ages.len() > MAX_CHILDREN || ages.iter().any(|age| !(0..=MAX_CHILD_AGE).contains(age)) {
        let rule = format!("at most {MAX_CHILDREN} ages from 0 to {MAX_CHILD_AGE}");
        return Err(Problem::invalid(vec![FieldError::invalid("children_ages", rule)]));
    }
    Ok(Party { adults: adults.unwrap_or(2), children_ages: ages, rooms: rooms.unwrap_or(1) })
}

/// 422 for a day that `field` names and that is past everywhere on earth. What is past at one hotel only is judged there.
pub fn not_past(field: &str, day: NaiveDate, now: Instant) -> Result<(), Problem> {
    if day < earliest_today(now) {
        return Err(Problem::field(field, "is in the past"));
    }
    Ok(())
}
