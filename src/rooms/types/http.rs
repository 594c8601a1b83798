//! `/admin/hotels/{hotel_id}/room-types`.

use std::sync::Arc;

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, delete, get, patch, post};
use utoipa_actix_web::service_config::ServiceConfig;

use super::wire::{NewRoomType, RoomTypeBody, RoomTypeFields, RoomTypePatch};
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
    let InOrder((staff, Query(query), PathId(hotel_id))) = call;
    let scope = staff.caller.scope();
    let read = move |conn: &mut _, wanted| {
        let hotel = ManagedHotel::find(conn, scope, hotel_id)?;
        Ok(store::list(conn, &hotel, wanted)?)
    };
    let name = format!("admin room types {hotel_id}");
    staff::page(&db, &keys, &name, query, read, |room_type| room_type.room_type_id).await
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
    let InOrder((staff, key, body, PathId(hotel_id))) = call;
    let keyed = key.0.map(|key| key.of(staff.caller.user_id, body.hash));
    let (capacity, fields) = (body.value.capacity, RoomTypeFields::from(body.value));
    fields.check()?;
    staff::write(&db, keyed, move |tx| {
        let made = create::create(tx, &staff.caller, hotel_id, &fields, capacity)?;
        let location = format!("{BASE}/admin/hotels/{hotel_id}/room-types/{}", made.room_type_id);
        Ok(versioned(201, &made, made.version)?.at(location))
    })
    .await
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
    let InOrder((staff, NoQuery, PathIds(hotel_id, id))) = call;
    let scope = staff.caller.scope();
    let read = move |conn: &mut _| {
        let hotel = ManagedHotel::find(conn, scope, hotel_id)?;
        store::find(conn, &hotel, id)?.ok_or(Refusal::NotFound)
    };
    let room_type = db.read(read).await?;
    Ok(versioned(200, &room_type, room_type.version)?.into())
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
    let InOrder((staff, IfMatch(expected), body, PathIds(hotel_id, id))) = call;
    staff::write(&db, None, move |tx| {
        let changed = change::change(tx, &staff.caller, (hotel_id, id), &expected, body.value.clone())?;
        versioned(200, &changed, changed.version)
    })
    .await
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
    let InOrder((staff, IfMatch(expected), NoQuery, PathIds(hotel_id, id))) = call;
    staff::write(&db, None, move |tx| {
        delete::delete(tx, &staff.caller, (hotel_id, id), &expected)?;
        Ok(Answer::nothing())
    })
    .await
}

/// Restore a deleted room type
///
/// One that is not deleted stays as it is.
#[utoipa::path(tag = ADMIN, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path), ("room_type_id" = RoomTypeId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = RoomTypeBody), OnCreate))]
#[post("/admin/hotels/{hotel_id}/room-types/{room_type_id}/restore")]
pub async fn restore_room_type(
    call: InOrder<(May<HotelsWrite>, OptionalKey, OptionalBody<Nothing>, PathIds<HotelId, RoomTypeId>)>,
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
