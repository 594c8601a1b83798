//! What is to change of a rate plan.

use garde::Validate;
use serde::Deserialize;
use serde_with::rust::{double_option, unwrap_or_skip};
use utoipa::ToSchema;

use super::wire::{ChildBandBody, DerivedFrom, PlanFields, TierBody};
use crate::http::extract::not_blank;
use crate::http::patch::set;
use crate::kernel::ids::RoomTypeId;
use crate::rates::plan::{MealPlan, PaymentPolicy};

/// What is to change of a rate plan. What is absent stays; `null` clears what may be absent; a list is replaced by the
/// one given.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct PlanPatch {
    #[serde(default, with = "unwrap_or_skip")]
    #[garde(inner(custom(not_blank)), length(chars, max = 200))]
    #[schema(nullable = false)]
    name: Option<String>,
    #[serde(default, with = "unwrap_or_skip")]
    #[schema(nullable = false)]
    meal_plan: Option<MealPlan>,
    #[serde(default, with = "unwrap_or_skip")]
    #[schema(nullable = false)]
    payment_policy: Option<PaymentPolicy>,
    #[serde(default, with = "unwrap_or_skip")]
    #[garde(length(max = 20), dive)]
    #[schema(nullable = false)]
    cancellation: Option<Vec<TierBody>>,
    /// Of a derived plan: another base plan, percentage or amount. A base plan stays one, and so does a derived plan.
    #[serde(default, with = "double_option")]
    #[garde(dive)]
    #[schema(value_type = Option<DerivedFrom>)]
    derived_from: Option<Option<DerivedFrom>>,
    #[serde(default, with = "unwrap_or_skip")]
    #[garde(length(min = 1, max = 200))]
    #[schema(nullable = false)]
    room_type_ids: Option<Vec<RoomTypeId>>,
    #[serde(default, with = "double_option")]
    #[garde(range(min = 1, max = 99))]
    #[schema(value_type = Option<i16>)]
    min_stay: Option<Option<i16>>,
    #[serde(default, with = "double_option")]
    #[garde(range(min = 1, max = 99))]
    #[schema(value_type = Option<i16>)]
    max_stay: Option<Option<i16>>,
    #[serde(default, with = "double_option")]
    #[garde(range(min = 0))]
    #[schema(value_type = Option<i16>)]
    min_advance_days: Option<Option<i16>>,
    #[serde(default, with = "double_option")]
    #[garde(range(min = 0))]
    #[schema(value_type = Option<i16>)]
    max_advance_days: Option<Option<i16>>,
    #[serde(default, with = "unwrap_or_skip")]
    #[garde(length(max = 18), dive)]
    #[schema(nullable = false)]
    child_bands: Option<Vec<ChildBandBody>>,
}

impl PlanPatch {
    /// The fields as they would be.
    #[must_use]
    pub fn apply(self, to: &PlanFields) -> PlanFields {
        let mut fields = to.clone();
        set(&mut fields.name, self.name);
        set(&mut fields.meal_plan, self.meal_plan);
        set(&mut fields.payment_policy, self.payment_policy);
        set(&mut fields.cancellation, self.cancellation);
        set(&mut fields.derived_from, self.derived_from);
        set(&mut fields.room_type_ids, self.room_type_ids);
        set(&mut fields.min_stay, self.min_stay);
        set(&mut fields.max_stay, self.max_stay);
        set(&mut fields.min_advance_days, self.min_advance_days);
        set(&mut fields.max_advance_days, self.max_advance_days);
        set(&mut fields.child_bands, self.child_bands);
        fields.sorted()
    }
}
