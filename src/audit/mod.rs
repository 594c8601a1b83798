//! The audit log: who did what to what, from where, and what it was before and after. An entry is written in the
//! transaction of the deed it tells of, so neither is there without the other. A moment later the [sealer] chains it to
//! those before it. Whoever alters or removes one then must make anew all seals that follow. The application's role can
//! not, and `lastroom verify` finds what was done by halves; it does not find a whole chain that the tables' owner has
//! made anew (a head that was kept elsewhere tells), nor an entry about nothing that whoever has the application's role
//! writes as the application does.

pub mod chain;
pub mod sealer;
mod store;

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use self::store::Said;
use crate::db::{DbError, Tx};
use crate::kernel::ids::{HotelId, UserId};
use crate::outbox::events;
use crate::text_enum;

/// Where entries stand that belong to no hotel, in a chain of their own.
pub const NO_HOTEL: HotelId = HotelId(Uuid::nil());

/// Of a caller's denials for want of one permission, one is written in so many seconds.
const DENIAL_EVERY_S: i32 = 600;

text_enum! {
    /// A kind of thing that is written about.
    pub enum Resource {
        Account = "account",
        Booking = "booking",
        Hotel = "hotel",
        Inventory = "inventory",
        Member = "member",
        Permission = "permission",
        RatePlan = "rate_plan",
        Refund = "refund",
        Rates = "rates",
        Role = "role",
        Room = "room",
        RoomType = "room_type",
        Session = "session",
        Tax = "tax",
        TokenKey = "token_key",
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
        Denied = "denied",
        NoShow = "no_show",
        Imported = "imported",
        SignedIn = "signed_in",
        SignInFailed = "sign_in_failed",
        SignedOut = "signed_out",
        RefreshReused = "refresh_reused",
    }
}

/// Who did it.
#[derive(Clone, Copy, Debug)]
pub enum Actor<'a> {
    /// Somebody who has proven who they are.
    User { user_id: UserId, address: Option<&'a str> },
    /// Somebody who has not.
    Stranger { address: Option<&'a str> },
    /// Whoever runs the commands of this house: nobody who signs in.
    Operator,
}

/// What something was done to.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    pub hotel_id: HotelId,
    pub resource: Resource,
    /// None: many at once, or nothing that has an id.
    pub resource_id: Option<Uuid>,
}

/// Writes down what staff did, and tells of it through the outbox as `{resource}.{action}`: nobody's work does one
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
    let payload = payload(after.as_ref());
    store::insert(tx, by.into(), action, vec![Said { subject, before, after }])?;
    let Subject { hotel_id, resource, resource_id } = subject;
    let topic = format!("{resource}.{action}");
    events::emit(tx, hotel_id, &topic, resource_id.unwrap_or(hotel_id.0), payload)
}

/// The same of many hotels that have come at once.
///
/// Locks: nothing; inserts.
pub fn record_hotels<'a, T: Serialize>(
    tx: &mut Tx<'_>,
    by: impl Into<Actor<'a>>,
    action: Action,
    hotels: &[(HotelId, T)],
) -> Result<(), DbError> {
    let (mut all, mut told) = (Vec::with_capacity(hotels.len()), Vec::with_capacity(hotels.len()));
    for (hotel_id, after) in hotels {
        let subject = Subject { hotel_id: *hotel_id, resource: Resource::Hotel, resource_id: Some(hotel_id.0) };
        let after = shown(Some(after))?;
        told.push((*hotel_id, hotel_id.0, payload(after.as_ref())));
        all.push(Said { subject, before: None, after });
    }
    store::insert(tx, by.into(), action, all)?;
    events::emit_each(tx, &format!("{}.{action}", Resource::Hotel), told)
}

/// What an event says: the version that the resource has now.
fn payload(after: Option<&Value>) -> Value {
    json!({ "version": after.and_then(|after| after.get("version")) })
}

/// Writes down what belongs to no hotel, with what there is to say of it: sign-ins, roles. Nobody waits to be told.
///
/// Locks: nothing; inserts.
pub fn note<'a>(
    tx: &mut Tx<'_>,
    by: impl Into<Actor<'a>>,
    action: Action,
    resource: Resource,
    resource_id: Option<Uuid>,
    details: Value,
) -> Result<(), DbError> {
    let subject = Subject { hotel_id: NO_HOTEL, resource, resource_id };
    store::insert(tx, by.into(), action, vec![Said { subject, before: None, after: Some(details) }])
}

/// Writes down that `user_id` was denied a call for want of a permission, unless that was written of the two within
/// the last ten minutes: each kind of attempt is seen, and who hammers a door does not fill the log. Whether it was
/// written.
///
/// Locks: nothing; inserts. Of two denials at the same instant both may be written.
pub fn deny(
    tx: &mut Tx<'_>,
    user_id: UserId,
    address: Option<&str>,
    permission: &str,
    call: &str,
) -> Result<bool, DbError> {
    if store::denied_lately(tx, user_id, permission, DENIAL_EVERY_S)? {
        return Ok(false);
    }
    let details = json!({ "permission": permission, "call": call });
    note(tx, Actor::User { user_id, address }, Action::Denied, Resource::Permission, None, details)?;
    Ok(true)
}

fn shown<T: Serialize>(resource: Option<&T>) -> Result<Option<Value>, DbError> {
    resource.map(serde_json::to_value).transpose().map_err(|error| DbError::invariant(error.to_string()))
}
