//! The audit log: who did what to what, from where, and what it was before and after. An entry is written in the
//! transaction of the deed it tells of, so neither is there without the other.

mod store;

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::access::guard::Caller;
use crate::db::{DbError, Tx};
use crate::kernel::ids::HotelId;
use crate::outbox::events;
use crate::text_enum;

text_enum! {
    /// A kind of thing that is written about.
    pub enum Resource {
        Booking = "booking",
        Hotel = "hotel",
        Inventory = "inventory",
        Member = "member",
        RatePlan = "rate_plan",
        Refund = "refund",
        Rates = "rates",
        Room = "room",
        RoomType = "room_type",
        Tax = "tax",
    }
}

text_enum! {
    /// What was done.
    pub enum Action {
        Created = "created",
        Changed = "changed",
        Deleted = "deleted",
        Restored = "restored",
        Granted = "granted",
        Revoked = "revoked",
        NoShow = "no_show",
        Imported = "imported",
    }
}

/// Who did it.
#[derive(Clone, Copy, Debug)]
pub enum Actor<'a> {
    Caller(&'a Caller),
    /// Whoever runs the commands of this house: nobody who signs in.
    Operator,
}

impl<'a> From<&'a Caller> for Actor<'a> {
    fn from(caller: &'a Caller) -> Self {
        Self::Caller(caller)
    }
}

/// What something was done to.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    pub hotel_id: HotelId,
    pub resource: Resource,
    /// None: many at once.
    pub resource_id: Option<Uuid>,
}

/// Writes down what was done, and tells of it through the outbox as `{resource}.{action}`: nobody's work does one
/// without the other. `before` and `after` are the resource as the API shows it.
///
/// Locks: nothing; inserts.
pub fn record<'a, T: Serialize>(
    tx: &mut Tx<'_>,
    by: impl Into<Actor<'a>>,
    action: Action,
    subject: Subject,
    before: Option<&T>,
    after: Option<&T>,
) -> Result<(), DbError> {
    let (before, after) = (shown(before)?, shown(after)?);
    let version = after.as_ref().and_then(|after| after.get("version")).cloned();
    store::insert(tx, by.into(), action, subject, before, after)?;
    let Subject { hotel_id, resource, resource_id } = subject;
    let topic = format!("{resource}.{action}");
    events::emit(tx, hotel_id, &topic, resource_id.unwrap_or(hotel_id.0), json!({ "version": version }))
}

fn shown<T: Serialize>(resource: Option<&T>) -> Result<Option<Value>, DbError> {
    resource.map(serde_json::to_value).transpose().map_err(|error| DbError::invariant(error.to_string()))
}
