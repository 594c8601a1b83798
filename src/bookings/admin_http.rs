//! `/admin/hotels/{hotel_id}/bookings`: what staff do with the bookings of their hotels.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use utoipa_actix_web::service_config::ServiceConfig;

use super::no_show;
use super::state::DeskError;
use super::wire::BookingBody;
use crate::access::guard::{BookingsWriteAny, May};
use crate::db::{Db, DbError};
use crate::hotels::staff::http::{ADMIN, Nothing, OnCreate};
use crate::http::extract::{InOrder, OptionalBody, PathIds};
use crate::http::idempotency::{Answer, Halt, OptionalKey, once};
use crate::http::problem::{Code, Problem};
use crate::kernel::ids::{BookingId, HotelId};

/// The routes.
pub fn routes(app: &mut ServiceConfig<'_>) {
    app.service(mark_no_show);
}

fn halt(error: DeskError) -> Halt {
    Halt::Refused(match error {
        DeskError::Db(error) => return Halt::Db(error),
        DeskError::NotFound => Problem::plain(Code::NotFound),
        DeskError::TooEarly => Problem::plain(Code::NotArrivalDay),
        DeskError::Not(status) => Problem::plain(Code::BookingStatus).with("booking_status", status),
    })
}

/// Mark a no-show
///
/// From the day of arrival on. The penalty is what the policy says after its last deadline; the nights stay sold.
#[utoipa::path(tag = ADMIN, security(("bearer" = [])),
    params(("hotel_id" = HotelId, Path), ("booking_id" = BookingId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = BookingBody), OnCreate))]
#[post("/admin/hotels/{hotel_id}/bookings/{booking_id}/no-show")]
pub async fn mark_no_show(
    call: InOrder<(May<BookingsWriteAny>, OptionalKey, OptionalBody<Nothing>, PathIds<HotelId, BookingId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    let InOrder((staff, key, OptionalBody(body), PathIds(hotel_id, booking_id))) = call;
    let keyed = key.0.map(|key| key.of(staff.caller.user_id, body.hash));
    let answer: Result<Answer, Halt> = db
        .write(move |tx| {
            once(tx, keyed.as_ref(), |tx| {
                let booking = no_show::no_show(tx, &staff.caller, hotel_id, booking_id).map_err(halt)?;
                let version = booking.version;
                let body = BookingBody::one(tx, Some(booking))?;
                let body = body.ok_or_else(|| DbError::invariant("a booking just marked is there"))?;
                Ok(Answer::json(200, &body)?.version(version))
            })
        })
        .await;
    Ok(answer?.into())
}
