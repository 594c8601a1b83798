//! `/admin/hotels/{hotel_id}/taxes`.

use std::sync::Arc;

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, delete, get, patch, post};
use utoipa_actix_web::service_config::ServiceConfig;

use super::wire::{HotelTaxBody, TaxFields, TaxPatch};
use super::{change, create, delete, store};
use crate::access::guard::{HotelsRead, HotelsWrite, May};
use crate::db::Db;
use crate::hotels::staff::http::{self as staff, ADMIN, Nothing, OnChange, OnCreate, OnRead, StaffList, versioned};
use crate::hotels::staff::{ManagedHotel, Refusal};
use crate::http::BASE;
use crate::http::extract::{Body, InOrder, NoQuery, OptionalBody, PathId, PathIds, Query};
use crate::http::idempotency::{Answer, OptionalKey};
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
    let InOrder((staff, Query(query), PathId(hotel_id))) = call;
    let scope = staff.caller.scope();
    let read = move |conn: &mut _, wanted| {
        let hotel = ManagedHotel::find(conn, scope, hotel_id)?;
        Ok(store::list(conn, &hotel, wanted)?)
    };
    let name = format!("admin taxes {hotel_id}");
    staff::page(&db, &keys, &name, query, read, |tax| tax.tax_id).await
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
    let InOrder((staff, key, body, PathId(hotel_id))) = call;
    let keyed = key.0.map(|key| key.of(staff.caller.user_id, body.hash));
    let fields = body.value;
    fields.check()?;
    staff::write(&db, keyed, move |tx| {
        let made = create::create(tx, &staff.caller, hotel_id, &fields)?;
        let location = format!("{BASE}/admin/hotels/{hotel_id}/taxes/{}", made.tax_id);
        Ok(versioned(201, &made, made.version)?.at(location))
    })
    .await
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
    let InOrder((staff, NoQuery, PathIds(hotel_id, id))) = call;
    let scope = staff.caller.scope();
    let read = move |conn: &mut _| {
        let hotel = ManagedHotel::find(conn, scope, hotel_id)?;
        store::find(conn, &hotel, id)?.ok_or(Refusal::NotFound)
    };
    let tax = db.read(read).await?;
    Ok(versioned(200, &tax, tax.version)?.into())
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
    let InOrder((staff, IfMatch(expected), body, PathIds(hotel_id, id))) = call;
    staff::write(&db, None, move |tx| {
        let changed = change::change(tx, &staff.caller, (hotel_id, id), &expected, body.value.clone())?;
        versioned(200, &changed, changed.version)
    })
    .await
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
    let InOrder((staff, IfMatch(expected), NoQuery, PathIds(hotel_id, id))) = call;
    staff::write(&db, None, move |tx| {
        delete::delete(tx, &staff.caller, (hotel_id, id), &expected)?;
        Ok(Answer::nothing())
    })
    .await
}

/// Restore a deleted tax
///
/// One that is not deleted stays as it is.
#[utoipa::path(tag = ADMIN, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path), ("tax_id" = TaxId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = HotelTaxBody), OnCreate))]
#[post("/admin/hotels/{hotel_id}/taxes/{tax_id}/restore")]
pub async fn restore_tax(
    call: InOrder<(May<HotelsWrite>, OptionalKey, OptionalBody<Nothing>, PathIds<HotelId, TaxId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    let InOrder((staff, key, OptionalBody(body), PathIds(hotel_id, id))) = call;
    let keyed = key.0.map(|key| key.of(staff.caller.user_id, body.hash));
    staff::write(&db, keyed, move |tx| {
        let restored = delete::restore(tx, &staff.caller, (hotel_id, id))?;
        versioned(200, &restored, restored.version)
    })
    .await
}
