//! Availability, rates and inventory (the field calls the three ARI) as a hotel's staff see and steer them: night by night,
//! and many nights in one call.
//!
//! A bulk change is items, each some nights and what is to be set of them. `bulk` holds them to the limits, `strips` cuts
//! them so that each night is changed once, and the use cases write all of it or nothing: `inventory`, `rates`.

pub mod bulk;
pub mod http;
pub mod inventory;
pub mod rates;
pub mod refusal;
pub mod span;
pub mod strips;
pub mod trail;
pub mod wire;

use std::time::Duration;

use chrono::NaiveDate;

use crate::db::{DbError, Tx, tx};
use crate::hotels::staff::Refusal;

/// How long the caller of a bulk change waits for it, all its statements together.
const CALLER_PATIENCE: Duration = Duration::from_secs(60);
/// How long a bulk change waits for a lock that others hold.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);
/// How long one of its statements may take.
const STATEMENT_PATIENCE: Duration = Duration::from_secs(30);

/// The most days that a grid shows, or an item of a bulk change spans.
pub const MAX_DAYS: i64 = 750;

/// Whether staff may ask for the nights from `from` up to `to`.
pub fn in_range(from: NaiveDate, to: NaiveDate) -> Result<(), Refusal> {
    match to.signed_duration_since(from).num_days() {
        ..=0 => Err(Refusal::invalid("to", "must be after from")),
        1..=MAX_DAYS => Ok(()),
        _ => Err(Refusal::invalid("to", format!("must be at most {MAX_DAYS} days after from"))),
    }
}

/// Lets a transaction be a bulk change.
pub fn patience(tx: &mut Tx<'_>) -> Result<(), DbError> {
    tx::allow(tx, LOCK_PATIENCE, STATEMENT_PATIENCE)
}
