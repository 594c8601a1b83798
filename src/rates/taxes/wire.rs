//! A tax as staff see it, make it and change it.

use chrono::{DateTime, Utc};
use garde::Validate;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};
use serde_with::rust::unwrap_or_skip;
use utoipa::ToSchema;

use crate::hotels::staff::Refusal;
use crate::http::extract::not_blank;
use crate::http::patch::set;
use crate::kernel::decimal::JsonDecimal;
use crate::kernel::ids::{HotelId, TaxId};
use crate::rates::plan::{Due, MAX_AMOUNT};
use crate::rates::pricing::{TaxKind, TaxValue};

/// What a tax says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct TaxFields {
    #[garde(custom(not_blank), length(chars, max = 100))]
    pub name: String,
    pub kind: TaxKind,
    /// Of a `percent`: 0 to 100, of what a night costs without taxes. Else minor units of the hotel's currency, a room and
    /// night, or a person and night.
    pub value: JsonDecimal,
    /// Whether the price of the night contains it; else it is added.
    pub included: bool,
    /// When it is paid, on prepaid plans.
    pub due: Due,
}

impl TaxFields {
    /// What single fields cannot say.
    pub fn check(&self) -> Result<(), Refusal> {
        self.value().map(|_| ())
    }

    /// Themselves, if they are sound.
    pub fn checked(self) -> Result<Self, Refusal> {
        self.check().map(|()| self)
    }

    /// The value, by its kind.
    pub fn value(&self) -> Result<TaxValue, Refusal> {
        let amount = || {
            let amount = self.value.0.to_i64().filter(|amount| Decimal::from(*amount) == self.value.0);
            amount
                .filter(|amount| (0..=MAX_AMOUNT).contains(amount))
                .ok_or_else(|| Refusal::invalid("value", "must be whole minor units, 0 to 100000000000"))
        };
        match self.kind {
            TaxKind::Percent => {
                let is_percent = (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(&self.value.0);
                if is_percent && self.value.has_places(3) {
                    Ok(TaxValue::Percent(self.value.0))
                } else {
                    Err(Refusal::invalid("value", "must be 0 to 100, with at most 3 decimals"))
                }
            }
            TaxKind::PerNight => Ok(TaxValue::PerNight(amount()?)),
            TaxKind::PerPersonNight => Ok(TaxValue::PerPersonNight(amount()?)),
        }
    }
}

/// What is to change of a tax. What is absent stays.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct TaxPatch {
    #[serde(default, with = "unwrap_or_skip")]
    #[garde(inner(custom(not_blank)), length(chars, max = 100))]
    #[schema(nullable = false)]
    name: Option<String>,
    #[serde(default, with = "unwrap_or_skip")]
    #[schema(nullable = false)]
    kind: Option<TaxKind>,
    #[serde(default, with = "unwrap_or_skip")]
    #[schema(nullable = false)]
    value: Option<JsonDecimal>,
    #[serde(default, with = "unwrap_or_skip")]
    #[schema(nullable = false)]
    included: Option<bool>,
    #[serde(default, with = "unwrap_or_skip")]
    #[schema(nullable = false)]
    due: Option<Due>,
}

impl TaxPatch {
    /// The fields as they would be.
    #[must_use]
    pub fn apply(self, to: &TaxFields) -> TaxFields {
        let mut fields = to.clone();
        set(&mut fields.name, self.name);
        set(&mut fields.kind, self.kind);
        set(&mut fields.value, self.value);
        set(&mut fields.included, self.included);
        set(&mut fields.due, self.due);
        fields
    }
}

/// A tax or fee.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HotelTaxBody {
    pub tax_id: TaxId,
    pub hotel_id: HotelId,
    #[serde(flatten)]
    pub fields: TaxFields,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    /// When it was deleted; `null` while it is not.
    #[schema(required)]
    pub deleted_at: Option<DateTime<Utc>>,
}
