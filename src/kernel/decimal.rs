//! Decimal numbers as JSON has them: percentages, and amounts that may be either.

use std::str::FromStr;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

/// A JSON number, kept as it is written: 10.1 is ten and a tenth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, ToSchema)]
#[schema(value_type = f64)]
pub struct JsonDecimal(pub Decimal);

impl JsonDecimal {
    /// Whether it has at most so many decimal places.
    #[must_use]
    pub fn has_places(self, most: u32) -> bool {
        self.0.normalize().scale() <= most
    }
}

impl Serialize for JsonDecimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let out_of_range = || serde::ser::Error::custom("a decimal is out of range");
        if self.has_places(0) {
            serializer.serialize_i64(self.0.to_i64().ok_or_else(out_of_range)?)
        } else {
            serializer.serialize_f64(self.0.to_f64().ok_or_else(out_of_range)?)
        }
    }
}

impl<'de> Deserialize<'de> for JsonDecimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl Visitor<'_> for Reader {
    type Value = JsonDecimal;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a number")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<JsonDecimal, E> {
        Ok(JsonDecimal(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<JsonDecimal, E> {
        Ok(JsonDecimal(value.into()))
    }

    /// The shortest digits that mean the same float are those that were written, for as many as a float can tell apart.
    fn visit_f64<E: Error>(self, value: f64) -> Result<JsonDecimal, E> {
        Decimal::from_str(&value.to_string()).map(JsonDecimal).map_err(|_| E::custom("the number is out of range"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_kept_as_they_were_written() {
        let read = |text: &str| serde_json::from_str::<JsonDecimal>(text).map(|decimal| decimal.0.to_string());
        assert_eq!(read("10.1").expect("a number"), "10.1");
        assert_eq!(read("-99.999").expect("a number"), "-99.999");
        assert_eq!(read("100000000000").expect("a number"), "100000000000");
        for wrong in ["\"10\"", "1e300", "null", "true", "[1]"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let written = |text: &str| serde_json::to_string(&JsonDecimal(text.parse().expect("a decimal")));
        assert_eq!(written("10.000").expect("JSON"), "10");
        assert_eq!(written("5.500").expect("JSON"), "5.5");
    }

    #[test]
    fn places_that_say_nothing_do_not_count() {
        assert!(JsonDecimal(Decimal::new(10_500, 3)).has_places(1));
        assert!(!JsonDecimal(Decimal::new(10_501, 3)).has_places(2));
    }
}
