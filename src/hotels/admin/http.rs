//! `/admin/hotels`.

use std::sync::Arc;

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, delete, get, patch, post};
use utoipa_actix_web::service_config::ServiceConfig;

use super::wire::{HotelBody, HotelFields, HotelPatch};
use super::{change, create, delete, store};
use crate::access::guard::{HotelsCreate, HotelsRead, HotelsWrite, May};
use crate::db::Db;
use crate::hotels::staff::Refusal;
use crate::hotels::staff::handle::{self, Reach};
use crate::hotels::staff::http::{ADMIN, Nothing, OnChange, OnCreate, OnRead, StaffList, page};
use crate::http::BASE;
use crate::http::extract::{Body, InOrder, NoQuery, OptionalBody, PathId, Query};
use crate::http::idempotency::OptionalKey;
use crate::http::if_match::IfMatch;
use crate::http::problem::Problem;
use crate::kernel::ids::HotelId;
use crate::kernel::page::Page;
use crate::kernel::secret::Keyring;

/// The routes.
pub fn routes(app: &mut ServiceConfig<'_>) {
    app.service(list_hotels)
        .service(create_hotel)
        .service(get_hotel)
        .service(change_hotel)
        .service(delete_hotel)
        .service(restore_hotel);
}

/// List hotels
///
/// Those that the caller runs, oldest first; for admins every hotel.
#[utoipa::path(tag = ADMIN, params(StaffList), security(("bearer" = [])),
    responses((status = 200, body = Page<HotelBody>), OnRead))]
#[get("/admin/hotels")]
pub async fn list_hotels(
    call: InOrder<(May<HotelsRead>, Query<StaffList>)>,
    db: Data<Db>,
    keys: Data<Arc<Keyring>>,
) -> Result<Json<Page<HotelBody>>, Problem> {
    let InOrder((staff, Query(query))) = call;
    let (name, scope) = (format!("admin hotels {}", staff.caller.user_id), staff.caller.scope());
    let read = move |conn: &mut _, wanted| Ok(store::list(conn, scope, wanted)?);
    page(&db, &keys, &name, query, read, |hotel| hotel.hotel_id).await
}

/// Create a hotel
///
/// Admins only. It is empty: add room types, rate plans, rates and taxes, and grant its staff membership.
#[utoipa::path(tag = ADMIN, request_body = HotelFields, security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = HotelBody), OnCreate))]
#[post("/admin/hotels")]
pub async fn create_hotel(
    call: InOrder<(May<HotelsCreate>, OptionalKey, Body<HotelFields>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    let InOrder((staff, key, body)) = call;
    let keyed = key.0.map(|key| key.of(staff.caller.user_id, body.hash));
    let fields = body.value;
    handle::write(&db, staff, Reach::House, keyed, move |tx, by| {
        let hotel = create::create(tx, by, &fields)?;
        Ok(handle::versioned(201, &hotel)?.at(format!("{BASE}/admin/hotels/{}", hotel.hotel_id)))
    })
    .await
}

/// See a hotel as its staff do
///
/// A deleted one too.
#[utoipa::path(tag = ADMIN, params(("hotel_id" = HotelId, Path)), security(("bearer" = [])),
    responses((status = 200, body = HotelBody), OnRead))]
#[get("/admin/hotels/{hotel_id}")]
pub async fn get_hotel(
    call: InOrder<(May<HotelsRead>, NoQuery, PathId<HotelId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    let InOrder((staff, NoQuery, PathId(hotel_id))) = call;
    let scope = staff.caller.scope();
    let hotel = db.read(move |conn| store::find(conn, scope, hotel_id)).await?.ok_or(Refusal::NotFound)?;
    Ok(handle::versioned(200, &hotel)?.into())
}

/// Change a hotel
///
/// What is absent stays as it is; `null` clears what may be absent.
#[utoipa::path(tag = ADMIN, request_body = HotelPatch, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path), ("If-Match" = String, Header)),
    responses((status = 200, body = HotelBody), OnChange))]
#[patch("/admin/hotels/{hotel_id}")]
pub async fn change_hotel(
    call: InOrder<(May<HotelsWrite>, IfMatch, Body<HotelPatch>, PathId<HotelId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    handle::change(&db, call, change::change).await
}

/// Delete a hotel
///
/// It disappears from sale with all that is in it, until it is restored. Refused while guests are to stay there.
#[utoipa::path(tag = ADMIN, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path), ("If-Match" = String, Header)),
    responses((status = 204, description = "Deleted"), OnChange))]
#[delete("/admin/hotels/{hotel_id}")]
pub async fn delete_hotel(
    call: InOrder<(May<HotelsWrite>, IfMatch, NoQuery, PathId<HotelId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    handle::delete(&db, call, delete::delete).await
}

/// Restore a deleted hotel
///
/// One that is not deleted stays as it is.
#[utoipa::path(tag = ADMIN, request_body = Option<Nothing>, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = HotelBody), OnCreate))]
#[post("/admin/hotels/{hotel_id}/restore")]
pub async fn restore_hotel(
    call: InOrder<(May<HotelsWrite>, OptionalKey, OptionalBody<Nothing>, PathId<HotelId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    handle::restore(&db, call, delete::restore).await
}
