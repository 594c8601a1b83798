//! How bookings look on the wire.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::PgConnection;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::cancel::Cancellation;
use super::state::{BookingStatus, CancelError, ConfirmError};
use super::store::{self, BookedRoom, BookingRow};
use crate::db::DbError;
use crate::holds::wire::problem as hold_problem;
use crate::http::extract::not_blank;
use crate::http::idempotency::Halt;
use crate::http::problem::{Code, Problem};
use crate::kernel::ids::{BookingId, BookingRoomId, HoldId, HotelId, RatePlanId, RoomTypeId};
use crate::kernel::money::Money;
use crate::search::wire::PriceBody;

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
    pub(super) hold_id: HoldId,
    #[garde(dive)]
    pub(super) guest: GuestBody,
    #[garde(length(chars, max = 2000))]
    #[serde(default)]
    pub(super) special_requests: Option<String>,
}

/// A booking's code and its guest's address.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LookupBooking {
    #[garde(length(chars, min = 1, max = 40))]
    pub(super) confirmation_code: String,
    #[garde(length(chars, min = 1, max = 254))]
    pub(super) email: String,
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
    /// What the cancellation or the absence costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub penalty: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_at: Option<DateTime<Utc>>,
    pub version: i32,
    pub created_at: DateTime<Utc>,
}

impl BookingBody {
    /// The bookings with their rooms, in two queries.
    pub(super) fn read(conn: &mut PgConnection, bookings: Vec<BookingRow>) -> Result<Vec<Self>, DbError> {
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
            penalty: booking.penalty.map(money),
            cancelled_at: booking.cancelled_at,
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

    pub(super) fn one(conn: &mut PgConnection, booking: Option<BookingRow>) -> Result<Option<Self>, DbError> {
        Ok(Self::read(conn, booking.into_iter().collect())?.pop())
    }
}

pub(super) fn halt(error: ConfirmError) -> Halt {
    match error {
        ConfirmError::Db(error) => Halt::Db(error),
        ConfirmError::Hold(error) => Halt::Refused(hold_problem(error)),
        ConfirmError::PaymentRequired => Halt::Refused(Problem::plain(Code::PaymentRequired)),
    }
}

/// Whether to cancel, or only to tell what it would cost.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelBooking {
    /// True: nothing happens [default: false].
    #[garde(skip)]
    #[serde(default)]
    pub(super) dry_run: bool,
}

/// A cancellation, done or tried.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CancelledBody {
    pub booking_id: BookingId,
    /// `cancelled`, or what it is if nothing was done.
    pub status: BookingStatus,
    /// What it costs, by the terms frozen with the quote.
    pub penalty: Money,
    /// What goes back to the guest, or is never taken, of what was paid.
    pub refund: Money,
    pub dry_run: bool,
    pub version: i32,
}

impl CancelledBody {
    pub(super) fn new(cancellation: &Cancellation, dry_run: bool) -> Self {
        let booking = &cancellation.booking;
        Self {
            booking_id: booking.booking_id,
            status: booking.status,
            penalty: Money::new(cancellation.penalty, booking.currency),
            refund: Money::new(cancellation.refund, booking.currency),
            dry_run,
            version: booking.version,
        }
    }
}

pub(super) fn cancel_halt(error: CancelError) -> Halt {
    match error {
        CancelError::Db(error) => Halt::Db(error),
        CancelError::NotFound => Halt::Refused(Problem::plain(Code::NotFound)),
        CancelError::Already => Halt::Refused(Problem::plain(Code::AlreadyCancelled)),
        CancelError::NotCancellable(status) => {
            Halt::Refused(Problem::plain(Code::NotCancellable).with("booking_status", status))
        }
    }
}
