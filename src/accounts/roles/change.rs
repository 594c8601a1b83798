//! Change what a role may do.

use super::store::{self, Role};
use crate::access::guard::Caller;
use crate::accounts::administration::Administration;
use crate::accounts::subject;
use crate::audit::{self, Action, Resource};
use crate::db::Tx;
use crate::hotels::staff::Refusal;
use crate::http::patch::set;
use crate::kernel::version::Expected;

/// What is to be changed of a role.
#[derive(Clone, Debug)]
pub struct Patch {
    pub description: Option<String>,
    pub permissions: Option<Vec<String>>,
}

/// Makes the patch's changes: they count on the next request of whoever has the role. A patch that changes nothing leaves
/// the version as it is.
///
/// Locks: the right to administer → role → its permissions (by their DELETE); inserts.
pub fn change(tx: &mut Tx<'_>, by: &Caller, role: &str, expected: &Expected, patch: Patch) -> Result<Role, Refusal> {
    let administration = Administration::lock(tx)?;
    let before = store::lock(tx, role)?.ok_or(Refusal::NotFound)?;
    expected.meets(before.version)?;
    let mut wanted = before.clone();
    set(&mut wanted.description, patch.description);
    if let Some(permissions) = patch.permissions {
        let known = store::permissions(tx)?;
        if let Some(at) = permissions.iter().position(|permission| !known.contains(permission)) {
            return Err(Refusal::invalid(format!("permissions[{at}]"), "is no permission"));
        }
        wanted.permissions = known.into_iter().filter(|permission| permissions.contains(permission)).collect();
    }
    if wanted == before {
        return Ok(before);
    }
    let after = store::update(tx, &before, &wanted)?;
    Administration::must_remain(administration, tx)?;
    audit::record(tx, by, Action::Changed, subject(Resource::Role, None), Some(&before), Some(&after))?;
    Ok(after)
}
