//! `/admin/hotels/{hotel_id}/room-types`.

use std::sync::Arc;

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, delete, get, patch, post};
use utoipa_actix_web::service_config::ServiceConfig;

use super::wire::{NewRoomType, RoomTypeBody, RoomTypePatch};
use super::{change, create, delete};
use crate::access::guard::{HotelsRead, HotelsWrite, May};
use crate::db::Db;
use crate::hotels::staff::handle;
use crate::hotels::staff::http::{ADMIN, Nothing, OnChange, OnCreate, OnRead, StaffList};
use crate::http::extract::{Body, InOrder, NoQuery, OptionalBody, PathId, PathIds, Query};
use crate::http::idempotency::OptionalKey;
use crate::http::if_match::IfMatch;
use crate::http::problem::Problem;
use crate::kernel::ids::{HotelId, RoomTypeId};
use crate::kernel::page::Page;
use crate::kernel::secret::Keyring;

/// The routes.
pub fn routes(app: &mut ServiceConfig<'_>) {
    app.service(list_room_types)
        .service(create_room_type)
        .service(get_room_type)
        .service(change_room_type)
        .service(delete_room_type)
        .service(restore_room_type);
}

/// List a hotel's room types
///
/// Oldest first.
#[utoipa::path(tag = ADMIN, params(("hotel_id" = HotelId, Path), StaffList), security(("bearer" = [])),
    responses((status = 200, body = Page<RoomTypeBody>), OnRead))]
#[get("/admin/hotels/{hotel_id}/room-types")]
pub async fn list_room_types(
    call: InOrder<(May<HotelsRead>, Query<StaffList>, PathId<HotelId>)>,
    db: Data<Db>,
    keys: Data<Arc<Keyring>>,
) -> Result<Json<Page<RoomTypeBody>>, Problem> {
    handle::list(&db, &keys, call).await
}

/// Create a room type
///
/// With `capacity` rooms for sale each night from today to the hotel's horizon. It is sold once a rate plan lists it.
#[utoipa::path(tag = ADMIN, request_body = NewRoomType, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = RoomTypeBody), OnCreate))]
#[post("/admin/hotels/{hotel_id}/room-types")]
pub async fn create_room_type(
    call: InOrder<(May<HotelsWrite>, OptionalKey, Body<NewRoomType>, PathId<HotelId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    handle::create(&db, call, NewRoomType::checked, create::create).await
}

/// See a room type
///
/// A deleted one too.
#[utoipa::path(tag = ADMIN, params(("hotel_id" = HotelId, Path), ("room_type_id" = RoomTypeId, Path)), security(("bearer" = [])),
    responses((status = 200, body = RoomTypeBody), OnRead))]
#[get("/admin/hotels/{hotel_id}/room-types/{room_type_id}")]
pub async fn get_room_type(
    call: InOrder<(May<HotelsRead>, NoQuery, PathIds<HotelId, RoomTypeId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    handle::get::<RoomTypeBody>(&db, call).await
}

/// Change a room type
///
/// What is absent stays as it is; `null` clears what may be absent. Capacity is changed night by night, by
/// `PATCH …/inventory`. Bookings keep what was booked.
#[utoipa::path(tag = ADMIN, request_body = RoomTypePatch, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path), ("room_type_id" = RoomTypeId, Path), ("If-Match" = String, Header)),
    responses((status = 200, body = RoomTypeBody), OnChange))]
#[patch("/admin/hotels/{hotel_id}/room-types/{room_type_id}")]
pub async fn change_room_type(
    call: InOrder<(May<HotelsWrite>, IfMatch, Body<RoomTypePatch>, PathIds<HotelId, RoomTypeId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    handle::change(&db, call, change::change).await
}

/// Delete a room type
///
/// It is sold no more, until it is restored. Refused while guests are to stay in it.
#[utoipa::path(tag = ADMIN, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path), ("room_type_id" = RoomTypeId, Path), ("If-Match" = String, Header)),
    responses((status = 204, description = "Deleted"), OnChange))]
#[delete("/admin/hotels/{hotel_id}/room-types/{room_type_id}")]
pub async fn delete_room_type(
    call: InOrder<(May<HotelsWrite>, IfMatch, NoQuery, PathIds<HotelId, RoomTypeId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    handle::delete(&db, call, delete::delete).await
}

/// Restore a deleted room type
///
/// One that is not deleted stays as it is.
#[utoipa::path(tag = ADMIN, request_body = Option<Nothing>, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path), ("room_type_id" = RoomTypeId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = RoomTypeBody), OnCreate))]
#[post("/admin/hotels/{hotel_id}/room-types/{room_type_id}/restore")]
pub async fn restore_room_type(
    call: InOrder<(May<HotelsWrite>, OptionalKey, OptionalBody<Nothing>, PathIds<HotelId, RoomTypeId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    handle::restore(&db, call, delete::restore).await
}
