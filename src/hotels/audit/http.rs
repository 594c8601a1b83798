//! `GET /admin/audit`.

use std::sync::Arc;

use actix_web::get;
use actix_web::web::{Data, Json};
use chrono::{DateTime, Datelike, Utc};
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::store::{self, AuditEntry, Wanted};
use crate::access::guard::{AuditRead, May};
use crate::audit::{Action, Resource};
use crate::db::Db;
use crate::hotels::staff::http::{ADMIN, OnRead};
use crate::http::extract::{InOrder, Query};
use crate::http::problem::{Code, Problem};
use crate::kernel::ids::{AuditId, HotelId, UserId};
use crate::kernel::page::{self, DEFAULT_LIMIT, MAX_LIMIT, Page};
use crate::kernel::secret::Keyring;

/// The routes.
pub fn routes(app: &mut ServiceConfig<'_>) {
    app.service(list_audit);
}

/// Which entries of the audit log; all that the caller may see, if nothing is said.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    #[garde(skip)]
    hotel_id: Option<HotelId>,
    /// The user who did it.
    #[garde(skip)]
    actor: Option<UserId>,
    #[garde(skip)]
    #[param(inline)]
    action: Option<Action>,
    #[garde(skip)]
    #[param(inline)]
    resource: Option<Resource>,
    #[garde(skip)]
    resource_id: Option<Uuid>,
    /// From this moment on.
    #[garde(inner(custom(of_our_times)))]
    from: Option<DateTime<Utc>>,
    /// Until before this moment.
    #[garde(inner(custom(of_our_times)))]
    to: Option<DateTime<Utc>>,
    /// Rows a page [default: 50].
    #[garde(range(min = 1, max = MAX_LIMIT))]
    limit: Option<i64>,
    #[garde(length(bytes, max = 2000))]
    cursor: Option<String>,
}

/// Years have four digits in RFC 3339; others that are read here are none to PostgreSQL.
fn of_our_times(moment: &DateTime<Utc>, _: &()) -> garde::Result {
    if (1..=9_999).contains(&moment.year()) { Ok(()) } else { Err(garde::Error::new("must be in the years 1 to 9999")) }
}

/// Read the audit log
///
/// The newest entry first. Managers see the entries of their own hotels; admins see all, those of no hotel too.
#[utoipa::path(tag = ADMIN, params(AuditQuery), security(("bearer" = [])),
    responses((status = 200, body = Page<AuditEntry>), OnRead))]
#[get("/admin/audit")]
pub async fn list_audit(
    call: InOrder<(May<AuditRead>, Query<AuditQuery>)>,
    db: Data<Db>,
    keys: Data<Arc<Keyring>>,
) -> Result<Json<Page<AuditEntry>>, Problem> {
    let InOrder((staff, Query(query))) = call;
    if query.from.zip(query.to).is_some_and(|(from, to)| from >= to) {
        return Err(Problem::field("to", "must be after from"));
    }
    let AuditQuery { hotel_id, actor, action, resource, resource_id, from, to, limit, cursor } = query;
    let list = format!("admin audit {:?}", (hotel_id, actor, action, resource, resource_id, from, to));
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    let before: Option<(DateTime<Utc>, AuditId)> = match cursor {
        Some(cursor) => Some(page::open(&keys, &list, &cursor).map_err(|_| Problem::plain(Code::CursorInvalid))?),
        None => None,
    };
    let wanted = Wanted { hotel_id, actor, action, resource, resource_id, from, to, before, rows: limit + 1 };
    let scope = staff.caller.scope();
    let rows = db.read(move |conn| store::list(conn, scope, &wanted)).await?;
    Ok(Json(page::cut(&keys, &list, rows, limit, |entry| (entry.created_at, entry.audit_id))?))
}
