//! `GET /admin/hotels/{hotel_id}/inventory`.

use std::sync::Arc;

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, get};

use super::store::{self, Wanted};
use super::wire::{FilledNight, InventoryNight, InventoryQuery};
use crate::access::guard::{BookingsReadAny, HotelsRead, May};
use crate::ari::in_range;
use crate::db::Db;
use crate::hotels::staff::http::{ADMIN, OnRead};
use crate::hotels::staff::{ManagedHotel, Refusal};
use crate::http::extract::{InOrder, NoQuery, PathDate, PathId, PathIds, Query};
use crate::http::if_match::tag;
use crate::http::problem::{Code, Problem};
use crate::kernel::ids::{HotelId, RoomTypeId};
use crate::kernel::page::{self, DEFAULT_LIMIT, Page};
use crate::kernel::secret::Keyring;

/// See the stock night by night
///
/// In the order of room types and dates. A night that was never opened is not there. Holds that have expired count as
/// free.
#[utoipa::path(tag = ADMIN, params(("hotel_id" = HotelId, Path), InventoryQuery), security(("bearer" = [])),
    responses((status = 200, body = Page<InventoryNight>), OnRead))]
#[get("/admin/hotels/{hotel_id}/inventory")]
pub async fn list_inventory(
    call: InOrder<(May<HotelsRead>, Query<InventoryQuery>, PathId<HotelId>)>,
    db: Data<Db>,
    keys: Data<Arc<Keyring>>,
) -> Result<Json<Page<InventoryNight>>, Problem> {
    let InOrder((staff, Query(query), PathId(hotel_id))) = call;
    let InventoryQuery { room_type_id, from, to, limit, cursor } = query;
    in_range(from, to)?;
    let of = room_type_id.map(|id| id.to_string()).unwrap_or_default();
    let list = format!("admin inventory {hotel_id} {of} {from} {to}");
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    let after = cursor.map(|cursor| page::open(&keys, &list, &cursor)).transpose();
    let after = after.map_err(|_| Problem::plain(Code::CursorInvalid))?;
    let scope = staff.caller.scope();
    let read = move |conn: &mut _| {
        let hotel = ManagedHotel::find(conn, scope, hotel_id)?;
        if let Some(room_type_id) = room_type_id
            && !store::has_room_type(conn, &hotel, room_type_id)?
        {
            return Err(Refusal::NotFound);
        }
        Ok(store::nights(conn, &hotel, Wanted { room_type_id, from, to, after, rows: limit + 1 })?)
    };
    let nights = db.read(read).await?;
    Ok(Json(page::cut(&keys, &list, nights, limit, |night| (night.room_type_id, night.date))?))
}

/// See what fills a night
///
/// The live holds on it, with when they lapse, and the bookings that keep it.
#[utoipa::path(tag = ADMIN, security(("bearer" = [])), responses((status = 200, body = FilledNight), OnRead),
    params(("hotel_id" = HotelId, Path), ("room_type_id" = RoomTypeId, Path), ("date" = NaiveDate, Path)))]
#[get("/admin/hotels/{hotel_id}/inventory/{room_type_id}/{date}")]
pub async fn get_inventory_night(
    call: InOrder<(May<BookingsReadAny>, NoQuery, PathIds<HotelId, RoomTypeId>, PathDate)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    let InOrder((staff, NoQuery, PathIds(hotel_id, room_type_id), PathDate(date))) = call;
    let scope = staff.caller.scope();
    let read = move |conn: &mut _| {
        let hotel = ManagedHotel::find(conn, scope, hotel_id)?;
        store::filled(conn, &hotel, room_type_id, date)?.ok_or(Refusal::NotFound)
    };
    let filled = db.read(read).await?;
    Ok(HttpResponse::Ok().insert_header(tag(filled.night.version)).json(filled))
}
