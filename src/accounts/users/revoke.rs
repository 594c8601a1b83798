//! Take a role from somebody.

use super::store;
use crate::access::guard::Caller;
use crate::accounts::administration::Administration;
use crate::accounts::subject;
use crate::audit::{self, Action, Resource};
use crate::db::Tx;
use crate::hotels::staff::Refusal;
use crate::kernel::ids::UserId;

/// Revokes: it counts on the user's next request. Memberships stay; without a role they open nothing.
///
/// Locks: the right to administer → user → the grant (by its DELETE).
pub fn revoke(tx: &mut Tx<'_>, by: &Caller, user_id: UserId, role: &str) -> Result<(), Refusal> {
    let administration = Administration::lock(tx)?;
    let user = store::lock(tx, user_id)?.ok_or(Refusal::NotFound)?;
    let before = store::find_grant(tx, user_id, role)?.ok_or(Refusal::NotFound)?;
    store::delete_grant(tx, user_id, role)?;
    Administration::must_remain(administration, tx)?;
    store::step(tx, &user)?;
    audit::record(tx, by, Action::Revoked, subject(Resource::Role, Some(user_id.0)), Some(&before), None)?;
    Ok(())
}
