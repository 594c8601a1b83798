//! `/admin/hotels/{hotel_id}/rate-plans`.

use std::sync::Arc;

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, delete, get, patch, post};
use utoipa_actix_web::service_config::ServiceConfig;

use super::patch::PlanPatch;
use super::wire::{PlanBody, PlanFields};
use super::{change, create, delete};
use crate::access::guard::{HotelsRead, May, RatesWrite};
use crate::db::Db;
use crate::hotels::staff::handle;
use crate::hotels::staff::http::{ADMIN, Nothing, OnChange, OnCreate, OnRead, StaffList};
use crate::http::extract::{Body, InOrder, NoQuery, OptionalBody, PathId, PathIds, Query};
use crate::http::idempotency::OptionalKey;
use crate::http::if_match::IfMatch;
use crate::http::problem::Problem;
use crate::kernel::ids::{HotelId, RatePlanId};
use crate::kernel::page::Page;
use crate::kernel::secret::Keyring;

/// The routes.
pub fn routes(app: &mut ServiceConfig<'_>) {
    app.service(list_rate_plans)
        .service(create_rate_plan)
        .service(get_rate_plan)
        .service(change_rate_plan)
        .service(delete_rate_plan)
        .service(restore_rate_plan);
}

/// List a hotel's rate plans
///
/// Oldest first.
#[utoipa::path(tag = ADMIN, params(("hotel_id" = HotelId, Path), StaffList), security(("bearer" = [])),
    responses((status = 200, body = Page<PlanBody>), OnRead))]
#[get("/admin/hotels/{hotel_id}/rate-plans")]
pub async fn list_rate_plans(
    call: InOrder<(May<HotelsRead>, Query<StaffList>, PathId<HotelId>)>,
    db: Data<Db>,
    keys: Data<Arc<Keyring>>,
) -> Result<Json<Page<PlanBody>>, Problem> {
    handle::list(&db, &keys, call).await
}

/// Create a rate plan
///
/// A base plan, or one derived from a base plan by a percentage or an amount. A base plan is on sale on the nights that
/// have a price.
#[utoipa::path(tag = ADMIN, request_body = PlanFields, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = PlanBody), OnCreate))]
#[post("/admin/hotels/{hotel_id}/rate-plans")]
pub async fn create_rate_plan(
    call: InOrder<(May<RatesWrite>, OptionalKey, Body<PlanFields>, PathId<HotelId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    handle::create(&db, call, PlanFields::checked, create::create).await
}

/// See a rate plan
///
/// A deleted one too.
#[utoipa::path(tag = ADMIN, params(("hotel_id" = HotelId, Path), ("rate_plan_id" = RatePlanId, Path)), security(("bearer" = [])),
    responses((status = 200, body = PlanBody), OnRead))]
#[get("/admin/hotels/{hotel_id}/rate-plans/{rate_plan_id}")]
pub async fn get_rate_plan(
    call: InOrder<(May<HotelsRead>, NoQuery, PathIds<HotelId, RatePlanId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    handle::get::<PlanBody>(&db, call).await
}

/// Change a rate plan
///
/// What is absent stays as it is; `null` clears what may be absent; a list is replaced by the one given. Bookings keep
/// their terms.
#[utoipa::path(tag = ADMIN, request_body = PlanPatch, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path), ("rate_plan_id" = RatePlanId, Path), ("If-Match" = String, Header)),
    responses((status = 200, body = PlanBody), OnChange))]
#[patch("/admin/hotels/{hotel_id}/rate-plans/{rate_plan_id}")]
pub async fn change_rate_plan(
    call: InOrder<(May<RatesWrite>, IfMatch, Body<PlanPatch>, PathIds<HotelId, RatePlanId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    handle::change(&db, call, change::change).await
}

/// Delete a rate plan
///
/// It is sold no more, until it is restored; holds and bookings keep their terms. Refused while other plans derive from it.
#[utoipa::path(tag = ADMIN, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path), ("rate_plan_id" = RatePlanId, Path), ("If-Match" = String, Header)),
    responses((status = 204, description = "Deleted"), OnChange))]
#[delete("/admin/hotels/{hotel_id}/rate-plans/{rate_plan_id}")]
pub async fn delete_rate_plan(
    call: InOrder<(May<RatesWrite>, IfMatch, NoQuery, PathIds<HotelId, RatePlanId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    handle::delete(&db, call, delete::delete).await
}

/// Restore a deleted rate plan
///
/// One that is not deleted stays as it is.
#[utoipa::path(tag = ADMIN, request_body = Option<Nothing>, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path), ("rate_plan_id" = RatePlanId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = PlanBody), OnCreate))]
#[post("/admin/hotels/{hotel_id}/rate-plans/{rate_plan_id}/restore")]
pub async fn restore_rate_plan(
    call: InOrder<(May<RatesWrite>, OptionalKey, OptionalBody<Nothing>, PathIds<HotelId, RatePlanId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    handle::restore(&db, call, delete::restore).await
}
