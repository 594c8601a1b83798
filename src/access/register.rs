//! Register: an account for an address that has none. The caller is told the same either way.

use serde_json::json;

use super::AccessError;
use super::store::{self, NewUser};
use crate::audit::{self, Action, Actor, Resource};
use crate::db::Db;

/// The role of everybody who registers.
pub const GUEST: &str = "guest";

/// Opens the account. For a known address nothing changes, and nothing tells: the audit log gets an entry either way,
/// so that one takes no longer than the other.
///
/// Locks: nothing; inserts. Behind it stands `users_email_key`.
pub async fn register(db: &Db, user: NewUser, address: Option<String>) -> Result<(), AccessError> {
    db.write(move |tx| {
        let opened = store::insert_user(tx, &user, GUEST)?;
        let by = Actor::Stranger { address: address.as_deref() };
        let (action, about) = if opened {
            (Action::Created, Some(user.user_id))
        } else {
            (Action::Denied, store::find_account(tx, &user.email)?.map(|account| account.user_id))
        };
        audit::note(tx, by, action, Resource::Account, about.map(|id| id.0), json!({ "by": "registering" }))
    })
    .await
    .map_err(AccessError::Db)
}
