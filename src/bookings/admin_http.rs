//! `/admin/hotels/{hotel_id}/bookings`: what staff do with the bookings of their hotels.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use utoipa_actix_web::service_config::ServiceConfig;

use super::no_show;
use super::state::DeskError;
use super::wire::BookingBody;
use crate::access::guard::{BookingsWriteAny, May};
use crate::db::{Db, DbError};
use crate::hotels::staff::handle::{self, Reach};
use crate::hotels::staff::http::{ADMIN, Nothing, OnCreate};
use crate::http::extract::{InOrder, OptionalBody, PathIds};
use crate::http::idempotency::{Answer, Halt, OptionalKey};
use crate::http::problem::{Code, Problem};
use crate::kernel::ids::{BookingId, HotelId};

/// The routes.
pub fn routes(app: &mut ServiceConfig<'_>) {
    app.service(mark_no_show);
}

impl From<DeskError> for Halt {
    fn from(error: DeskError) -> Self {
        Self::Refused(match error {
            DeskError::Db(error) => return Self::Db(error),
            DeskError::NotFound => Problem::plain(Code::NotFound),
            DeskError::TooEarly => Problem::plain(Code::NotArrivalDay),
            DeskError::Not(status) => Problem::plain(Code::BookingStatus).with("booking_status", status),
        })
    }
}

/// Mark a no-show
///
/// From the day of arrival on. The penalty is what the policy says after its last deadline; the nights stay sold.
#[utoipa::path(tag = ADMIN, request_body = Option<Nothing>, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path), ("booking_id" = BookingId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = BookingBody), OnCreate))]
#[post("/admin/hotels/{hotel_id}/bookings/{booking_id}/no-show")]
pub async fn mark_no_show(
    call: InOrder<(May<BookingsWriteAny>, OptionalKey, OptionalBody<Nothing>, PathIds<HotelId, BookingId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    let InOrder((staff, key, OptionalBody(body), PathIds(hotel_id, booking_id))) = call;
    let keyed = key.0.map(|key| key.of(staff.caller.user_id, body.hash));
    handle::write(&db, staff, Reach::Hotel(hotel_id), keyed, move |tx, by| {
        let booking = no_show::no_show(tx, by, hotel_id, booking_id)?;
        let version = booking.version;
        let body = BookingBody::one(tx, Some(booking))?;
        let body = body.ok_or_else(|| DbError::invariant("a booking just marked is there"))?;
        Ok(Answer::json(200, &body)?.version(version))
    })
    .await
}
