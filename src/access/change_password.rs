//! Change password: another one for the one that is known, and every session ends.

use secrecy::SecretString;
use serde_json::json;

use super::AccessError;
use super::chosen::{ChosenPassword, normal};
use super::guard::Caller;
use super::password::Passwords;
use super::sessions::store::{self as sessions, Because};
use super::store;
use crate::audit::{self, Action, Resource};
use crate::db::Db;

/// Replaces the password; whoever is signed in to the account, the caller among them, must sign in again.
///
/// Locks: the account (by its UPDATE), then its sessions. A login that is under way keeps the account first: its session
/// is ended here, or it finds that the password is another.
pub async fn change_password(
    db: &Db,
    passwords: &Passwords,
    caller: Caller,
    current: SecretString,
    new: SecretString,
) -> Result<(), AccessError> {
    let user_id = caller.user_id;
    let account = db.read(move |conn| store::account(conn, user_id)).await?;
    let chosen = ChosenPassword::new(&new, &account.email)?;
    if !passwords.verify(normal(&current), Some(account.password_hash.clone())).await? {
        return Err(AccessError::WrongPassword);
    }
    let hash = passwords.hash(chosen.into_secret()).await?;
    db.write(move |tx| {
        if !sessions::set_password(tx, user_id, &account.password_hash, &hash)? {
            return Err(AccessError::WrongPassword);
        }
        sessions::end_all(tx, user_id, Because::PasswordChanged)?;
        let what = json!({ "password": "changed" });
        Ok(audit::note(tx, &caller, Action::Changed, Resource::Account, Some(user_id.0), what)?)
    })
    .await
}
