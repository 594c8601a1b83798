//! `GET /admin/hotels/{hotel_id}/rates`.

use std::sync::Arc;

use actix_web::get;
use actix_web::web::{Data, Json};

use super::store::{self, Wanted};
use super::wire::{RateNight, RatesQuery};
use crate::access::guard::{HotelsRead, May};
use crate::ari::in_range;
use crate::db::Db;
use crate::hotels::staff::http::{ADMIN, OnRead};
use crate::hotels::staff::{ManagedHotel, Refusal};
use crate::http::extract::{InOrder, PathId, Query};
use crate::http::problem::{Code, Problem};
use crate::kernel::ids::HotelId;
use crate::kernel::page::{self, DEFAULT_LIMIT, Page};
use crate::kernel::secret::Keyring;

/// See the rates night by night
///
/// In the order of rate plans, room types and dates: every night of what the plans sell, whether something was set of it
/// or not. A derived plan's price is computed.
#[utoipa::path(tag = ADMIN, params(("hotel_id" = HotelId, Path), RatesQuery), security(("bearer" = [])),
    responses((status = 200, body = Page<RateNight>), OnRead))]
#[get("/admin/hotels/{hotel_id}/rates")]
pub async fn list_rates(
    call: InOrder<(May<HotelsRead>, Query<RatesQuery>, PathId<HotelId>)>,
    db: Data<Db>,
    keys: Data<Arc<Keyring>>,
) -> Result<Json<Page<RateNight>>, Problem> {
    let InOrder((staff, Query(query), PathId(hotel_id))) = call;
    let RatesQuery { rate_plan_id, room_type_id, from, to, limit, cursor } = query;
    in_range(from, to)?;
    let plan = rate_plan_id.map(|id| id.to_string()).unwrap_or_default();
    let room_type = room_type_id.map(|id| id.to_string()).unwrap_or_default();
    let list = format!("admin rates {hotel_id} plan={plan} room_type={room_type} {from} {to}");
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    let after = cursor.map(|cursor| page::open(&keys, &list, &cursor)).transpose();
    let after = after.map_err(|_| Problem::plain(Code::CursorInvalid))?;
    let wanted = Wanted { rate_plan_id, room_type_id, from, to, after, rows: limit + 1 };
    let scope = staff.caller.scope();
    let read = move |conn: &mut _| {
        let hotel = ManagedHotel::find(conn, scope, hotel_id)?;
        if !store::has(conn, &hotel, &wanted)? {
            return Err(Refusal::NotFound);
        }
        Ok(store::nights(conn, &hotel, wanted)?)
    };
    let nights = db.read(read).await?;
    let after = |night: &RateNight| (night.rate_plan_id, night.room_type_id, night.date);
    Ok(Json(page::cut(&keys, &list, nights, limit, after)?))
}
