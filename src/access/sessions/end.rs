//! End a session, and write down how.

use serde_json::json;

use super::store::{self, Because};
use crate::access::login::From;
use crate::audit::{self, Action, Actor, Resource};
use crate::db::{DbError, Tx};
use crate::kernel::ids::{SessionId, UserId};

/// Ends the session. One that had ended stays as it was, and nothing is written. Whoever has one of its tokens is taken
/// for its user.
///
/// Locks: the session, by its UPDATE; inserts.
pub fn end(
    tx: &mut Tx<'_>,
    user_id: UserId,
    session_id: SessionId,
    because: Because,
    from: &From,
) -> Result<(), DbError> {
    if !store::end(tx, user_id, session_id, because)? {
        return Ok(());
    }
    let action = match because {
        Because::Logout => Action::SignedOut,
        Because::RefreshTokenReused => Action::RefreshReused,
        Because::PasswordChanged | Because::Revoked | Because::Disabled => Action::Revoked,
    };
    let by = Actor::User { user_id, address: from.address.as_deref() };
    let details = json!({ "user_agent": from.user_agent });
    audit::note(tx, by, action, Resource::Session, Some(session_id.0), details)
}
