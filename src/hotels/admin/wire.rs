//! A hotel as staff see it, make it and change it.

use chrono::{DateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use garde::Validate;
use garde::rules::url::Url;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_with::rust::{double_option, unwrap_or_skip};
use utoipa::ToSchema;

use crate::hotels::place::{Location, city_key, country_code};
use crate::http::extract::not_blank;
use crate::http::patch::set;
use crate::kernel::clock::WallTime;
use crate::kernel::ids::HotelId;
use crate::kernel::money::Currency;

/// A country's code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, example = "FR", pattern = "^[A-Z]{2}$")]
pub struct Country(pub String);

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = country_code(&String::deserialize(deserializer)?);
        code.map(Self).ok_or_else(|| D::Error::custom("must be a country's code of two letters"))
    }
}

/// What a hotel says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct HotelFields {
    #[garde(custom(not_blank), length(chars, max = 200))]
    pub name: String,
    #[garde(custom(searchable), length(chars, max = 200))]
    pub city: String,
    pub country: Country,
    /// IANA name: the hotel's "today" and its deadlines follow it.
    #[schema(value_type = String, example = "Europe/Paris")]
    pub time_zone: Tz,
    /// What every price and fee of the hotel is in.
    pub currency: Currency,
    #[garde(dive)]
    pub location: Option<Location>,
    #[garde(range(min = 1, max = 5))]
    pub stars: Option<i16>,
    #[garde(inner(custom(not_blank)), length(chars, max = 500))]
    pub address: Option<String>,
    #[garde(inner(custom(not_blank)), length(chars, max = 10_000))]
    pub description: Option<String>,
    /// Words that searches filter by, such as `wifi`.
    #[serde(default)]
    #[garde(length(max = 100), inner(custom(word)))]
    pub amenities: Vec<String>,
    /// URLs.
    #[serde(default)]
    #[garde(length(max = 100), inner(custom(web_address), length(bytes, max = 2000)))]
    pub photos: Vec<String>,
    /// From when on guests may check in; cancellation deadlines count back from it [default: 15:00].
    #[serde(default = "check_in_time")]
    pub check_in_time: WallTime,
    /// Until when guests check out [default: 11:00].
    #[serde(default = "check_out_time")]
    pub check_out_time: WallTime,
}

/// What is to change of a hotel. What is absent stays; `null` clears what may be absent.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct HotelPatch {
    #[serde(default, with = "unwrap_or_skip")]
    #[garde(inner(custom(not_blank)), length(chars, max = 200))]
    #[schema(nullable = false)]
    name: Option<String>,
    #[serde(default, with = "unwrap_or_skip")]
    #[garde(inner(custom(searchable)), length(chars, max = 200))]
    #[schema(nullable = false)]
    city: Option<String>,
    #[serde(default, with = "unwrap_or_skip")]
    #[schema(nullable = false)]
    country: Option<Country>,
    #[serde(default, with = "unwrap_or_skip")]
    #[schema(value_type = Option<String>, nullable = false)]
    time_zone: Option<Tz>,
    /// Only while the hotel has no rate plan and no tax: amounts are in it.
    #[serde(default, with = "unwrap_or_skip")]
    #[schema(nullable = false)]
    pub(super) currency: Option<Currency>,
    #[serde(default, with = "double_option")]
    #[garde(dive)]
    #[schema(value_type = Option<Location>)]
    location: Option<Option<Location>>,
    #[serde(default, with = "double_option")]
    #[garde(range(min = 1, max = 5))]
    #[schema(value_type = Option<i16>)]
    stars: Option<Option<i16>>,
    #[serde(default, with = "double_option")]
    #[garde(inner(inner(custom(not_blank))), length(chars, max = 500))]
    #[schema(value_type = Option<String>)]
    address: Option<Option<String>>,
    #[serde(default, with = "double_option")]
    #[garde(inner(inner(custom(not_blank))), length(chars, max = 10_000))]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    /// All of them.
    #[serde(default, with = "unwrap_or_skip")]
    #[garde(length(max = 100), inner(inner(custom(word))))]
    #[schema(nullable = false)]
    amenities: Option<Vec<String>>,
    /// All of them.
    #[serde(default, with = "unwrap_or_skip")]
    #[garde(length(max = 100), inner(inner(custom(web_address), length(bytes, max = 2000))))]
    #[schema(nullable = false)]
    photos: Option<Vec<String>>,
    #[serde(default, with = "unwrap_or_skip")]
    #[schema(nullable = false)]
    check_in_time: Option<WallTime>,
    #[serde(default, with = "unwrap_or_skip")]
    #[schema(nullable = false)]
    check_out_time: Option<WallTime>,
}

impl HotelPatch {
    /// The fields as they would be.
    #[must_use]
    pub fn apply(self, to: &HotelFields) -> HotelFields {
        let mut fields = to.clone();
        set(&mut fields.name, self.name);
        set(&mut fields.city, self.city);
        set(&mut fields.country, self.country);
        set(&mut fields.time_zone, self.time_zone);
        set(&mut fields.currency, self.currency);
        set(&mut fields.location, self.location);
        set(&mut fields.stars, self.stars);
        set(&mut fields.address, self.address);
        set(&mut fields.description, self.description);
        set(&mut fields.amenities, self.amenities);
        set(&mut fields.photos, self.photos);
        set(&mut fields.check_in_time, self.check_in_time);
        set(&mut fields.check_out_time, self.check_out_time);
        fields
    }
}

/// A hotel.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HotelBody {
    pub hotel_id: HotelId,
    #[serde(flatten)]
    pub fields: HotelFields,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    /// When it was deleted; `null` while it is not.
    #[schema(required)]
    pub deleted_at: Option<DateTime<Utc>>,
}

fn check_in_time() -> WallTime {
    WallTime(NaiveTime::from_hms_opt(15, 0, 0).unwrap_or_default())
}

fn check_out_time() -> WallTime {
    WallTime(NaiveTime::from_hms_opt(11, 0, 0).unwrap_or_default())
}

fn searchable(city: &str, _: &()) -> garde::Result {
    if city_key(city).is_empty() { Err(garde::Error::new("must have a letter or a digit")) } else { Ok(()) }
}

/// A word that searches filter by: as it stands in a query string.
pub fn word(word: &str, _: &()) -> garde::Result {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if (1..=50).contains(&word.len()) && word.bytes().all(fits) {
        Ok(())
    } else {
        Err(garde::Error::new("must be a word of up to 50 letters a-z, digits and _"))
    }
}

fn web_address(address: &str, _: &()) -> garde::Result {
    let is_web = address.starts_with("https://") || address.starts_with("http://");
    if is_web && Url::validate_url(&address).is_ok() {
        Ok(())
    } else {
        Err(garde::Error::new("must be a URL that begins with https:// or http://"))
    }
}
