//! SQL of the audit log: entries are inserted, and never changed.

use diesel::prelude::*;
use serde_json::Value;

use super::{Action, Subject};
use crate::access::guard::Caller;
use crate::db::{DbError, Tx};
use crate::kernel::ids::AuditId;
use crate::kernel::request;
use crate::schema::audit_entries as e;

pub(super) fn insert(
    tx: &mut Tx<'_>,
    by: &Caller,
    action: Action,
    subject: Subject,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<(), DbError> {
    diesel::insert_into(e::table)
        .values((
            e::hotel_id.eq(subject.hotel_id),
            e::audit_id.eq(AuditId::new()),
            e::actor_id.eq(by.user_id),
            e::action.eq(action),
            e::resource.eq(subject.resource),
            e::resource_id.eq(subject.resource_id),
            e::before.eq(before),
            e::after.eq(after),
            e::request_id.eq(request::id()),
            e::address.eq(&by.address),
        ))
        .execute(&mut **tx)?;
    Ok(())
}
