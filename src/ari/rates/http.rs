//! `PATCH /admin/hotels/{hotel_id}/rates`.

use std::sync::Arc;

use actix_web::patch;
use actix_web::web::{Data, Json};
use utoipa_actix_web::service_config::ServiceConfig;

use super::wire::ChangeRates;
use super::{change, grid};
use crate::access::guard::{May, RatesWrite};
use crate::ari::CALLER_PATIENCE;
use crate::ari::bulk::Bulk;
use crate::ari::http::OnBulk;
use crate::ari::refusal::Fault;
use crate::ari::wire::BulkBody;
use crate::db::Db;
use crate::hotels::staff::Refusal;
use crate::hotels::staff::http::ADMIN;
use crate::http::extract::{Draft, InOrder, PathId};
use crate::http::problem::Problem;
use crate::kernel::ids::HotelId;

/// The routes.
pub fn routes(app: &mut ServiceConfig<'_>) {
    app.service(change_rates).service(grid::http::list_rates);
}

/// Change the rates of many nights
///
/// All items or none. A derived plan's restrictions are its own; its price is its base plan's, more or less, and cannot be
/// set.
#[utoipa::path(tag = ADMIN, request_body = ChangeRates, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path)), responses((status = 200, body = BulkBody), OnBulk))]
#[patch("/admin/hotels/{hotel_id}/rates")]
pub async fn change_rates(
    call: InOrder<(May<RatesWrite>, Draft<ChangeRates>, PathId<HotelId>)>,
    db: Data<Db>,
) -> Result<Json<BulkBody>, Problem> {
    let InOrder((staff, draft, PathId(hotel_id))) = call;
    let bulk = Arc::new(Bulk::check(draft.value.items, draft.faults.into_iter().map(Fault::from).collect())?);
    let of_all = bulk.clone();
    let db = db.with_patience(CALLER_PATIENCE);
    let done = db.write(move |tx| {
        let by = staff.again(tx).map_err(Refusal::from)?;
        change::change(tx, &by, hotel_id, &of_all)
    });
    let done = done.await?;
    Ok(Json(BulkBody::new(bulk.items.len(), done)))
}
