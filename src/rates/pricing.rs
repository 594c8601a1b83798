//! What a stay costs: nightly lines of base and taxes; the total is their sum.
//!
//! A tax is rounded half-up once per night. Included taxes are taken out of the price shown by the hotel, and what is
//! left is the base; a night whose price does not cover them is not on sale. The others are added, percentages of the
//! base. The search's SQL follows the same rules, and a
//! test compares the two to the cent.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::plan::{Due, PaymentPolicy, proportion};
use crate::kernel::money::{OutOfRange, percent_of};
use crate::text_enum;

text_enum! {
    /// What a tax is counted by.
    pub enum TaxKind {
        Percent = "percent",
        PerNight = "per_night",
        PerPersonNight = "per_person_night",
    }
}

/// How much a tax is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaxValue {
    Percent(Decimal),
    /// Minor units per room and night.
    PerNight(i64),
    /// Minor units per person, room and night.
    PerPersonNight(i64),
}

/// A tax or fee of a hotel.
#[derive(Clone, Debug)]
pub struct Tax {
    pub name: String,
    pub value: TaxValue,
    pub included: bool,
    pub due: Due,
}

/// One tax of one night.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxLine {
    pub name: String,
    pub amount: i64,
    pub included: bool,
    pub due: Due,
}

/// One night.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NightLine {
    pub date: NaiveDate,
    pub base: i64,
    pub taxes: Vec<TaxLine>,
}

impl NightLine {
    /// Base and taxes.
    pub fn total(&self) -> Result<i64, OutOfRange> {
        self.taxes.iter().try_fold(self.base, |sum, tax| sum.checked_add(tax.amount)).ok_or(OutOfRange)
    }
}

/// What one room costs, in minor units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomPrice {
    pub nightly: Vec<NightLine>,
    pub total: i64,
    pub due_now: i64,
    pub due_at_property: i64,
}

/// Prices one room from its nights' prices. None: a night's price does not cover its included taxes.
pub fn price_room(
    nights: &[(NaiveDate, i64)],
    taxes: &[Tax],
    persons: i64,
    policy: PaymentPolicy,
) -> Result<Option<RoomPrice>, OutOfRange> {
    let nightly: Vec<_> =
        nights.iter().map(|(date, price)| night_line(*date, *price, taxes, persons)).collect::<Result<_, _>>()?;
    if nightly.iter().any(|night| night.base < 0) {
        return Ok(None);
    }
    let (mut total, mut due_at_property) = (0i64, 0i64);
    for night in &nightly {
        total = total.checked_add(night.total()?).ok_or(OutOfRange)?;
        let mut later = night.taxes.iter().filter(|tax| tax.due == Due::AtProperty).map(|tax| tax.amount);
        due_at_property = later.try_fold(due_at_property, i64::checked_add).ok_or(OutOfRange)?;
    }
    if policy == PaymentPolicy::PayAtProperty {
        due_at_property = total;
    }
    Ok(Some(RoomPrice { nightly, total, due_now: total - due_at_property, due_at_property }))
}

fn night_line(date: NaiveDate, price: i64, taxes: &[Tax], persons: i64) -> Result<NightLine, OutOfRange> {
    let included = |tax: &&Tax| tax.included;
    let mut fixed = 0i64;
    let mut percent = Decimal::ZERO;
    for tax in taxes.iter().filter(included) {
        match tax.value {
            TaxValue::Percent(value) => percent += value,
            TaxValue::PerNight(_) | TaxValue::PerPersonNight(_) => {
                fixed = fixed.checked_add(flat(tax, persons)?).ok_or(OutOfRange)?;
            }
        }
    }
    let net_and_percent = price.checked_sub(fixed).ok_or(OutOfRange)?;
    let gross = Decimal::ONE_HUNDRED + percent;
    let mut base = price;
    let mut lines = Vec::with_capacity(taxes.len());
    for tax in taxes.iter().filter(included) {
        let amount = match tax.value {
            TaxValue::Percent(value) => proportion(net_and_percent, value, gross)?,
            TaxValue::PerNight(_) | TaxValue::PerPersonNight(_) => flat(tax, persons)?,
        };
        base = base.checked_sub(amount).ok_or(OutOfRange)?;
        lines.push(line(tax, amount));
    }
    for tax in taxes.iter().filter(|tax| !tax.included) {
        let amount = match tax.value {
            TaxValue::Percent(value) => percent_of(base, value)?,
            TaxValue::PerNight(_) | TaxValue::PerPersonNight(_) => flat(tax, persons)?,
        };
        lines.push(line(tax, amount));
    }
    Ok(NightLine { date, base, taxes: lines })
}

fn flat(tax: &Tax, persons: i64) -> Result<i64, OutOfRange> {
    match tax.value {
        TaxValue::Percent(_) => Ok(0),
        TaxValue::PerNight(amount) => Ok(amount),
        TaxValue::PerPersonNight(amount) => amount.checked_mul(persons).ok_or(OutOfRange),
    }
}

fn line(tax: &Tax, amount: i64) -> TaxLine {
    TaxLine { name: tax.name.clone(), amount, included: tax.included, due: tax.due }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tax(value: TaxValue, included: bool, due: Due) -> Tax {
        Tax { name: "tax".to_owned(), value, included, due }
    }

    fn day() -> NaiveDate {
        NaiveDate::from_ymd_opt(2027, 5, 1).expect("a date")
    }

    #[test]
    fn an_included_tax_leaves_the_price_as_it_was() {
        let vat = tax(TaxValue::Percent(Decimal::TEN), true, Due::Now);
        let price =
            price_room(&[(day(), 10_000)], &[vat], 2, PaymentPolicy::Prepaid).expect("in range").expect("on sale");
        assert_eq!(price.nightly.first().map(|night| night.base), Some(9_091));
        assert_eq!((price.total, price.due_now, price.due_at_property), (10_000, 10_000, 0));
    }

    #[test]
    fn city_tax_is_per_person_and_paid_at_the_property() {
        let city = tax(TaxValue::PerPersonNight(288), false, Due::AtProperty);
        let nights = [(day(), 10_000), (day() + chrono::Days::new(1), 12_000)];
        let price = price_room(&nights, std::slice::from_ref(&city), 3, PaymentPolicy::Prepaid)
            .expect("in range")
            .expect("on sale");
        assert_eq!((price.total, price.due_now, price.due_at_property), (23_728, 22_000, 1_728));
        let later = price_room(&nights, &[city], 3, PaymentPolicy::PayAtProperty).expect("in range").expect("on sale");
        assert_eq!((later.due_now, later.due_at_property), (0, 23_728));
    }

    #[test]
    fn an_absurd_price_is_refused_rather_than_wrapped() {
        let tax = tax(TaxValue::PerPersonNight(i64::MAX), false, Due::Now);
        assert_eq!(price_room(&[(day(), 1)], &[tax], 2, PaymentPolicy::Prepaid), Err(OutOfRange));
    }

    #[test]
    fn a_price_that_does_not_cover_its_included_taxes_is_none() {
        let fee = tax(TaxValue::PerNight(500), true, Due::AtProperty);
        assert_eq!(price_room(&[(day(), 499)], std::slice::from_ref(&fee), 2, PaymentPolicy::Prepaid), Ok(None));
        assert!(price_room(&[(day(), 500)], &[fee], 2, PaymentPolicy::Prepaid).is_ok_and(|price| price.is_some()));
    }

    /// A tax as the table allows it; percentages in thousandths.
    fn any_tax() -> impl Strategy<Value = (Tax, i128)> {
        let value = prop_oneof![
            (0i64..=100_000).prop_map(|milli| (TaxValue::Percent(Decimal::new(milli, 3)), milli)),
            (0i64..=3_000).prop_map(|amount| (TaxValue::PerNight(amount), amount)),
            (0i64..=1_000).prop_map(|amount| (TaxValue::PerPersonNight(amount), amount)),
        ];
        (value, any::<bool>(), prop_oneof![Just(Due::Now), Just(Due::AtProperty)])
            .prop_map(|((value, number), included, due)| (tax(value, included, due), i128::from(number)))
    }

    fn naive_half_up(numerator: i128, denominator: i128) -> i128 {
        (2 * numerator.abs() + denominator) / (2 * denominator) * numerator.signum()
    }

    /// One night in whole numbers: its base, and its taxes in their order.
    fn naive_night(price: i64, taxes: &[(Tax, i128)], persons: i64) -> (i128, Vec<i128>) {
        let flat = |(tax, number): &(Tax, i128)| match tax.value {
            TaxValue::Percent(_) => 0,
            TaxValue::PerNight(_) => *number,
            TaxValue::PerPersonNight(_) => number * i128::from(persons),
        };
        let is_percent = |tax: &Tax| matches!(tax.value, TaxValue::Percent(_));
        let inside: Vec<_> = taxes.iter().filter(|(tax, _)| tax.included).collect();
        let net_and_percent = i128::from(price) - inside.iter().map(|tax| flat(tax)).sum::<i128>();
        let percents: i128 = inside.iter().filter(|(tax, _)| is_percent(tax)).map(|(_, milli)| milli).sum();
        let included = inside.iter().map(|tax| {
            if is_percent(&tax.0) { naive_half_up(net_and_percent * tax.1, 100_000 + percents) } else { flat(tax) }
        });
        let mut lines: Vec<_> = included.collect();
        let base = i128::from(price) - lines.iter().sum::<i128>();
        let added = taxes.iter().filter(|(tax, _)| !tax.included);
        lines
            .extend(added.map(|tax| if is_percent(&tax.0) { naive_half_up(base * tax.1, 100_000) } else { flat(tax) }));
        (base, lines)
    }

    fn nights_of(prices: &[i64]) -> Vec<(NaiveDate, i64)> {
        prices.iter().zip(0u64..).map(|(price, n)| (day() + chrono::Days::new(n), *price)).collect()
    }

    /// A few minor units, where every rounding shows, or what a room costs.
    fn any_prices() -> impl Strategy<Value = Vec<i64>> {
        prop::collection::vec(prop_oneof![0i64..50, 5_000i64..10_000_000], 1..10)
    }

    proptest! {
        #[test]
        fn every_line_is_what_whole_numbers_yield(
            prices in any_prices(), taxes in prop::collection::vec(any_tax(), 0..6), persons in 1i64..=8, later: bool,
        ) {
            let policy = if later { PaymentPolicy::PayAtProperty } else { PaymentPolicy::Prepaid };
            let (rules, nights) = (taxes.iter().map(|(tax, _)| tax.clone()).collect::<Vec<_>>(), nights_of(&prices));
            let naive: Vec<_> = prices.iter().map(|price| naive_night(*price, &taxes, persons)).collect();
            let found = price_room(&nights, &rules, persons, policy).expect("in range");
            prop_assert_eq!(found.is_some(), naive.iter().all(|(base, _)| *base >= 0));
            let Some(found) = found else { return Ok(()) };
            let lines = found.nightly.iter().map(|night| {
                (i128::from(night.base), night.taxes.iter().map(|tax| i128::from(tax.amount)).collect::<Vec<_>>())
            });
            prop_assert_eq!(lines.collect::<Vec<_>>(), naive);
            // Sums, of what is shown and nothing else.
            let shown = |only_later: bool| -> i64 {
                let taxes = found.nightly.iter().flat_map(|night| &night.taxes);
                taxes.filter(|tax| !only_later || tax.due == Due::AtProperty).map(|tax| tax.amount).sum()
            };
            prop_assert_eq!(found.total, found.nightly.iter().map(|night| night.base).sum::<i64>() + shown(false));
            prop_assert_eq!(found.total, found.due_now + found.due_at_property);
            prop_assert_eq!(found.due_at_property, if later { found.total } else { shown(true) });
            // What the hotel shows stays as it is; what is added comes on top.
            let added: i64 = found.nightly.iter().flat_map(|night| &night.taxes).filter(|tax| !tax.included).map(|tax| tax.amount).sum();
            prop_assert_eq!(found.total, prices.iter().sum::<i64>() + added);
        }

        #[test]
        fn a_stay_costs_what_its_parts_cost(
            prices in any_prices(), taxes in prop::collection::vec(any_tax(), 0..4), persons in 1i64..=8, cut in 0usize..10,
        ) {
            let rules: Vec<_> = taxes.into_iter().map(|(tax, _)| tax).collect();
            let nights = nights_of(&prices);
            let (one, other) = nights.split_at(cut.min(nights.len()));
            let price = |nights| price_room(nights, &rules, persons, PaymentPolicy::Prepaid).expect("in range");
            let sum = |one: RoomPrice, other: RoomPrice| {
                (one.total + other.total, one.due_now + other.due_now, [one.nightly, other.nightly].concat())
            };
            let whole = price(&nights).map(|whole| (whole.total, whole.due_now, whole.nightly));
            prop_assert_eq!(whole, price(one).zip(price(other)).map(|(one, other)| sum(one, other)));
        }

        #[test]
        fn no_number_wraps(price: i64, flat in 0..=i64::MAX, persons in 1i64..=i64::MAX, included: bool, milli in 0i64..=100_000) {
            let taxes = [
                tax(TaxValue::PerPersonNight(flat), included, Due::AtProperty),
                tax(TaxValue::Percent(Decimal::new(milli, 3)), !included, Due::Now),
            ];
            let nights = [(day(), price), (day() + chrono::Days::new(1), price)];
            if let Ok(Some(found)) = price_room(&nights, &taxes, persons, PaymentPolicy::Prepaid) {
                let exact: i128 = found.nightly.iter().flat_map(|night| night.taxes.iter().map(|tax| i128::from(tax.amount)).chain([i128::from(night.base)])).sum();
                prop_assert_eq!(i128::from(found.total), exact);
            }
        }
    }
}
