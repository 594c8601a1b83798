//! Refusals of bulk changes as problems.

use serde_json::json;
use utoipa::IntoResponses;

use super::refusal::{Fault, Refused};
use crate::http::problem::{Code, FieldError, Problem, ProblemDocument};

/// How a bulk change may be refused.
#[derive(IntoResponses)]
pub enum OnBulk {
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(ProblemDocument),
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(ProblemDocument),
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(ProblemDocument),
    /// Of a hotel that the caller does not run
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(ProblemDocument),
    /// capacity_below_commitments, rate_is_derived; with every item at fault in conflicts
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(ProblemDocument),
    /// precondition_failed with every item at fault in conflicts
    #[response(status = 412, content_type = "application/problem+json")]
    Stale(ProblemDocument),
    /// With every item at fault in errors; but a value of the wrong JSON type is named alone
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(ProblemDocument),
    /// busy, database_away
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(ProblemDocument),
}

impl From<Fault> for FieldError {
    fn from(fault: Fault) -> Self {
        let code = if fault.is_missing { "missing" } else { "invalid" };
        Self { field: fault.field, code: code.to_owned(), message: fault.message }
    }
}

impl From<FieldError> for Fault {
    fn from(error: FieldError) -> Self {
        Self { is_missing: error.code == "missing", field: error.field, message: error.message }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Staff(refusal) => refusal.into(),
            Refused::Invalid(faults) => Self::invalid(faults.into_iter().map(FieldError::from).collect()),
            Refused::Stale(stale) => {
                let detail = format!("{} items name another version than the current one", stale.len());
                let first = stale.first();
                let current = first.map(|stale| stale.current_version);
                Self::new(Code::PreconditionFailed, detail).with("current_version", current).with("conflicts", stale)
            }
            Refused::Below(below) => {
                let first = below.first();
                let (item, night) = (first.map(|below| below.item), first.map(|below| below.first_night));
                Self::plain(Code::CapacityBelowCommitments)
                    .with("item", item)
                    .with("first_night", night)
                    .with("conflicts", below)
            }
            Refused::RateIsDerived(items) => {
                let conflicts: Vec<_> = items.iter().map(|item| json!({ "item": item })).collect();
                Self::plain(Code::RateIsDerived).with("item", items.first()).with("conflicts", conflicts)
            }
            Refused::Db(error) => error.into(),
        }
    }
}
