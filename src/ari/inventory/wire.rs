//! What staff say of the stock, many nights at once.

use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_with::rust::unwrap_or_skip;
use utoipa::ToSchema;

use crate::ari::bulk::{Item, MAX_ITEMS};
use crate::ari::span::Weekday;
use crate::ari::wire::once_each;
use crate::kernel::ids::RoomTypeId;
use crate::kernel::stay::stay_date;

/// The most rooms of a type, and the most that may be overbooked.
const MAX_ROOMS: i32 = 100_000;

/// Changes of the stock: all of them, or none.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeInventory {
    /// At most 200,000 nights in all. No two set the same of one night.
    #[garde(length(min = 1, max = MAX_ITEMS), dive)]
    pub items: Vec<InventoryItem>,
}

/// Some nights of a room type, and what is to be set of each.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct InventoryItem {
    pub room_type_id: RoomTypeId,
    #[serde(deserialize_with = "stay_date")]
    pub from: NaiveDate,
    /// Not included; at most 750 days after `from`.
    #[serde(deserialize_with = "stay_date")]
    pub to: NaiveDate,
    /// Only nights on these [default: all].
    #[serde(default, with = "unwrap_or_skip", skip_serializing_if = "Option::is_none")]
    #[garde(inner(length(min = 1), custom(once_each)))]
    #[schema(nullable = false)]
    pub weekdays: Option<Vec<Weekday>>,
    #[garde(dive, custom(something))]
    pub set: InventorySet,
    /// The version that each of the nights must have; 0: there must be no such night yet.
    #[serde(default, with = "unwrap_or_skip", skip_serializing_if = "Option::is_none")]
    #[garde(range(min = 0))]
    #[schema(nullable = false)]
    pub expected_version: Option<i32>,
}

/// What is to be set of a night. What is absent stays. At least one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct InventorySet {
    /// Rooms of the type. Needed for nights that are not there yet: it makes them.
    #[serde(default, with = "unwrap_or_skip", skip_serializing_if = "Option::is_none")]
    #[garde(range(min = 0, max = MAX_ROOMS))]
    #[schema(nullable = false)]
    pub capacity: Option<i32>,
    /// Rooms that may be sold on top of them.
    #[serde(default, with = "unwrap_or_skip", skip_serializing_if = "Option::is_none")]
    #[garde(range(min = 0, max = MAX_ROOMS))]
    #[schema(nullable = false)]
    pub allowance: Option<i32>,
    /// Whether the night is off sale. Holds and bookings stay.
    #[serde(default, with = "unwrap_or_skip", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub closed: Option<bool>,
}

impl InventorySet {
    fn sets(&self) -> impl Iterator<Item = &'static str> {
        let sets = [
            (self.capacity.is_some(), "capacity"),
            (self.allowance.is_some(), "allowance"),
            (self.closed.is_some(), "closed"),
        ];
        sets.into_iter().filter_map(|(is_set, name)| is_set.then_some(name))
    }

    /// Both together; no field is set by both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            capacity: self.capacity.or(other.capacity),
            allowance: self.allowance.or(other.allowance),
            closed: self.closed.or(other.closed),
        }
    }

    /// Whether it bears on how many rooms can be sold.
    #[must_use]
    pub fn moves_rooms(self) -> bool {
        self.capacity.is_some() || self.allowance.is_some()
    }
}

impl Item for InventoryItem {
    type Key = RoomTypeId;

    fn key(&self) -> RoomTypeId {
        self.room_type_id
    }

    fn range(&self) -> (NaiveDate, NaiveDate, Option<&[Weekday]>) {
        (self.from, self.to, self.weekdays.as_deref())
    }

    fn sets(&self) -> Vec<&'static str> {
        self.set.sets().collect()
    }

    fn expected_version(&self) -> Option<i32> {
        self.expected_version
    }
}

fn something(set: &InventorySet, _: &()) -> garde::Result {
    if set.sets().next().is_none() {
        return Err(garde::Error::new("must have one of capacity, allowance, closed"));
    }
    Ok(())
}
