//! Login: a password for a session.

use secrecy::SecretString;

use super::password::Passwords;
use super::refresh::{self, Grant, Issuer};
use super::{AccessError, store};
use crate::db::Db;
use crate::kernel::ids::SessionId;

/// Where somebody signs in from, as far as they say.
#[derive(Clone, Debug, Default)]
pub struct From {
    pub user_agent: Option<String>,
    pub address: Option<String>,
}

/// Opens a session. Unknown address, wrong password and disabled account are one refusal, after the same work.
pub async fn login(
    db: &Db,
    passwords: &Passwords,
    issuer: &Issuer,
    email: String,
    password: SecretString,
    from: From,
) -> Result<Grant, AccessError> {
    let account = db.read(move |conn| store::find_account(conn, &email)).await?;
    let hash = account.as_ref().map(|account| account.password_hash.clone());
    let fits = passwords.verify(password, hash).await?;
    let user_id = match account {
        Some(account) if fits && account.disabled_at.is_none() => account.user_id,
        _ => return Err(AccessError::InvalidCredentials),
    };
    let issuer = issuer.clone();
    db.write(move |tx| {
        let session_id = SessionId::new();
        let (expires_at, now) = store::insert_session(
            tx,
            user_id,
            session_id,
            issuer.session_ttl_s,
            from.user_agent.as_deref(),
            from.address.as_deref(),
        )?;
        let grant = issuer.grant(user_id, session_id, 1, expires_at, now)?;
        store::insert_refresh_token(tx, user_id, session_id, 1, &refresh::hash(&grant.refresh_token))?;
        Ok(grant)
    })
    .await
}
