//! What the bulk changes of stock and rates say alike.

use serde::Serialize;
use utoipa::ToSchema;

use super::bulk::Done;
use super::span::Weekday;

/// What a bulk change has done.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct BulkBody {
    pub items: usize,
    /// Different nights that the items name.
    pub nights: i64,
    /// Of these, those that were not so before. Each is a version later, or made.
    pub changed: i64,
    /// Of these, those that were made.
    pub created: i64,
}

impl BulkBody {
    #[must_use]
    pub fn new(items: usize, done: Done) -> Self {
        let Done { nights, changed, created } = done;
        Self { items, nights, changed, created }
    }
}

/// Weekdays are a set.
pub fn once_each(days: &[Weekday], _: &()) -> garde::Result {
    let mut seen = Vec::new();
    for day in days {
        if seen.contains(day) {
            return Err(garde::Error::new(format!("{day} is there twice")));
        }
        seen.push(*day);
    }
    Ok(())
}
