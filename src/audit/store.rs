//! SQL of the audit log: entries are inserted, and never changed.

use diesel::prelude::*;
use serde_json::Value;

use super::{Action, Actor, Subject};
use crate::db::{DbError, Tx};
use crate::kernel::ids::AuditId;
use crate::kernel::request;
use crate::schema::audit_entries as e;

pub(super) fn insert(
    tx: &mut Tx<'_>,
    by: Actor<'_>,
    action: Action,
    subject: Subject,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<(), DbError> {
    let (actor_id, address) = match by {
        Actor::Caller(caller) => (Some(caller.user_id), caller.address.as_deref()),
        Actor::Operator => (None, None),
    };
    diesel::insert_into(e::table)
        .values((
            e::hotel_id.eq(subject.hotel_id),
            e::audit_id.eq(AuditId::new()),
            e::actor_id.eq(actor_id),
            e::action.eq(action),
            e::resource.eq(subject.resource),
            e::resource_id.eq(subject.resource_id),
            e::before.eq(before),
            e::after.eq(after),
            e::request_id.eq(request::id()),
            e::address.eq(address),
        ))
        .execute(&mut **tx)?;
    Ok(())
}
