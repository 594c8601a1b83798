//! Who sleeps in a room.

use serde::{Deserialize, Serialize};

/// The oldest age that counts as a child's.
pub const MAX_CHILD_AGE: i16 = 17;
/// The most children a room can be asked for.
pub const MAX_CHILDREN: usize = 10;
/// The most adults a room can be asked for.
pub const MAX_ADULTS: i16 = 20;
/// The most rooms one quote is for.
pub const MAX_ROOMS: i16 = 9;

/// The guests of each room; rooms asked for together are alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    pub adults: i16,
    pub children_ages: Vec<i16>,
    pub rooms: i16,
}

impl Party {
    /// Children in one room.
    #[must_use]
    pub fn children(&self) -> i64 {
        self.children_ages.iter().map(|_| 1).sum()
    }

    /// Adults and children in one room.
    #[must_use]
    pub fn persons(&self) -> i64 {
        i64::from(self.adults) + self.children()
    }

    /// Whether one room's guests fit.
    #[must_use]
    pub fn fits(&self, max_adults: i16, max_children: i16, max_occupancy: i16) -> bool {
        self.adults <= max_adults
            && self.children() <= i64::from(max_children)
            && self.persons() <= i64::from(max_occupancy)
    }
}
