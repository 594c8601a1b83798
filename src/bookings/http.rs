//! `/bookings`.

use std::sync::Arc;

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, get, post};
use diesel::PgConnection;
use utoipa_actix_web::service_config::ServiceConfig;

use super::confirm::Guest;
use super::lookup::{self, Wanted};
use super::wire::{BookingBody, CancelBooking, CancelledBody, ConfirmBooking, LookupBooking, cancel_halt, halt};
use super::{cancel, confirm, store};
use crate::access::guard::{May, StaysBook};
use crate::access::throttle::Throttle;
use crate::db::{Db, DbError};
use crate::http::BASE;
use crate::http::extract::{Body, InOrder, NoQuery, OptionalBody, PathId, Query};
use crate::http::idempotency::{Answer, Halt, Key, OptionalKey, once};
use crate::http::if_match::tag;
use crate::http::list::ListQuery;
use crate::http::problem::{Code, Problem, ProblemDocument};
use crate::kernel::ids::BookingId;
use crate::kernel::page::{self, DEFAULT_LIMIT, Page};
use crate::kernel::secret::Keyring;

const TAG: &str = "bookings";

/// The routes.
pub fn routes(app: &mut ServiceConfig<'_>) {
    app.service(confirm_booking)
        .service(list_bookings)
        .service(lookup_booking)
        .service(get_booking)
        .service(cancel_booking);
}

/// Confirm
///
/// Turns a live hold, paid for where something is due now, into a booking. Never fails for stock.
#[utoipa::path(tag = TAG, request_body = ConfirmBooking, security(("bearer" = [])),
    params(("Idempotency-Key" = String, Header)),
    responses(
        (status = 201, body = BookingBody),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json", description = "idempotency_key_missing, idempotency_key_invalid"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "payment_required, payment_in_progress, hold_converted with booking_id, idempotency_key_reused, idempotency_in_progress"),
        (status = 410, body = ProblemDocument, content_type = "application/problem+json", description = "hold_expired, hold_released"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    ))]
#[post("/bookings")]
pub async fn confirm_booking(
    call: InOrder<(May<StaysBook>, Key, Body<ConfirmBooking>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    let InOrder((guest, key, body)) = call;
    let user_id = guest.caller.user_id;
    let keyed = key.of(user_id, body.hash);
    let ConfirmBooking { hold_id, guest, special_requests } = body.value;
    let guest = Guest { full_name: guest.full_name, email: guest.email, phone: guest.phone };
    let answer: Result<Answer, Halt> = db
        .write(move |tx| {
            once(tx, Some(&keyed), |tx| {
                let (guest, requests) = (guest.clone(), special_requests.clone());
                let booking_id = confirm::confirm(tx, user_id, hold_id, guest, requests).map_err(halt)?;
                let row = store::find(tx, user_id, booking_id)?;
                let booking =
                    BookingBody::one(tx, row)?.ok_or_else(|| DbError::invariant("a booking just made exists"))?;
                let answer = Answer::json(201, &booking)?;
                Ok(answer.at(format!("{BASE}/bookings/{booking_id}")).version(booking.version))
            })
        })
        .await;
    Ok(answer?.into())
}

/// List one's own bookings
///
/// Newest first.
#[utoipa::path(tag = TAG, params(ListQuery), security(("bearer" = [])), responses(
    (status = 200, body = Page<BookingBody>),
    (status = 400, body = ProblemDocument, content_type = "application/problem+json", description = "cursor_invalid"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
#[get("/bookings")]
pub async fn list_bookings(
    call: InOrder<(May<StaysBook>, Query<ListQuery>)>,
    db: Data<Db>,
    keys: Data<Arc<Keyring>>,
) -> Result<Json<Page<BookingBody>>, Problem> {
    let InOrder((guest, Query(query))) = call;
    let user_id = guest.caller.user_id;
    let list = format!("bookings {user_id}");
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let before = query.cursor.map(|cursor| page::open(&keys, &list, &cursor)).transpose();
    let before: Option<BookingId> = before.map_err(|_| Problem::plain(Code::CursorInvalid))?;
    let read = move |conn: &mut PgConnection| {
        let bookings = store::list(conn, user_id, before, limit + 1)?;
        BookingBody::read(conn, bookings)
    };
    let bookings = db.read::<_, DbError>(read).await?;
    Ok(Json(page::cut(&keys, &list, bookings, limit, |booking| booking.booking_id)?))
}

/// See a booking of one's own
#[utoipa::path(tag = TAG, params(("id" = BookingId, Path)), security(("bearer" = [])), responses(
    (status = 200, body = BookingBody),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
))]
#[get("/bookings/{id}")]
pub async fn get_booking(
    call: InOrder<(May<StaysBook>, NoQuery, PathId<BookingId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    let InOrder((guest, NoQuery, PathId(booking_id))) = call;
    let user_id = guest.caller.user_id;
    let read = move |conn: &mut PgConnection| {
        let booking = store::find(conn, user_id, booking_id)?;
        BookingBody::one(conn, booking)
    };
    let booking = db.read::<_, DbError>(read).await?.ok_or_else(|| Problem::plain(Code::NotFound))?;
    Ok(HttpResponse::Ok().insert_header(tag(booking.version)).json(booking))
}

/// Look a booking up
///
/// By its confirmation code and its guest's address, whoever made it. After five failures each further one is answered
/// 429 for a while, whether or not there is such a booking.
#[utoipa::path(tag = TAG, request_body = LookupBooking, security(("bearer" = [])), responses(
    (status = 200, body = BookingBody),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 429, body = ProblemDocument, content_type = "application/problem+json", description = "too_many_attempts, with Retry-After"),
))]
#[post("/bookings/lookup")]
pub async fn lookup_booking(
    call: InOrder<(May<StaysBook>, OptionalKey, Body<LookupBooking>)>,
    db: Data<Db>,
    throttle: Data<Throttle>,
) -> Result<HttpResponse, Problem> {
    let InOrder((guest, _, body)) = call;
    let LookupBooking { confirmation_code, email } = body.value;
    let confirmation_code = confirmation_code.to_ascii_uppercase();
    let wanted = Wanted { confirmation_code, email, from: guest.caller.address };
    let found = db.write(move |tx| lookup::lookup(tx, &throttle, &wanted)).await?;
    let booking = found.ok_or_else(|| Problem::plain(Code::NotFound))?;
    Ok(HttpResponse::Ok().insert_header(tag(booking.version)).json(booking))
}

/// Cancel
///
/// By the terms frozen with the quote: the rooms are on sale again at once, what is more than the penalty goes back or
/// is never taken. `dry_run` tells what it would cost now, and changes nothing.
#[utoipa::path(tag = TAG, request_body = Option<CancelBooking>, security(("bearer" = [])),
    params(("id" = BookingId, Path), ("Idempotency-Key" = String, Header)),
    responses(
        (status = 200, body = CancelledBody),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json", description = "idempotency_key_missing, idempotency_key_invalid"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "already_cancelled; not_cancellable with booking_status; idempotency_key_reused; idempotency_in_progress"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    ))]
#[post("/bookings/{id}/cancel")]
pub async fn cancel_booking(
    call: InOrder<(May<StaysBook>, Key, OptionalBody<CancelBooking>, PathId<BookingId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    let InOrder((guest, key, OptionalBody(body), PathId(booking_id))) = call;
    let user_id = guest.caller.user_id;
    let keyed = key.of(user_id, body.hash);
    let dry_run = body.value.dry_run;
    let answer: Result<Answer, Halt> = db
        .write(move |tx| {
            once(tx, Some(&keyed), |tx| {
                let cancellation = cancel::cancel(tx, user_id, booking_id, dry_run).map_err(cancel_halt)?;
                let body = CancelledBody::new(&cancellation, dry_run);
                Ok(Answer::json(200, &body)?.version(body.version))
            })
        })
        .await;
    Ok(answer?.into())
}
