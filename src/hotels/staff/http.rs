//! What the calls of staff have in common on the wire: refusals as problems, lists.

use std::sync::Arc;

use actix_web::web::Json;
use diesel::PgConnection;
use garde::Validate;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, IntoResponses, ToSchema};
use uuid::Uuid;

use super::Refusal;
use crate::db::Db;
use crate::http::idempotency::Halt;
use crate::http::list::ListQuery;
use crate::http::problem::{Code, Problem, ProblemDocument};
use crate::kernel::page::{self, DEFAULT_LIMIT, MAX_LIMIT, Page};
use crate::kernel::secret::Keyring;

/// The tag of the calls of staff.
pub const ADMIN: &str = "admin";

/// How staff's reading may be refused.
#[derive(IntoResponses)]
pub enum OnRead {
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(ProblemDocument),
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(ProblemDocument),
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(ProblemDocument),
    /// Unknown, or of a hotel that the caller does not run
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(ProblemDocument),
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(ProblemDocument),
}

/// How staff's creating and restoring may be refused.
#[derive(IntoResponses)]
pub enum OnCreate {
    /// idempotency_key_invalid
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(ProblemDocument),
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(ProblemDocument),
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(ProblemDocument),
    /// Unknown, or of a hotel that the caller does not run
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(ProblemDocument),
    /// Told by its code
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(ProblemDocument),
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(ProblemDocument),
    /// busy, database_away
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(ProblemDocument),
}

/// How staff's changing and deleting may be refused.
#[derive(IntoResponses)]
pub enum OnChange {
    /// malformed_request
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(ProblemDocument),
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(ProblemDocument),
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(ProblemDocument),
    /// Unknown, or of a hotel that the caller does not run
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(ProblemDocument),
    /// Told by its code
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(ProblemDocument),
    /// precondition_failed with current_version
    #[response(status = 412, content_type = "application/problem+json")]
    Stale(ProblemDocument),
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(ProblemDocument),
    /// precondition_required
    #[response(status = 428, content_type = "application/problem+json")]
    Unconditional(ProblemDocument),
    /// busy, database_away
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(ProblemDocument),
}

/// A body that says nothing: none at all, or `{}`.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::plain(Code::NotFound),
            Refusal::Version(mismatch) => mismatch.into(),
            Refusal::Invalid { field, message } => Self::field(field, message),
            Refusal::CurrencyInUse => Self::plain(Code::CurrencyInUse),
            Refusal::HasFutureBookings { bookings, holds } => {
                let detail = format!("{bookings} bookings and {holds} holds are ahead");
                Self::new(Code::HasFutureBookings, detail).with("bookings", bookings).with("holds", holds)
            }
            Refusal::BelowCommitments { first_night } => {
                Self::plain(Code::CapacityBelowCommitments).with("first_night", first_night)
            }
            Refusal::NumberTaken => Self::plain(Code::RoomNumberTaken),
            Refusal::RoomAssigned { nights } => Self::plain(Code::RoomAssigned).with("nights", nights),
            Refusal::PlanInUse { derived_plans } => {
                Self::plain(Code::RatePlanInUse).with("derived_plans", derived_plans)
            }
            Refusal::BasePlanUnavailable => Self::plain(Code::BasePlanUnavailable),
            Refusal::LastAdmin => Self::plain(Code::LastAdmin),
            Refusal::Barred(barred) => barred.into(),
            Refusal::Db(error) => error.into(),
        }
    }
}

impl<R> From<Refusal> for Halt<R> {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Db(error) => Self::Db(error),
            refusal => Self::Refused(refusal.into()),
        }
    }
}

/// The query of a list of staff.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StaffList {
    /// Rows a page [default: 50].
    #[garde(range(min = 1, max = MAX_LIMIT))]
    pub limit: Option<i64>,
    #[garde(length(bytes, max = 2000))]
    pub cursor: Option<String>,
    /// `true`: what was deleted, instead of what is there [default: false].
    #[garde(skip)]
    pub deleted: Option<bool>,
}

impl From<ListQuery> for StaffList {
    fn from(query: ListQuery) -> Self {
        Self { limit: query.limit, cursor: query.cursor, deleted: None }
    }
}

/// Which rows a page is to have.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<K> {
    /// Ids after this one; the nil id is before all of them.
    pub after: K,
    /// One more than the page has, so that it is known whether there is another.
    pub rows: i64,
    pub deleted: bool,
}

/// A page of the list that `name` names, in the order of its ids.
pub async fn page<K, T>(
    db: &Db,
    keys: &Arc<Keyring>,
    name: &str,
    query: StaffList,
    read: impl Fn(&mut PgConnection, Wanted<K>) -> Result<Vec<T>, Refusal> + Send + 'static,
    id: impl Fn(&T) -> K,
) -> Result<Json<Page<T>>, Problem>
where
    K: From<Uuid> + Serialize + DeserializeOwned + Copy + Send + Sync + 'static,
    T: Send + 'static,
{
    let deleted = query.deleted.unwrap_or_default();
    let list = format!("{name} deleted={deleted}");
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let after = query.cursor.map_or_else(|| Ok(K::from(Uuid::nil())), |cursor| page::open(keys, &list, &cursor));
    let wanted = Wanted { after: after.map_err(|_| Problem::plain(Code::CursorInvalid))?, rows: limit + 1, deleted };
    let rows = db.read(move |conn| read(conn, wanted)).await?;
    Ok(Json(page::cut(keys, &list, rows, limit, id)?))
}
