//! Change password: another one for the one that is known, and every session ends.

use secrecy::SecretString;
use serde_json::json;

use super::AccessError;
use super::chosen::{ChosenPassword, normal};
use super::guard::Caller;
use super::password::Passwords;
use super::sessions::store::{self as sessions, Because};
use super::store;
use super::throttle::{Kind, Throttle};
use crate::audit::{self, Action, Resource};
use crate::db::Db;

/// Replaces the password; whoever is signed in to the account, the caller among them, must sign in again.
///
/// Locks: the account (by its UPDATE), then its sessions. A login that is under way keeps the account first: its session
/// is ended here, or it finds that the password is another. The throttle's rows come last. A wrong password is a failure
/// like one at login, but counted for itself: whoever has found a token is not to guess either, and whoever guesses at
/// login does not keep the guest from changing the password. It is written down, so that such guesses are seen.
pub async fn change_password(
    db: &Db,
    passwords: &Passwords,
    throttle: &Throttle,
    caller: Caller,
    current: SecretString,
    new: SecretString,
) -> Result<(), AccessError> {
    let user_id = caller.user_id;
    let account = db.read(move |conn| store::account(conn, user_id)).await?;
    let chosen = ChosenPassword::new(&new, &account.email)?;
    let guess = throttle.subjects(Kind::Password, &user_id.to_string(), caller.address.as_deref());
    let attempt = throttle.admit(db, guess).await?;
    if !passwords.verify(normal(&current), Some(account.password_hash.clone())).await? {
        return refuse(db, caller, "wrong_password").await;
    }
    let hash = passwords.hash(chosen.into_secret()).await?;
    let by = caller.clone();
    let changed = db
        .write(move |tx| {
            if !sessions::set_password(tx, user_id, &account.password_hash, &hash)? {
                return Ok::<_, AccessError>(false);
            }
            sessions::end_all(tx, user_id, Because::PasswordChanged)?;
            let what = json!({ "password": "changed" });
            audit::note(tx, &by, Action::Changed, Resource::Account, Some(user_id.0), what)?;
            attempt.succeeded(tx)?;
            Ok(true)
        })
        .await?;
    if changed { Ok(()) } else { refuse(db, caller, "changed_meanwhile").await }
}

/// Writes down that the caller did not know the password, or that it was another by then.
async fn refuse(db: &Db, caller: Caller, reason: &'static str) -> Result<(), AccessError> {
    let about = Some(caller.user_id.0);
    let details = json!({ "by": "changing_password", "reason": reason });
    db.write(move |tx| audit::note(tx, &caller, Action::Denied, Resource::Account, about, details.clone())).await?;
    Err(AccessError::WrongPassword)
}
