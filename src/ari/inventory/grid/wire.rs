//! The stock as staff see it.

use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::bookings::state::BookingStatus;
use crate::holds::state::HoldStatus;
use crate::kernel::ids::{BookingId, HoldId, RoomTypeId};
use crate::kernel::page::MAX_LIMIT;
use crate::kernel::stay::stay_date;

/// The query of the grid.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
pub struct InventoryQuery {
    /// Only this one of the hotel's.
    pub room_type_id: Option<RoomTypeId>,
    #[serde(deserialize_with = "stay_date")]
    pub from: NaiveDate,
    /// Not included; at most 750 days after `from`.
    #[serde(deserialize_with = "stay_date")]
    pub to: NaiveDate,
    /// Rows a page [default: 50].
    #[garde(range(min = 1, max = MAX_LIMIT))]
    pub limit: Option<i64>,
    #[garde(length(bytes, max = 2000))]
    pub cursor: Option<String>,
}

/// A night of a room type.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct InventoryNight {
    pub room_type_id: RoomTypeId,
    pub date: NaiveDate,
    /// Rooms of the type.
    pub capacity: i32,
    /// Of these, those that are out of service.
    pub out_of_service: i32,
    /// Rooms that may be sold on top of them.
    pub allowance: i32,
    /// Rooms in live holds.
    pub held: i32,
    /// Rooms of bookings.
    pub sold: i32,
    /// capacity - out_of_service + allowance - held - sold
    pub left: i32,
    /// Off sale, whatever is left.
    pub closed: bool,
    pub version: i32,
}

/// A live hold on a night.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct NightHold {
    pub hold_id: HoldId,
    pub rooms: i32,
    pub status: HoldStatus,
    /// When its rooms are free again, unless it is booked, given back or lives longer by a payment.
    pub live_until: DateTime<Utc>,
}

/// A booking that keeps a night.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NightBooking {
    pub booking_id: BookingId,
    pub confirmation_code: String,
    pub rooms: i32,
    pub status: BookingStatus,
}

/// A night of a room type and what fills it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FilledNight {
    #[serde(flatten)]
    pub night: InventoryNight,
    /// The next to lapse first; at most 1,000 are listed, and `held` counts all.
    pub holds: Vec<NightHold>,
    /// The oldest first; at most 1,000 are listed, and `sold` counts all.
    pub bookings: Vec<NightBooking>,
}
