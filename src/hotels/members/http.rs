//! `/admin/hotels/{hotel_id}/members`.

use std::sync::Arc;

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, delete, get, post};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::grant::{self, Whom};
use super::revoke;
use super::store::{self, Member};
use crate::access::guard::{HotelsRead, May, MembersWrite};
use crate::db::Db;
use crate::hotels::staff::ManagedHotel;
use crate::hotels::staff::handle::{self, Reach};
use crate::hotels::staff::http::{ADMIN, OnCreate, OnRead, page};
use crate::http::extract::{Body, InOrder, NoQuery, PathId, PathIds, Query};
use crate::http::idempotency::{Answer, OptionalKey};
use crate::http::list::ListQuery;
use crate::http::problem::Problem;
use crate::kernel::ids::{HotelId, UserId};
use crate::kernel::page::Page;
use crate::kernel::secret::Keyring;

/// The routes.
pub fn routes(app: &mut ServiceConfig<'_>) {
    app.service(list_members).service(grant_membership).service(revoke_membership);
}

/// Who is to be a member: by id or by address, one of the two.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMember {
    #[garde(skip)]
    user_id: Option<UserId>,
    #[garde(length(chars, min = 1, max = 254))]
    email: Option<String>,
}

impl NewMember {
    fn whom(self) -> Result<Whom, Problem> {
        match (self.user_id, self.email) {
            (Some(user_id), None) => Ok(Whom::User(user_id)),
            (None, Some(email)) => Ok(Whom::Email(email)),
            _ => Err(Problem::field("user_id", "user_id or email, one of the two")),
        }
    }
}

/// List a hotel's members
///
/// Those who reach it as its staff. Admins reach every hotel and need not be listed.
#[utoipa::path(tag = ADMIN, params(("hotel_id" = HotelId, Path), ListQuery), security(("bearer" = [])),
    responses((status = 200, body = Page<Member>), OnRead))]
#[get("/admin/hotels/{hotel_id}/members")]
pub async fn list_members(
    call: InOrder<(May<HotelsRead>, Query<ListQuery>, PathId<HotelId>)>,
    db: Data<Db>,
    keys: Data<Arc<Keyring>>,
) -> Result<Json<Page<Member>>, Problem> {
    let InOrder((staff, Query(query), PathId(hotel_id))) = call;
    let scope = staff.caller.scope();
    let read = move |conn: &mut _, wanted| {
        let hotel = ManagedHotel::find(conn, scope, hotel_id)?;
        Ok(store::list(conn, &hotel, wanted)?)
    };
    let name = format!("admin members {hotel_id}");
    page(&db, &keys, &name, query.into(), read, |member| member.user_id).await
}

/// Make somebody a member
///
/// Admins only. It counts on the member's next request. Somebody who is a member already: 200. Addresses are not verified:
/// an `email` names whoever registered it first.
#[utoipa::path(tag = ADMIN, request_body = NewMember, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = Member), (status = 200, body = Member, description = "A member already"), OnCreate))]
#[post("/admin/hotels/{hotel_id}/members")]
pub async fn grant_membership(
    call: InOrder<(May<MembersWrite>, OptionalKey, Body<NewMember>, PathId<HotelId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    let InOrder((staff, key, body, PathId(hotel_id))) = call;
    let keyed = key.0.map(|key| key.of(staff.caller.user_id, body.hash));
    let whom = body.value.whom()?;
    handle::write(&db, staff, Reach::Hotel(hotel_id), keyed, move |tx, by| {
        let (member, is_new) = grant::grant(tx, by, hotel_id, &whom)?;
        Ok(handle::answer(if is_new { 201 } else { 200 }, &member)?)
    })
    .await
}

/// End somebody's membership
///
/// Admins only. It counts on the member's next request.
#[utoipa::path(tag = ADMIN, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path), ("user_id" = UserId, Path)),
    responses((status = 204, description = "No member any more"), OnRead))]
#[delete("/admin/hotels/{hotel_id}/members/{user_id}")]
pub async fn revoke_membership(
    call: InOrder<(May<MembersWrite>, NoQuery, PathIds<HotelId, UserId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    let InOrder((staff, NoQuery, PathIds(hotel_id, user_id))) = call;
    handle::write(&db, staff, Reach::Hotel(hotel_id), None, move |tx, by| {
        revoke::revoke(tx, by, hotel_id, user_id)?;
        Ok(Answer::nothing())
    })
    .await
}
