//! Money: whole minor units of an ISO 4217 currency. No float ever holds an amount.

use std::fmt;
use std::str::FromStr;

use diesel::deserialize::{FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{Output, ToSql};
use diesel::sql_types::Text;
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An ISO 4217 currency. Its exponent (JPY 0, EUR 2, BHD 3) says what a minor unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AsExpression, FromSqlRow, ToSchema)]
#[diesel(sql_type = Text)]
#[serde(transparent)]
#[schema(value_type = String, example = "EUR", pattern = "^[A-Z]{3}$")]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The three-letter code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Decimal places of a whole unit; 0 where ISO 4217 gives none.
    #[must_use]
    pub fn exponent(self) -> u16 {
        self.0.exponent().unwrap_or_default()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Not a currency of ISO 4217.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not an ISO 4217 currency code")]
pub struct UnknownCurrency;

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(code: &str) -> Result<Self, UnknownCurrency> {
        iso_currency::Currency::from_code(code).map(Self).ok_or(UnknownCurrency)
    }
}

impl ToSql<Text, Pg> for Currency {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> diesel::serialize::Result {
        <str as ToSql<Text, Pg>>::to_sql(self.code(), out)
    }
}

impl FromSql<Text, Pg> for Currency {
    fn from_sql(bytes: PgValue<'_>) -> diesel::deserialize::Result<Self> {
        let code = <String as FromSql<Text, Pg>>::from_sql(bytes)?;
        Ok(code.parse()?)
    }
}

/// An amount: integer minor units and their currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units: 12300 is 123.00 EUR, or 12,300 JPY.
    #[schema(example = 12300)]
    pub amount: i64,
    pub currency: Currency,
}

impl Money {
    #[must_use]
    pub fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }
}

/// The sum or product left the range of 64-bit minor units.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the amount is out of range")]
pub struct OutOfRange;

/// Rounds half-up (away from zero on the half) to whole minor units.
pub fn round_half_up(amount: Decimal) -> Result<i64, OutOfRange> {
    amount.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).to_i64().ok_or(OutOfRange)
}

/// `percent` of `amount`, rounded half-up.
pub fn percent_of(amount: i64, percent: Decimal) -> Result<i64, OutOfRange> {
    let product = Decimal::from(amount).checked_mul(percent).ok_or(OutOfRange)?;
    round_half_up(product / Decimal::ONE_HUNDRED)
}

/// The share of `amount` that `part` is of `whole`, rounded half-up.
pub fn share(amount: i64, part: i64, whole: i64) -> Result<i64, OutOfRange> {
    let product = Decimal::from(amount).checked_mul(part.into()).ok_or(OutOfRange)?;
    round_half_up(product.checked_div(whole.into()).ok_or(OutOfRange)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_minor_unit_rounds_up() {
        let ten_and_a_half = Decimal::new(105, 1);
        assert_eq!(percent_of(100, ten_and_a_half), Ok(11));
        assert_eq!(percent_of(104, Decimal::TEN), Ok(10));
        assert_eq!(percent_of(105, Decimal::TEN), Ok(11));
    }

    #[test]
    fn exponents_follow_iso_4217() {
        let exponent = |code: &str| iso_currency::Currency::from_code(code).and_then(iso_currency::Currency::exponent);
        assert_eq!((exponent("JPY"), exponent("EUR"), exponent("BHD")), (Some(0), Some(2), Some(3)));
        assert_eq!("eur".parse::<Currency>(), Err(UnknownCurrency));
    }

    #[test]
    fn a_float_is_not_an_amount() {
        assert!(serde_json::from_str::<Money>(r#"{"amount":12.5,"currency":"EUR"}"#).is_err());
        assert!(serde_json::from_str::<Money>(r#"{"amount":12,"currency":"XYZ1"}"#).is_err());
    }
}
