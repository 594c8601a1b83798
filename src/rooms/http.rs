//! `/admin/hotels/{hotel_id}/rooms`.

use std::sync::Arc;

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, delete, get, patch, post};
use utoipa_actix_web::service_config::ServiceConfig;

use super::wire::{RoomBody, RoomFields, RoomPatch};
use super::{change, create, delete};
use crate::access::guard::{HotelsRead, HotelsWrite, May};
use crate::db::Db;
use crate::hotels::staff::handle;
use crate::hotels::staff::http::{ADMIN, Nothing, OnChange, OnCreate, OnRead, StaffList};
use crate::http::extract::{Body, InOrder, NoQuery, OptionalBody, PathId, PathIds, Query};
use crate::http::idempotency::OptionalKey;
use crate::http::if_match::IfMatch;
use crate::http::problem::Problem;
use crate::kernel::ids::{HotelId, RoomId};
use crate::kernel::page::Page;
use crate::kernel::secret::Keyring;

/// The routes.
pub fn routes(app: &mut ServiceConfig<'_>) {
    app.service(list_rooms)
        .service(create_room)
        .service(get_room)
        .service(change_room)
        .service(delete_room)
        .service(restore_room);
}

/// List a hotel's rooms
///
/// Oldest first.
#[utoipa::path(tag = ADMIN, params(("hotel_id" = HotelId, Path), StaffList), security(("bearer" = [])),
    responses((status = 200, body = Page<RoomBody>), OnRead))]
#[get("/admin/hotels/{hotel_id}/rooms")]
pub async fn list_rooms(
    call: InOrder<(May<HotelsRead>, Query<StaffList>, PathId<HotelId>)>,
    db: Data<Db>,
    keys: Data<Arc<Keyring>>,
) -> Result<Json<Page<RoomBody>>, Problem> {
    handle::list(&db, &keys, call).await
}

/// Create a room
///
/// A physical one, for assignment. What can be sold is the capacity of its room type's nights; a room out of service takes
/// one away, every night from today on.
#[utoipa::path(tag = ADMIN, request_body = RoomFields, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = RoomBody), OnCreate))]
#[post("/admin/hotels/{hotel_id}/rooms")]
pub async fn create_room(
    call: InOrder<(May<HotelsWrite>, OptionalKey, Body<RoomFields>, PathId<HotelId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    handle::create(&db, call, Ok, create::create).await
}

/// See a room
///
/// A deleted one too.
#[utoipa::path(tag = ADMIN, params(("hotel_id" = HotelId, Path), ("room_id" = RoomId, Path)), security(("bearer" = [])),
    responses((status = 200, body = RoomBody), OnRead))]
#[get("/admin/hotels/{hotel_id}/rooms/{room_id}")]
pub async fn get_room(
    call: InOrder<(May<HotelsRead>, NoQuery, PathIds<HotelId, RoomId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    handle::get::<RoomBody>(&db, call).await
}

/// Change a room
///
/// What is absent stays as it is; `null` clears what may be absent. Taking a room out of service is refused where more is
/// sold or held than would be left.
#[utoipa::path(tag = ADMIN, request_body = RoomPatch, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path), ("room_id" = RoomId, Path), ("If-Match" = String, Header)),
    responses((status = 200, body = RoomBody), OnChange))]
#[patch("/admin/hotels/{hotel_id}/rooms/{room_id}")]
pub async fn change_room(
    call: InOrder<(May<HotelsWrite>, IfMatch, Body<RoomPatch>, PathIds<HotelId, RoomId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    handle::change(&db, call, change::change).await
}

/// Delete a room
///
/// Until it is restored. Refused while guests are to have it.
#[utoipa::path(tag = ADMIN, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path), ("room_id" = RoomId, Path), ("If-Match" = String, Header)),
    responses((status = 204, description = "Deleted"), OnChange))]
#[delete("/admin/hotels/{hotel_id}/rooms/{room_id}")]
pub async fn delete_room(
    call: InOrder<(May<HotelsWrite>, IfMatch, NoQuery, PathIds<HotelId, RoomId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    handle::delete(&db, call, delete::delete).await
}

/// Restore a deleted room
///
/// One that is not deleted stays as it is.
#[utoipa::path(tag = ADMIN, request_body = Option<Nothing>, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path), ("room_id" = RoomId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = RoomBody), OnCreate))]
#[post("/admin/hotels/{hotel_id}/rooms/{room_id}/restore")]
pub async fn restore_room(
    call: InOrder<(May<HotelsWrite>, OptionalKey, OptionalBody<Nothing>, PathIds<HotelId, RoomId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    handle::restore(&db, call, delete::restore).await
}
