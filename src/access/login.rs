//! Login: a password for a session.

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::json;

use super::AccessError;
use super::chosen::normal;
use super::password::Passwords;
use super::refresh::{self, Grant, Issuer};
use super::sessions::store as sessions;
use super::store::{self, Account};
use super::throttle::{Attempt, Kind, Subject, Throttle, neighbourhood};
use crate::audit::{self, Action, Actor, Resource};
use crate::db::Db;
use crate::kernel::ids::{SessionId, UserId};

/// Where somebody signs in from, as far as they say.
#[derive(Clone, Debug, Default)]
pub struct From {
    pub user_agent: Option<String>,
    pub address: Option<String>,
}

/// How often the hash may be replaced by another while the password is held to it.
const TRIES: u32 = 2;

/// Opens a session. Unknown address, wrong password and disabled account are one refusal, after the same work, and one
/// failure, which the throttle counts.
pub async fn login(
    db: &Db,
    passwords: &Passwords,
    throttle: &Throttle,
    issuer: &Issuer,
    email: String,
    password: SecretString,
    from: From,
) -> Result<Grant, AccessError> {
    let guess = guess(db, throttle, &email, from.address.as_deref()).await?;
    let attempt = Arc::new(throttle.admit(db, guess).await?);
    let password = normal(&password);
    for _ in 0..TRIES {
        let email = email.clone();
        let account = db.read(move |conn| store::find_account(conn, &email)).await?;
        let hash = account.as_ref().map(|account| account.password_hash.clone());
        let fits = passwords.verify(password.clone(), hash).await?;
        let account = match account {
            None => return refuse(db, None, "unknown_account", from).await,
            Some(account) if !fits => return refuse(db, Some(account.user_id), "wrong_password", from).await,
            Some(account) if account.disabled_at.is_some() => {
                return refuse(db, Some(account.user_id), "disabled", from).await;
            }
            Some(account) => account,
        };
        if let Some(grant) = open(db, issuer, account.clone(), from.clone(), attempt.clone()).await? {
            if let Err(error) = strengthen(db, passwords, account, password).await {
                tracing::warn!(%error, "a weak hash stays until the next login");
            }
            return Ok(grant);
        }
    }
    refuse(db, None, "changed_meanwhile", from).await
}

/// What a guess counts against: the account; but from where it was signed in to before, the account from there alone.
/// So strangers who fail at it elsewhere do not keep its owner out, and whoever guesses from there has no more tries.
async fn guess(db: &Db, throttle: &Throttle, email: &str, from: Option<&str>) -> Result<Vec<Subject>, AccessError> {
    let key = store::email_key(email);
    let place = from.and_then(|from| from.parse().ok()).map(neighbourhood);
    let at_home = match place {
        Some(place) => {
            let key = key.clone();
            db.read(move |conn| sessions::began_in(conn, &key, place)).await?
        }
        None => false,
    };
    let what = place.filter(|_| at_home).map_or_else(|| key.clone(), |place| format!("{key}\0{place}"));
    Ok(throttle.subjects(Kind::Account, &what, from))
}

/// Writes down why somebody is not let in, and tells them nothing of it. What they typed is not written: people type
/// passwords where their address should be.
async fn refuse(db: &Db, account: Option<UserId>, reason: &'static str, from: From) -> Result<Grant, AccessError> {
    db.write(move |tx| {
        let by = Actor::Stranger { address: from.address.as_deref() };
        let details = json!({ "reason": reason, "user_agent": from.user_agent });
        audit::note(tx, by, Action::SignInFailed, Resource::Account, account.map(|id| id.0), details)
    })
    .await?;
    Err(AccessError::InvalidCredentials)
}

/// Opens the session. None: the account got another password, or was disabled, since it was read.
///
/// Locks: the account, shared, so that whoever changes the password or disables it then ends this session too; then the
/// throttle's rows.
async fn open(
    db: &Db,
    issuer: &Issuer,
    account: Account,
    from: From,
    attempt: Arc<Attempt>,
) -> Result<Option<Grant>, AccessError> {
    let issuer = issuer.clone();
    db.write(move |tx| {
        let user_id = account.user_id;
        if !sessions::keep_account(tx, user_id, &account.password_hash)? {
            return Ok(None);
        }
        let session_id = SessionId::new();
        let (expires_at, now) = store::insert_session(
            tx,
            user_id,
            session_id,
            issuer.session_ttl_s,
            from.user_agent.as_deref(),
            from.address.as_deref(),
        )?;
        let grant = issuer.grant(tx, user_id, session_id, 1, expires_at, now)?;
        store::insert_refresh_token(tx, user_id, session_id, 1, &refresh::hash(&grant.refresh_token))?;
        let by = Actor::User { user_id, address: from.address.as_deref() };
        let details = json!({ "user_agent": from.user_agent });
        audit::note(tx, by, Action::SignedIn, Resource::Session, Some(session_id.0), details)?;
        attempt.succeeded(tx)?;
        Ok(Some(grant))
    })
    .await
}

/// Hashes the password anew, if its hash was made by weaker parameters than are asked for now.
async fn strengthen(
    db: &Db,
    passwords: &Passwords,
    account: Account,
    password: SecretString,
) -> Result<(), AccessError> {
    if !passwords.is_weak(&account.password_hash) {
        return Ok(());
    }
    let stronger = passwords.hash(password).await?;
    db.write(move |tx| sessions::set_password(tx, account.user_id, &account.password_hash, &stronger)).await?;
    Ok(())
}
