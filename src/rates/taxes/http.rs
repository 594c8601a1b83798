//! `/admin/hotels/{hotel_id}/taxes`.

use std::sync::Arc;

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, delete, get, patch, post};
use utoipa_actix_web::service_config::ServiceConfig;

use super::wire::{HotelTaxBody, TaxFields, TaxPatch};
use super::{change, create, delete};
use crate::access::guard::{HotelsRead, HotelsWrite, May};
use crate::db::Db;
use crate::hotels::staff::handle;
use crate::hotels::staff::http::{ADMIN, Nothing, OnChange, OnCreate, OnRead, StaffList};
use crate::http::extract::{Body, InOrder, NoQuery, OptionalBody, PathId, PathIds, Query};
use crate::http::idempotency::OptionalKey;
use crate::http::if_match::IfMatch;
use crate::http::problem::Problem;
use crate::kernel::ids::{HotelId, TaxId};
use crate::kernel::page::Page;
use crate::kernel::secret::Keyring;

/// The routes.
pub fn routes(app: &mut ServiceConfig<'_>) {
    app.service(list_taxes)
        .service(create_tax)
        .service(get_tax)
        .service(change_tax)
        .service(delete_tax)
        .service(restore_tax);
}

/// List a hotel's taxes
///
/// Oldest first.
#[utoipa::path(tag = ADMIN, params(("hotel_id" = HotelId, Path), StaffList), security(("bearer" = [])),
    responses((status = 200, body = Page<HotelTaxBody>), OnRead))]
#[get("/admin/hotels/{hotel_id}/taxes")]
pub async fn list_taxes(
    call: InOrder<(May<HotelsRead>, Query<StaffList>, PathId<HotelId>)>,
    db: Data<Db>,
    keys: Data<Arc<Keyring>>,
) -> Result<Json<Page<HotelTaxBody>>, Problem> {
    handle::list(&db, &keys, call).await
}

/// Create a tax
///
/// Or a fee. From then on it is part of every price.
#[utoipa::path(tag = ADMIN, request_body = TaxFields, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = HotelTaxBody), OnCreate))]
#[post("/admin/hotels/{hotel_id}/taxes")]
pub async fn create_tax(
    call: InOrder<(May<HotelsWrite>, OptionalKey, Body<TaxFields>, PathId<HotelId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    handle::create(&db, call, TaxFields::checked, create::create).await
}

/// See a tax
///
/// A deleted one too.
#[utoipa::path(tag = ADMIN, params(("hotel_id" = HotelId, Path), ("tax_id" = TaxId, Path)), security(("bearer" = [])),
    responses((status = 200, body = HotelTaxBody), OnRead))]
#[get("/admin/hotels/{hotel_id}/taxes/{tax_id}")]
pub async fn get_tax(
    call: InOrder<(May<HotelsRead>, NoQuery, PathIds<HotelId, TaxId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    handle::get::<HotelTaxBody>(&db, call).await
}

/// Change a tax
///
/// What is absent stays as it is. Bookings keep their price.
#[utoipa::path(tag = ADMIN, request_body = TaxPatch, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path), ("tax_id" = TaxId, Path), ("If-Match" = String, Header)),
    responses((status = 200, body = HotelTaxBody), OnChange))]
#[patch("/admin/hotels/{hotel_id}/taxes/{tax_id}")]
pub async fn change_tax(
    call: InOrder<(May<HotelsWrite>, IfMatch, Body<TaxPatch>, PathIds<HotelId, TaxId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    handle::change(&db, call, change::change).await
}

/// Delete a tax
///
/// It is part of no price any more, until it is restored.
#[utoipa::path(tag = ADMIN, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path), ("tax_id" = TaxId, Path), ("If-Match" = String, Header)),
    responses((status = 204, description = "Deleted"), OnChange))]
#[delete("/admin/hotels/{hotel_id}/taxes/{tax_id}")]
pub async fn delete_tax(
    call: InOrder<(May<HotelsWrite>, IfMatch, NoQuery, PathIds<HotelId, TaxId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    handle::delete(&db, call, delete::delete).await
}

/// Restore a deleted tax
///
/// One that is not deleted stays as it is.
#[utoipa::path(tag = ADMIN, request_body = Option<Nothing>, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path), ("tax_id" = TaxId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = HotelTaxBody), OnCreate))]
#[post("/admin/hotels/{hotel_id}/taxes/{tax_id}/restore")]
pub async fn restore_tax(
    call: InOrder<(May<HotelsWrite>, OptionalKey, OptionalBody<Nothing>, PathIds<HotelId, TaxId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    handle::restore(&db, call, delete::restore).await
}
