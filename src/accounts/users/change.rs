//! Disable somebody, or enable them again.

use super::store::{self, User};
use crate::access::guard::Caller;
use crate::access::sessions::store::{self as sessions, Because};
use crate::accounts::administration::Administration;
use crate::accounts::subject;
use crate::audit::{self, Action, Resource};
use crate::db::Tx;
use crate::hotels::staff::Refusal;
use crate::kernel::ids::UserId;
use crate::kernel::version::Expected;

/// Disables or enables. Whoever is disabled is signed out everywhere and cannot sign in; enabled again, they sign in
/// anew. What they have booked stays. A change that changes nothing leaves the version as it is.
///
/// Locks: the right to administer → user → their sessions (by their UPDATE).
pub fn change(
    tx: &mut Tx<'_>,
    by: &Caller,
    user_id: UserId,
    expected: &Expected,
    disabled: Option<bool>,
) -> Result<User, Refusal> {
    let administration = Administration::lock(tx)?;
    let before = store::lock(tx, user_id)?.ok_or(Refusal::NotFound)?;
    expected.meets(before.version)?;
    let disabled = disabled.unwrap_or(before.disabled_at.is_some());
    if disabled == before.disabled_at.is_some() {
        return Ok(before);
    }
    let after = store::mark_disabled(tx, &before, disabled)?;
    if disabled {
        sessions::end_all(tx, user_id, Because::Disabled)?;
        Administration::must_remain(administration, tx)?;
    }
    audit::record(tx, by, Action::Changed, subject(Resource::Account, Some(user_id.0)), Some(&before), Some(&after))?;
    Ok(after)
}
