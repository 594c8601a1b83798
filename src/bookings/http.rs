//! `/bookings`.

use std::sync::Arc;

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::PgConnection;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::confirm::{self, Guest};
use super::state::{BookingStatus, ConfirmError};
use super::store::{self, BookedRoom, BookingRow};
use crate::access::guard::{May, StaysBook};
use crate::db::{Db, DbError};
use crate::holds::wire::problem as hold_problem;
use crate::http::BASE;
use crate::http::extract::{Body, InOrder, NoQuery, PathId, Query, not_blank};
use crate::http::idempotency::{Answer, Halt, Key, OptionalKey, once};
use crate::http::list::ListQuery;
use crate::http::problem::{Code, Problem, ProblemDocument};
use crate::kernel::ids::{BookingId, BookingRoomId, HoldId, HotelId, RatePlanId, RoomTypeId};
use crate::kernel::money::Money;
use crate::kernel::page::{self, DEFAULT_LIMIT, Page};
use crate::kernel::secret::Keyring;
use crate::search::wire::PriceBody;

const TAG: &str = "bookings";

/// The routes.
pub fn routes(app: &mut ServiceConfig<'_>) {
    app.service(confirm_booking).service(list_bookings).service(lookup_booking).service(get_booking);
}

/// Who stays.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GuestBody {
    #[garde(custom(not_blank), length(chars, max = 200))]
    pub full_name: String,
    #[garde(email, length(chars, max = 254))]
    pub email: String,
    #[garde(length(chars, min = 3, max = 40))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// Which hold becomes a booking, for whom.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmBooking {
    #[garde(skip)]
    hold_id: HoldId,
    #[garde(dive)]
    guest: GuestBody,
    #[garde(length(chars, max = 2000))]
    #[serde(default)]
    special_requests: Option<String>,
}

/// A booking's code and its guest's address.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LookupBooking {
    #[garde(length(chars, min = 1, max = 40))]
    confirmation_code: String,
    #[garde(length(chars, min = 1, max = 254))]
    email: String,
}

/// A booked room.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct BookingRoomBody {
    pub booking_room_id: BookingRoomId,
    pub room_type_id: RoomTypeId,
    pub rate_plan_id: RatePlanId,
    pub check_in: NaiveDate,
    pub check_out: NaiveDate,
    pub adults: i16,
    pub children_ages: Vec<i16>,
    #[serde(flatten)]
    pub price: PriceBody,
}

impl From<BookedRoom> for BookingRoomBody {
    fn from(room: BookedRoom) -> Self {
        Self {
            booking_room_id: room.booking_room_id,
            room_type_id: room.room_type_id,
            rate_plan_id: room.rate_plan_id,
            check_in: room.check_in,
            check_out: room.check_out,
            adults: room.adults,
            children_ages: room.children_ages,
            price: PriceBody::new(&room.terms, 1),
        }
    }
}

/// A booking.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct BookingBody {
    pub booking_id: BookingId,
    pub confirmation_code: String,
    pub status: BookingStatus,
    pub hotel_id: HotelId,
    pub hold_id: HoldId,
    pub check_in: NaiveDate,
    pub check_out: NaiveDate,
    pub guest: GuestBody,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub special_requests: Option<String>,
    pub rooms: Vec<BookingRoomBody>,
    pub total: Money,
    pub due_now: Money,
    pub due_at_property: Money,
    pub version: i32,
    pub created_at: DateTime<Utc>,
}

impl BookingBody {
    /// The bookings with their rooms, in two queries.
    fn read(conn: &mut PgConnection, bookings: Vec<BookingRow>) -> Result<Vec<Self>, DbError> {
        let mut rooms = store::rooms(conn, &bookings.iter().collect::<Vec<_>>())?;
        let body = |booking: BookingRow| {
            let own = rooms.extract_if(.., |(booking_id, _)| *booking_id == booking.booking_id);
            let own = own.map(|(_, room)| BookingRoomBody::from(room)).collect();
            Self::new(booking, own)
        };
        Ok(bookings.into_iter().map(body).collect())
    }

    fn new(booking: BookingRow, rooms: Vec<BookingRoomBody>) -> Self {
        let money = |amount| Money::new(amount, booking.currency);
        Self {
            booking_id: booking.booking_id,
            status: booking.status,
            hotel_id: booking.hotel_id,
            hold_id: booking.hold_id,
            check_in: booking.check_in,
            check_out: booking.check_out,
            total: money(booking.total),
            due_now: money(booking.due_now),
            due_at_property: money(booking.due_at_property),
            version: booking.version,
            created_at: booking.created_at,
            confirmation_code: booking.confirmation_code,
            guest: GuestBody {
                full_name: booking.guest_full_name,
                email: booking.guest_email,
                phone: booking.guest_phone,
            },
            special_requests: booking.special_requests,
            rooms,
        }
    }

    fn one(conn: &mut PgConnection, booking: Option<BookingRow>) -> Result<Option<Self>, DbError> {
        Ok(Self::read(conn, booking.into_iter().collect())?.pop())
    }
}

fn halt(error: ConfirmError) -> Halt {
    match error {
        ConfirmError::Db(error) => Halt::Db(error),
        ConfirmError::Hold(error) => Halt::Refused(hold_problem(error)),
        ConfirmError::PaymentRequired => Halt::Refused(Problem::plain(Code::PaymentRequired)),
    }
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
    Ok(HttpResponse::Ok().insert_header(("ETag", format!("\"{}\"", booking.version))).json(booking))
}

/// Look a booking up
///
/// By its confirmation code and its guest's address, whoever made it.
#[utoipa::path(tag = TAG, request_body = LookupBooking, security(("bearer" = [])), responses(
    (status = 200, body = BookingBody),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
#[post("/bookings/lookup")]
pub async fn lookup_booking(
    call: InOrder<(May<StaysBook>, OptionalKey, Body<LookupBooking>)>,
    db: Data<Db>,
) -> Result<Json<BookingBody>, Problem> {
    let InOrder((_, _, body)) = call;
    let LookupBooking { confirmation_code, email } = body.value;
    let read = move |conn: &mut PgConnection| {
        let booking = store::lookup(conn, &confirmation_code.to_ascii_uppercase(), &email)?;
        BookingBody::one(conn, booking)
    };
    let booking = db.read::<_, DbError>(read).await?.ok_or_else(|| Problem::plain(Code::NotFound))?;
    Ok(Json(booking))
}
