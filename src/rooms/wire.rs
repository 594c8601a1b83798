//! A physical room as staff see it, make it and change it.

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_with::rust::{double_option, unwrap_or_skip};
use utoipa::ToSchema;

use crate::http::extract::not_blank;
use crate::http::patch::set;
use crate::kernel::ids::{HotelId, RoomId, RoomTypeId};
use crate::text_enum;

text_enum! {
    /// Whether guests can be given the room.
    pub enum RoomStatus {
        InService = "in_service",
        OutOfService = "out_of_service",
    }
}

/// What a room says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct RoomFields {
    pub room_type_id: RoomTypeId,
    /// As on its door; once in a hotel.
    #[garde(custom(not_blank), length(chars, max = 20))]
    pub number: String,
    #[garde(inner(custom(not_blank)), length(chars, max = 20))]
    pub floor: Option<String>,
    /// A room that is out of service takes one away from what can be sold, every night from today on
    /// [default: in_service].
    #[serde(default = "in_service")]
    pub status: RoomStatus,
}

/// What is to change of a room. What is absent stays; `null` clears what may be absent.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct RoomPatch {
    #[serde(default, with = "unwrap_or_skip")]
    #[schema(nullable = false)]
    room_type_id: Option<RoomTypeId>,
    #[serde(default, with = "unwrap_or_skip")]
    #[garde(inner(custom(not_blank)), length(chars, max = 20))]
    #[schema(nullable = false)]
    number: Option<String>,
    #[serde(default, with = "double_option")]
    #[garde(inner(inner(custom(not_blank))), length(chars, max = 20))]
    #[schema(value_type = Option<String>)]
    floor: Option<Option<String>>,
    #[serde(default, with = "unwrap_or_skip")]
    #[schema(nullable = false)]
    status: Option<RoomStatus>,
}

impl RoomPatch {
    /// The fields as they would be.
    #[must_use]
    pub fn apply(self, to: &RoomFields) -> RoomFields {
        let mut fields = to.clone();
        set(&mut fields.room_type_id, self.room_type_id);
        set(&mut fields.number, self.number);
        set(&mut fields.floor, self.floor);
        set(&mut fields.status, self.status);
        fields
    }
}

/// A physical room.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RoomBody {
    pub room_id: RoomId,
    pub hotel_id: HotelId,
    #[serde(flatten)]
    pub fields: RoomFields,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    /// When it was deleted; `null` while it is not.
    #[schema(required)]
    pub deleted_at: Option<DateTime<Utc>>,
}

impl RoomBody {
    /// The room type whose stock lacks this room, if one does.
    #[must_use]
    pub fn missed_by(&self) -> Option<RoomTypeId> {
        let is_missed = self.deleted_at.is_none() && self.fields.status == RoomStatus::OutOfService;
        is_missed.then_some(self.fields.room_type_id)
    }
}

fn in_service() -> RoomStatus {
    RoomStatus::InService
}
