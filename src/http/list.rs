//! Lists: a page at a time.

use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::kernel::page::MAX_LIMIT;

/// The query of a list.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Rows a page [default: 50].
    #[garde(range(min = 1, max = MAX_LIMIT))]
    pub limit: Option<i64>,
    #[garde(length(bytes, max = 2000))]
    pub cursor: Option<String>,
}
