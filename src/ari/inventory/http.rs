//! `PATCH /admin/hotels/{hotel_id}/inventory`.

use std::sync::Arc;

use actix_web::patch;
use actix_web::web::{Data, Json};
use utoipa_actix_web::service_config::ServiceConfig;

use super::change::{self, Changed};
use super::grid;
use super::wire::ChangeInventory;
use crate::access::guard::{InventoryWrite, May};
use crate::ari::CALLER_PATIENCE;
use crate::ari::bulk::Bulk;
use crate::ari::http::OnBulk;
use crate::ari::refusal::Fault;
use crate::ari::wire::BulkBody;
use crate::db::Db;
use crate::holds::expire;
use crate::hotels::staff::Refusal;
use crate::hotels::staff::http::ADMIN;
use crate::http::extract::{Draft, InOrder, PathId};
use crate::http::problem::{Code, Problem};
use crate::kernel::ids::HotelId;

/// How often a change may clear expired holds out of its way.
const RECLAIMS: usize = 3;

/// The routes.
pub fn routes(app: &mut ServiceConfig<'_>) {
    app.service(change_inventory).service(grid::http::list_inventory).service(grid::http::get_inventory_night);
}

/// Change the stock of many nights
///
/// All items or none. Nights that are not there yet are made; they need a `capacity`. Refused where more is sold and held
/// than would be left.
#[utoipa::path(tag = ADMIN, request_body = ChangeInventory, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path)), responses((status = 200, body = BulkBody), OnBulk))]
#[patch("/admin/hotels/{hotel_id}/inventory")]
pub async fn change_inventory(
    call: InOrder<(May<InventoryWrite>, Draft<ChangeInventory>, PathId<HotelId>)>,
    db: Data<Db>,
) -> Result<Json<BulkBody>, Problem> {
    let InOrder((staff, draft, PathId(hotel_id))) = call;
    let bulk = Arc::new(Bulk::check(draft.value.items, draft.faults.into_iter().map(Fault::from).collect())?);
    let staff = Arc::new(staff);
    let db = db.with_patience(CALLER_PATIENCE);
    for _ in 0..=RECLAIMS {
        let (of_all, staff) = (bulk.clone(), staff.clone());
        let changed = db.write(move |tx| {
            let by = staff.again(tx).map_err(Refusal::from)?;
            change::change(tx, &by, hotel_id, &of_all)
        });
        match changed.await? {
            Changed::Done(done) => return Ok(Json(BulkBody::new(bulk.items.len(), done))),
            Changed::InTheWay(nights) => {
                db.write(move |tx| expire::reclaim(tx, hotel_id, &nights)).await?;
            }
        }
    }
    Err(Problem::plain(Code::Busy).retry_after(1))
}
