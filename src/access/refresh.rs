//! Refresh: a rotating family of opaque tokens, one a session.
//!
//! A token is derived from its session and generation, so the same successor can be given again within the grace
//! without ever storing a token in the clear.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Duration;

use super::login::From;
use super::sessions::end::end;
use super::sessions::store::Because;
use super::tokens::AccessTokens;
use super::{AccessError, keys, store};
use crate::db::{self, Db, Tx};
use crate::kernel::clock::Instant;
use crate::kernel::ids::{SessionId, UserId};
use crate::kernel::secret::{Keyring, Purpose, sha256};

/// What a sign-in yields.
#[derive(Clone, Debug)]
pub struct Grant {
    pub access_token: String,
    /// Seconds.
    pub expires_in: i64,
    pub refresh_token: String,
    /// Seconds.
    pub refresh_expires_in: i64,
}

/// Makes tokens.
#[derive(Clone)]
pub struct Issuer {
    pub keys: Arc<Keyring>,
    pub tokens: Arc<AccessTokens>,
    pub session_ttl_s: i32,
    pub refresh_grace_s: i32,
}

/// How a refresh ended.
#[derive(Debug)]
pub enum Refreshed {
    Granted(Grant),
    /// A token older than the current one's predecessor, or that predecessor after its grace: the family is revoked.
    Reused,
}

impl Issuer {
    /// Both tokens of a session at a generation.
    pub fn grant(
        &self,
        tx: &mut Tx<'_>,
        user_id: UserId,
        session_id: SessionId,
        generation: i32,
        session_expires_at: Instant,
        now: Instant,
    ) -> Result<Grant, AccessError> {
        Ok(Grant {
            access_token: self.tokens.issue(keys::store::signing(tx)?, user_id, session_id, now)?,
            expires_in: i64::from(self.tokens.ttl_s()),
            refresh_token: self.refresh_token(user_id, session_id, generation),
            refresh_expires_in: (session_expires_at - now).num_seconds().max(0),
        })
    }

    fn refresh_token(&self, user_id: UserId, session_id: SessionId, generation: i32) -> String {
        let mut message = user_id.0.as_bytes().to_vec();
        message.extend_from_slice(session_id.0.as_bytes());
        message.extend_from_slice(&generation.to_be_bytes());
        format!("lrr_{}", URL_SAFE_NO_PAD.encode(self.keys.mac(Purpose::RefreshToken, &message)))
    }
}

/// Under what a refresh token is stored.
#[must_use]
pub fn hash(token: &str) -> Vec<u8> {
    sha256(token.as_bytes())
}

/// Rotates. The immediate predecessor gets the current token again within the grace; anything older ends the family.
/// Whoever is given tokens either way has used the session: its user sees from where.
pub async fn refresh(db: &Db, issuer: &Issuer, token: String, from: From) -> Result<Refreshed, AccessError> {
    let issuer = issuer.clone();
    db.write(move |tx| rotate(tx, &issuer, &token, &from)).await
}

fn rotate(tx: &mut Tx<'_>, issuer: &Issuer, token: &str, from: &From) -> Result<Refreshed, AccessError> {
    let (user_id, session_id, generation) =
        store::find_refresh_token(tx, &hash(token))?.ok_or(AccessError::RefreshTokenInvalid)?;
    // Everything below is decided under the session's row lock: of two refreshes at once the second sees the first's.
    let session = store::lock_session(tx, user_id, session_id)?.ok_or(AccessError::RefreshTokenInvalid)?;
    let now = db::now(tx)?;
    if session.revoked_at.is_some() || session.expires_at <= now || !store::is_enabled(tx, user_id)? {
        return Err(AccessError::RefreshTokenInvalid);
    }
    let grace = Duration::seconds(i64::from(issuer.refresh_grace_s));
    if generation == session.generation {
        let next = generation + 1;
        store::rotate(tx, user_id, session_id, next)?;
        let grant = issuer.grant(tx, user_id, session_id, next, session.expires_at, now)?;
        store::insert_refresh_token(tx, user_id, session_id, next, &hash(&grant.refresh_token))?;
        store::used(tx, user_id, session_id, from.user_agent.as_deref(), from.address.as_deref())?;
        Ok(Refreshed::Granted(grant))
    } else if generation + 1 == session.generation && now < session.rotated_at + grace {
        store::used(tx, user_id, session_id, from.user_agent.as_deref(), from.address.as_deref())?;
        issuer.grant(tx, user_id, session_id, session.generation, session.expires_at, now).map(Refreshed::Granted)
    } else {
        end(tx, user_id, session_id, Because::RefreshTokenReused, from)?;
        Ok(Refreshed::Reused)
    }
}

/// Logs out: ends the token's session. An unknown token has none, which is as good.
pub async fn logout(db: &Db, token: String, from: From) -> Result<(), AccessError> {
    db.write(move |tx| {
        if let Some((user_id, session_id, _)) = store::find_refresh_token(tx, &hash(&token))? {
            end(tx, user_id, session_id, Because::Logout, &from)?;
        }
        Ok(())
    })
    .await
}
