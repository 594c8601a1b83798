//! A room type as staff see it, make it and change it.

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_with::rust::{double_option, unwrap_or_skip};
use utoipa::ToSchema;

use crate::hotels::admin::wire::word;
use crate::hotels::staff::Refusal;
use crate::http::extract::not_blank;
use crate::http::patch::set;
use crate::kernel::ids::{HotelId, RoomTypeId};
use crate::text_enum;

/// The most rooms of a type a night, as the stock's CHECK has it.
pub const MAX_CAPACITY: i32 = 100_000;

text_enum! {
    /// A kind of bed.
    pub enum BedType {
        Single = "single",
        Double = "double",
        Queen = "queen",
        King = "king",
        Bunk = "bunk",
        SofaBed = "sofa_bed",
        Crib = "crib",
    }
}

/// Beds of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Beds {
    #[garde(skip)]
    pub r#type: BedType,
    #[garde(range(min = 1, max = 20))]
    pub count: i16,
}

/// What a room type says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomTypeFields {
    pub name: String,
    pub max_adults: i16,
    pub max_children: i16,
    /// Adults and children together.
    pub max_occupancy: i16,
    pub beds: Vec<Beds>,
    pub amenities: Vec<String>,
    #[schema(required)]
    pub description: Option<String>,
}

impl RoomTypeFields {
    /// What single fields cannot say.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.max_occupancy < self.max_adults {
            return Err(Refusal::invalid("max_occupancy", "must be at least max_adults"));
        }
        Ok(())
    }
}

/// A room type to be created, and its stock.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoomType {
    #[garde(custom(not_blank), length(chars, max = 200))]
    name: String,
    /// Rooms that can be sold, each night from today to the hotel's horizon. Later it is changed night by night.
    #[garde(range(min = 0, max = MAX_CAPACITY))]
    capacity: i32,
    #[garde(range(min = 1, max = 20))]
    max_adults: i16,
    #[garde(range(min = 0, max = 10))]
    max_children: i16,
    /// Adults and children together.
    #[garde(range(min = 1, max = 30))]
    max_occupancy: i16,
    #[serde(default)]
    #[garde(length(max = 20), dive)]
    beds: Vec<Beds>,
    /// Words, such as `balcony`.
    #[serde(default)]
    #[garde(length(max = 100), inner(custom(word)))]
    amenities: Vec<String>,
    #[garde(inner(custom(not_blank)), length(chars, max = 10_000))]
    description: Option<String>,
}

impl NewRoomType {
    /// What the room type says of itself, if that is sound, and the capacity of its nights.
    pub fn checked(self) -> Result<(RoomTypeFields, i32), Refusal> {
        let Self { name, capacity, max_adults, max_children, max_occupancy, beds, amenities, description } = self;
        let fields = RoomTypeFields { name, max_adults, max_children, max_occupancy, beds, amenities, description };
        fields.check()?;
        Ok((fields, capacity))
    }
}

/// What is to change of a room type. What is absent stays; `null` clears what may be absent. Capacity belongs to the
/// nights: `PATCH …/inventory`.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomTypePatch {
    #[serde(default, with = "unwrap_or_skip")]
    #[garde(inner(custom(not_blank)), length(chars, max = 200))]
    #[schema(nullable = false)]
    name: Option<String>,
    #[serde(default, with = "unwrap_or_skip")]
    #[garde(range(min = 1, max = 20))]
    #[schema(nullable = false)]
    max_adults: Option<i16>,
    #[serde(default, with = "unwrap_or_skip")]
    #[garde(range(min = 0, max = 10))]
    #[schema(nullable = false)]
    max_children: Option<i16>,
    #[serde(default, with = "unwrap_or_skip")]
    #[garde(range(min = 1, max = 30))]
    #[schema(nullable = false)]
    max_occupancy: Option<i16>,
    /// All of them.
    #[serde(default, with = "unwrap_or_skip")]
    #[garde(length(max = 20), dive)]
    #[schema(nullable = false)]
    beds: Option<Vec<Beds>>,
    /// All of them.
    #[serde(default, with = "unwrap_or_skip")]
    #[garde(length(max = 100), inner(inner(custom(word))))]
    #[schema(nullable = false)]
    amenities: Option<Vec<String>>,
    #[serde(default, with = "double_option")]
    #[garde(inner(inner(custom(not_blank))), length(chars, max = 10_000))]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
}

impl RoomTypePatch {
    /// The fields as they would be.
    #[must_use]
    pub fn apply(self, to: &RoomTypeFields) -> RoomTypeFields {
        let mut fields = to.clone();
        set(&mut fields.name, self.name);
        set(&mut fields.max_adults, self.max_adults);
        set(&mut fields.max_children, self.max_children);
        set(&mut fields.max_occupancy, self.max_occupancy);
        set(&mut fields.beds, self.beds);
        set(&mut fields.amenities, self.amenities);
        set(&mut fields.description, self.description);
        fields
    }
}

/// A room type.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RoomTypeBody {
    pub room_type_id: RoomTypeId,
    pub hotel_id: HotelId,
    #[serde(flatten)]
    pub fields: RoomTypeFields,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    /// When it was deleted; `null` while it is not.
    #[schema(required)]
    pub deleted_at: Option<DateTime<Utc>>,
}
