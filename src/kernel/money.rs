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
#[serde(try_from = "String")]
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
#[error("must be the code of an ISO 4217 currency")]
pub struct UnknownCurrency;

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(code: &str) -> Result<Self, UnknownCurrency> {
        iso_currency::Currency::from_code(code).map(Self).ok_or(UnknownCurrency)
    }
}

impl TryFrom<String> for Currency {
    type Error = UnknownCurrency;

    fn try_from(code: String) -> Result<Self, UnknownCurrency> {
        code.parse()
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
    let (product, whole) = (i128::from(amount) * i128::from(part), i128::from(whole));
    let doubled = product.abs().checked_mul(2).and_then(|twice| twice.checked_add(whole.abs()));
    let rounded = doubled.and_then(|sum| sum.checked_div(whole.abs() * 2)).ok_or(OutOfRange)?;
    i64::try_from(rounded * product.signum() * whole.signum()).map_err(|_| OutOfRange)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Exactly, in thousandths of a percent; halves go away from zero.
    fn naive_percent(amount: i64, milli: i64) -> i128 {
        let product = i128::from(amount) * i128::from(milli);
        (product.abs() + 50_000) / 100_000 * product.signum()
    }

    #[test]
    fn a_share_of_any_amount_is_exact() {
        assert_eq!((share(1, 1, 2), share(-1, 1, 2), share(1, 1, 3)), (Ok(1), Ok(-1), Ok(0)));
        assert_eq!(share(1_960_000_000_000_000, 980_000_000_000_000, 1_960_000_000_000_000), Ok(980_000_000_000_000));
        assert_eq!(share(i64::MAX, i64::MAX, i64::MAX), Ok(i64::MAX));
        assert_eq!((share(i64::MAX, 2, 1), share(1, 1, 0)), (Err(OutOfRange), Err(OutOfRange)));
    }

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

    #[test]
    fn every_currency_is_read_as_it_is_written() {
        for code in ["EUR", "USD", "JPY", "BHD", "CLF", "XAF"] {
            let money = Money::new(1, code.parse().expect("a currency"));
            assert_eq!((money.currency.code(), money.currency.to_string().as_str()), (code, code));
        }
    }

    proptest! {
        #[test]
        fn a_percentage_is_exact_and_halves_go_away_from_zero(
            amount in prop_oneof![-1_000i64..1_000, -100_000_000_000i64..=100_000_000_000],
            milli in prop_oneof![Just(0i64), Just(50_000), Just(100_000), -100_000i64..=1_100_000],
        ) {
            let found = percent_of(amount, Decimal::new(milli, 3)).map(i128::from);
            prop_assert_eq!(found, Ok(naive_percent(amount, milli)));
        }

        #[test]
        fn what_does_not_fit_is_refused_and_never_wrapped(amount in any::<i64>(), milli in 0i64..=1_100_000) {
            let exact = i64::try_from(naive_percent(amount, milli)).map_err(|_| OutOfRange);
            prop_assert_eq!(percent_of(amount, Decimal::new(milli, 3)), exact);
        }

        #[test]
        fn an_amount_is_read_as_it_is_written(amount in any::<i64>(), code in prop::sample::select(vec!["EUR", "JPY", "BHD"])) {
            let money = Money::new(amount, code.parse().expect("a currency"));
            let text = serde_json::to_string(&money).expect("JSON");
            prop_assert_eq!(&text, &format!(r#"{{"amount":{amount},"currency":"{code}"}}"#));
            prop_assert_eq!(serde_json::from_str::<Money>(&text).ok(), Some(money));
        }

        #[test]
        fn only_whole_minor_units_are_an_amount(
            amount in prop_oneof![r"-?[0-9]{1,9}\.[0-9]{1,3}", "[0-9]{1,3}e[0-9]", r#""[0-9]{1,5}""#, Just("9223372036854775808".to_owned()), Just("null".to_owned())],
        ) {
            let text = format!(r#"{{"amount":{amount},"currency":"EUR"}}"#);
            prop_assert!(serde_json::from_str::<Money>(&text).is_err(), "{}", text);
        }
    }
}
