//! Give somebody a role.

use super::store::{self, Grant};
use crate::access::guard::Caller;
use crate::accounts::subject;
use crate::audit::{self, Action, Resource};
use crate::db::{DbError, Tx};
use crate::hotels::staff::Refusal;
use crate::kernel::ids::UserId;

/// Grants: it counts on the user's next request. Whether they had it not before.
///
/// Locks: the user; inserts. The caller has the right to administer. Behind it stands the primary key of `user_roles`.
pub fn grant(tx: &mut Tx<'_>, by: &Caller, user_id: UserId, role: &str) -> Result<(Grant, bool), Refusal> {
    let user = store::lock(tx, user_id)?.ok_or(Refusal::NotFound)?;
    let is_new = store::insert_grant(tx, user_id, role)?;
    let grant = store::find_grant(tx, user_id, role)?;
    let grant = grant.ok_or_else(|| DbError::invariant("a role just granted is there"))?;
    if is_new {
        store::step(tx, &user)?;
        audit::record(tx, by, Action::Granted, subject(Resource::Role, Some(user_id.0)), None, Some(&grant))?;
    }
    Ok((grant, is_new))
}
