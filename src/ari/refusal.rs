//! Why a bulk change is not made. Each list has every item at fault, in their order.

use std::collections::HashSet;

use chrono::NaiveDate;
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Date, Integer};
use serde::Serialize;

use crate::carries_db;
use crate::db::DbError;
use crate::hotels::staff::Refusal;

/// A value that is wrong in itself, or together with the other items or with what is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `items[3].set.price`
    pub field: String,
    /// Whether it is wrong because it is not there.
    pub is_missing: bool,
    pub message: String,
}

impl Fault {
    /// Of an item; `field` is empty for the item as a whole.
    pub fn of(item: usize, field: &str, message: impl Into<String>) -> Self {
        let dot = if field.is_empty() { "" } else { "." };
        Self { field: format!("items[{item}]{dot}{field}"), is_missing: false, message: message.into() }
    }

    /// Which item; none: all of them together.
    fn item(&self) -> Option<usize> {
        self.field.strip_prefix("items[")?.split_once(']')?.0.parse().ok()
    }

    /// Of a field of an item that must be there.
    pub fn missing(item: usize, field: &str, message: impl Into<String>) -> Self {
        Self { is_missing: true, ..Self::of(item, field, message) }
    }
}

/// An item that expects another version of some of its nights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, QueryableByName)]
pub struct Stale {
    #[diesel(sql_type = Integer)]
    pub item: i32,
    #[diesel(sql_type = Date)]
    pub first_night: NaiveDate,
    /// How many nights.
    #[diesel(sql_type = BigInt)]
    pub nights: i64,
    /// Of the first night; 0: there is no such night.
    #[diesel(sql_type = Integer)]
    pub current_version: i32,
}

/// An item that would leave fewer rooms than are sold and held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Below {
    pub item: usize,
    pub first_night: NaiveDate,
    /// How many nights.
    pub nights: i64,
    /// Rooms sold and held on the first night.
    pub committed: i32,
    /// Rooms that could be sold that night: capacity less those out of service, and the allowance.
    pub sellable: i32,
}

/// A refusal of a bulk change.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Staff(Refusal),
    #[error("{} faults", .0.len())]
    Invalid(Vec<Fault>),
    #[error("{} items expect another version", .0.len())]
    Stale(Vec<Stale>),
    #[error("{} items are below what is committed", .0.len())]
    Below(Vec<Below>),
    /// Prices of plans whose prices are computed from another's.
    #[error("{} items set a derived plan's price", .0.len())]
    RateIsDerived(Vec<usize>),
    #[error(transparent)]
    Db(#[from] DbError),
}
carries_db!(Refused);

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Db(error) => Self::Db(error),
            refusal => Self::Staff(refusal),
        }
    }
}

/// Nothing, if there are no faults; else all of them in the items' order, of each field the first that was found.
pub fn none(mut faults: Vec<Fault>) -> Result<(), Refused> {
    let mut seen = HashSet::new();
    faults.retain(|fault| seen.insert(fault.field.clone()));
    faults.sort_by_key(Fault::item);
    if faults.is_empty() { Ok(()) } else { Err(Refused::Invalid(faults)) }
}
