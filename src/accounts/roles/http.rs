//! `/admin/roles`.

use std::sync::Arc;

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, get, patch};
use garde::Validate;
use serde::Deserialize;
use serde_with::rust::unwrap_or_skip;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::change::{self, Patch};
use super::name::{self, PathRole};
use super::store::{self, Role};
use crate::access::guard::{May, UsersRead, UsersWrite};
use crate::accounts::administration::administer;
use crate::db::Db;
use crate::hotels::staff::Refusal;
use crate::hotels::staff::handle;
use crate::hotels::staff::http::{ADMIN, OnChange, OnRead};
use crate::http::extract::{Body, InOrder, NoQuery, Query, not_blank};
use crate::http::if_match::IfMatch;
use crate::http::list::ListQuery;
use crate::http::problem::Problem;
use crate::kernel::page::Page;
use crate::kernel::secret::Keyring;

/// The routes.
pub fn routes(app: &mut ServiceConfig<'_>) {
    app.service(list_roles).service(get_role).service(change_role);
}

/// What is to be changed of a role.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RolePatch {
    #[garde(inner(custom(not_blank), length(chars, max = 200)))]
    #[serde(default, with = "unwrap_or_skip")]
    #[schema(nullable = false)]
    description: Option<String>,
    /// All that it may do: the list is replaced.
    #[garde(length(max = 100))]
    #[serde(default, with = "unwrap_or_skip")]
    #[schema(nullable = false)]
    permissions: Option<Vec<String>>,
}

/// List roles
///
/// Each with what it may do.
#[utoipa::path(tag = ADMIN, params(ListQuery), security(("bearer" = [])),
    responses((status = 200, body = Page<Role>), OnRead))]
#[get("/admin/roles")]
pub async fn list_roles(
    call: InOrder<(May<UsersRead>, Query<ListQuery>)>,
    db: Data<Db>,
    keys: Data<Arc<Keyring>>,
) -> Result<Json<Page<Role>>, Problem> {
    let InOrder((_, Query(query))) = call;
    let read = |conn: &mut _, after: &str, rows| Ok(store::list(conn, after, rows)?);
    name::page(&db, &keys, "admin roles", query, read, |role| role.role.clone()).await
}

/// See a role
#[utoipa::path(tag = ADMIN, params(("role" = String, Path)), security(("bearer" = [])),
    responses((status = 200, body = Role), OnRead))]
#[get("/admin/roles/{role}")]
pub async fn get_role(
    call: InOrder<(May<UsersRead>, NoQuery, PathRole)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    let InOrder((_, NoQuery, PathRole(role))) = call;
    let role = db.read(move |conn| store::find(conn, &role)).await?.ok_or(Refusal::NotFound)?;
    Ok(handle::answer(200, &role)?.version(role.version).into())
}

/// Change what a role may do
///
/// It counts on the next request of whoever has the role. What would leave nobody who may change users and roles is
/// refused: 409 `last_admin`.
#[utoipa::path(tag = ADMIN, request_body = RolePatch, security(("bearer" = [])),
    params(("role" = String, Path), ("If-Match" = String, Header)),
    responses((status = 200, body = Role), OnChange))]
#[patch("/admin/roles/{role}")]
pub async fn change_role(
    call: InOrder<(May<UsersWrite>, IfMatch, Body<RolePatch>, PathRole)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    let InOrder((staff, IfMatch(expected), body, PathRole(role))) = call;
    let RolePatch { description, permissions } = body.value;
    let patch = Patch { description, permissions };
    administer(&db, staff, None, move |tx, by| {
        let role = change::change(tx, by, &role, &expected, patch.clone())?;
        Ok(handle::answer(200, &role)?.version(role.version))
    })
    .await
}
