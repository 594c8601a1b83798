//! `/admin/users`.

use std::sync::Arc;

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, delete, get, patch, post};
use garde::Validate;
use serde::Deserialize;
use serde_with::rust::unwrap_or_skip;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::store::{self, Filter, Grant, User};
use super::{change, grant, revoke};
use crate::access::guard::{May, UsersRead, UsersWrite};
use crate::accounts::administration::administer;
use crate::accounts::roles::name::{self, PathRole};
use crate::db::Db;
use crate::hotels::staff::Refusal;
use crate::hotels::staff::handle;
use crate::hotels::staff::http::{ADMIN, OnChange, OnCreate, OnRead, StaffList, page};
use crate::http::extract::{Body, InOrder, NoQuery, PathId, Query};
use crate::http::idempotency::{Answer, OptionalKey};
use crate::http::if_match::IfMatch;
use crate::http::list::ListQuery;
use crate::http::problem::Problem;
use crate::kernel::ids::UserId;
use crate::kernel::page::{MAX_LIMIT, Page};
use crate::kernel::secret::Keyring;

/// The routes.
pub fn routes(app: &mut ServiceConfig<'_>) {
    app.service(list_users)
        .service(get_user)
        .service(change_user)
        .service(list_user_roles)
        .service(grant_role)
        .service(revoke_role);
}

/// Which users.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UserList {
    /// Rows a page [default: 50].
    #[garde(range(min = 1, max = MAX_LIMIT))]
    limit: Option<i64>,
    #[garde(length(bytes, max = 2000))]
    cursor: Option<String>,
    /// The whole address, in any case.
    #[garde(length(chars, min = 1, max = 254))]
    email: Option<String>,
    /// Those who have this role.
    #[garde(length(chars, min = 1, max = 40))]
    role: Option<String>,
    /// `true`: those who are disabled, `false`: those who are not [default: both].
    #[garde(skip)]
    disabled: Option<bool>,
}

/// What is to be changed of a user.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPatch {
    /// `true` signs them out everywhere, and lets them in no more.
    #[garde(skip)]
    #[serde(default, with = "unwrap_or_skip")]
    #[schema(nullable = false)]
    disabled: Option<bool>,
}

/// A role to be granted.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGrant {
    #[garde(length(chars, min = 1, max = 40))]
    #[schema(example = "manager")]
    role: String,
}

/// List users
///
/// Oldest account first.
#[utoipa::path(tag = ADMIN, params(UserList), security(("bearer" = [])),
    responses((status = 200, body = Page<User>), OnRead))]
#[get("/admin/users")]
pub async fn list_users(
    call: InOrder<(May<UsersRead>, Query<UserList>)>,
    db: Data<Db>,
    keys: Data<Arc<Keyring>>,
) -> Result<Json<Page<User>>, Problem> {
    let InOrder((_, Query(UserList { limit, cursor, email, role, disabled }))) = call;
    let name = format!("admin users {email:?} {role:?} {disabled:?}");
    let filter = Filter { email, role, disabled };
    let read = move |conn: &mut _, wanted| Ok(store::list(conn, &filter, wanted)?);
    page(&db, &keys, &name, StaffList { limit, cursor, deleted: None }, read, |user| user.user_id).await
}

/// See a user
#[utoipa::path(tag = ADMIN, params(("user_id" = UserId, Path)), security(("bearer" = [])),
    responses((status = 200, body = User), OnRead))]
#[get("/admin/users/{user_id}")]
pub async fn get_user(
    call: InOrder<(May<UsersRead>, NoQuery, PathId<UserId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    let InOrder((_, NoQuery, PathId(user_id))) = call;
    let user = db.read(move |conn| store::find(conn, user_id)).await?.ok_or(Refusal::NotFound)?;
    Ok(handle::answer(200, &user)?.version(user.version).into())
}

/// Disable or enable a user
///
/// Disabled, they are signed out everywhere and cannot sign in; what they have booked stays. The last admin is not
/// disabled.
#[utoipa::path(tag = ADMIN, request_body = UserPatch, security(("bearer" = [])),
    params(("user_id" = UserId, Path), ("If-Match" = String, Header)),
    responses((status = 200, body = User), OnChange))]
#[patch("/admin/users/{user_id}")]
pub async fn change_user(
    call: InOrder<(May<UsersWrite>, IfMatch, Body<UserPatch>, PathId<UserId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    let InOrder((staff, IfMatch(expected), body, PathId(user_id))) = call;
    let disabled = body.value.disabled;
    administer(&db, staff, None, move |tx, by| {
        let user = change::change(tx, by, user_id, &expected, disabled)?;
        Ok(handle::answer(200, &user)?.version(user.version))
    })
    .await
}

/// List a user's roles
#[utoipa::path(tag = ADMIN, params(("user_id" = UserId, Path), ListQuery), security(("bearer" = [])),
    responses((status = 200, body = Page<Grant>), OnRead))]
#[get("/admin/users/{user_id}/roles")]
pub async fn list_user_roles(
    call: InOrder<(May<UsersRead>, Query<ListQuery>, PathId<UserId>)>,
    db: Data<Db>,
    keys: Data<Arc<Keyring>>,
) -> Result<Json<Page<Grant>>, Problem> {
    let InOrder((_, Query(query), PathId(user_id))) = call;
    let read = move |conn: &mut _, after: &str, rows| {
        store::find(conn, user_id)?.ok_or(Refusal::NotFound)?;
        Ok(store::grants(conn, user_id, after, rows)?)
    };
    name::page(&db, &keys, &format!("admin user roles {user_id}"), query, read, |grant| grant.role.clone()).await
}

/// Grant a role
///
/// It counts on the user's next request. Somebody who has it already: 200.
#[utoipa::path(tag = ADMIN, request_body = NewGrant, security(("bearer" = [])),
    params(("user_id" = UserId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = Grant), (status = 200, body = Grant, description = "Had it already"), OnCreate))]
#[post("/admin/users/{user_id}/roles")]
pub async fn grant_role(
    call: InOrder<(May<UsersWrite>, OptionalKey, Body<NewGrant>, PathId<UserId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    let InOrder((staff, key, body, PathId(user_id))) = call;
    let keyed = key.0.map(|key| key.of(staff.caller.user_id, body.hash));
    let role = body.value.role;
    administer(&db, staff, keyed, move |tx, by| {
        let (grant, is_new) = grant::grant(tx, by, user_id, &role)?;
        Ok(handle::answer(if is_new { 201 } else { 200 }, &grant)?)
    })
    .await
}

/// Revoke a role
///
/// It counts on the user's next request. The last admin keeps theirs: 409 `last_admin`.
#[utoipa::path(tag = ADMIN, security(("bearer" = [])),
    params(("user_id" = UserId, Path), ("role" = String, Path)),
    responses((status = 204, description = "Has it no more"), OnCreate))]
#[delete("/admin/users/{user_id}/roles/{role}")]
pub async fn revoke_role(
    call: InOrder<(May<UsersWrite>, NoQuery, PathId<UserId>, PathRole)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    let InOrder((staff, NoQuery, PathId(user_id), PathRole(role))) = call;
    administer(&db, staff, None, move |tx, by| {
        revoke::revoke(tx, by, user_id, &role)?;
        Ok(Answer::nothing())
    })
    .await
}
