//! Access tokens: EdDSA JWTs of at most 15 minutes, signed by keys that derive from the deployment's secret, so that
//! every server signs and accepts the same ones.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::AccessError;
use crate::kernel::clock::Instant;
use crate::kernel::ids::{SessionId, UserId};
use crate::kernel::secret::{Keyring, Purpose, sha256};

const ISSUER: &str = "lastroom";
const AUDIENCE: &str = "lastroom-api";
const TYPE: &str = "access";
/// How far the database's clock, by which tokens are issued, and a server's, by which they are checked, may differ, in
/// seconds.
const LEEWAY_S: u64 = 30;

/// The claims of an access token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    pub sub: UserId,
    pub sid: SessionId,
    pub jti: Uuid,
    pub typ: String,
    pub iat: i64,
    pub nbf: i64,
    pub exp: i64,
}

/// A key pair of access tokens.
struct TokenKey {
    kid: String,
    /// The public key in base64.
    x: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl TokenKey {
    /// The same for a generation on every server with the secret.
    fn derive(keys: &Keyring, generation: i32) -> Result<Self, AccessError> {
        let sign = |error: &dyn std::fmt::Display| AccessError::Sign(error.to_string());
        let seed = keys.seed(Purpose::AccessToken, generation);
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|e| sign(&e))?;
        let private = pair.to_pkcs8v1().map_err(|e| sign(&e))?;
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        Ok(Self {
            kid: URL_SAFE_NO_PAD.encode(sha256(thumbprint(&x).as_bytes())),
            decoding: DecodingKey::from_ed_components(&x).map_err(|e| sign(&e))?,
            encoding: EncodingKey::from_ed_der(private.as_ref()),
            x,
        })
    }
}

/// What becomes of a token that somebody shows.
#[derive(Debug)]
pub enum Shown {
    /// One of ours, valid now by its own words, signed by this generation's key. Whether that key is good still, and the
    /// session open, only the database knows.
    Genuine {
        claims: Claims,
        generation: i32,
    },
    /// Signed by a key that is not known here, if it is signed at all.
    UnknownKey,
    Invalid,
}

/// Signs and verifies access tokens.
///
/// Which generations of keys there are is in the table `token_keys`. What is known of them here is a cache: it is asked
/// again whenever a token names a key that is not in it.
pub struct AccessTokens {
    keys: Arc<Keyring>,
    known: RwLock<BTreeMap<i32, Arc<TokenKey>>>,
    validation: Validation,
    ttl_s: i32,
}

impl AccessTokens {
    /// Tokens of `keys` that live `ttl_s` seconds.
    #[must_use]
    pub fn new(keys: Arc<Keyring>, ttl_s: i32) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_S;
        Self { keys, known: RwLock::default(), validation, ttl_s }
    }

    /// Seconds a token lives.
    #[must_use]
    pub fn ttl_s(&self) -> i32 {
        self.ttl_s
    }

    /// A token for the session, signed by the key of `generation`, valid from `now`, the database's clock.
    pub fn issue(
        &self,
        generation: i32,
        user_id: UserId,
        session_id: SessionId,
        now: Instant,
    ) -> Result<String, AccessError> {
        let key = self.key(generation)?;
        let iat = now.timestamp();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user_id,
            sid: session_id,
            jti: Uuid::now_v7(),
            typ: TYPE.to_owned(),
            iat,
            nbf: iat,
            exp: iat + i64::from(self.ttl_s),
        };
        let header = Header { kid: Some(key.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &claims, &key.encoding).map_err(|error| AccessError::Sign(error.to_string()))
    }

    /// What a token is worth. Of its header only the key's id counts, and only to find it among those that are known:
    /// the algorithm is fixed, and keys that a token brings along or points to are not looked at.
    #[must_use]
    pub fn verify(&self, token: &str) -> Shown {
        let Ok(header) = jsonwebtoken::decode_header(token) else {
            return Shown::Invalid;
        };
        let Some((generation, key)) = header.kid.and_then(|kid| self.find(&kid)) else {
            return Shown::UnknownKey;
        };
        match jsonwebtoken::decode::<Claims>(token, &key.decoding, &self.validation) {
            Ok(data) if data.claims.typ == TYPE => Shown::Genuine { claims: data.claims, generation },
            _ => Shown::Invalid,
        }
    }

    /// From now on these generations are known too. None is forgotten: who read the table earlier may learn later.
    pub fn learn(&self, generations: &[i32]) -> Result<(), AccessError> {
        let keys = generations.iter().map(|&generation| Ok((generation, self.key(generation)?)));
        let learned: Vec<_> = keys.collect::<Result<_, AccessError>>()?;
        self.known.write().unwrap_or_else(PoisonError::into_inner).extend(learned);
        Ok(())
    }

    /// The public keys of these generations.
    pub fn jwks(&self, generations: &[i32]) -> Result<Jwks, AccessError> {
        let jwk = |key: Arc<TokenKey>| Jwk {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            alg: "EdDSA".to_owned(),
            r#use: "sig".to_owned(),
            kid: key.kid.clone(),
            x: key.x.clone(),
        };
        let keys = generations.iter().map(|&generation| self.key(generation).map(jwk));
        Ok(Jwks { keys: keys.collect::<Result<_, _>>()? })
    }

    fn key(&self, generation: i32) -> Result<Arc<TokenKey>, AccessError> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&generation).cloned();
        known.map_or_else(|| TokenKey::derive(&self.keys, generation).map(Arc::new), Ok)
    }

    fn find(&self, kid: &str) -> Option<(i32, Arc<TokenKey>)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(_, key)| key.kid == kid).map(|(generation, key)| (*generation, key.clone()))
    }
}

/// RFC 7638: the members that identify an Ed25519 key, in their order.
fn thumbprint(x: &str) -> String {
    format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)
}

/// A JSON Web Key Set (RFC 7517).
#[derive(Debug, Serialize, ToSchema)]
pub struct Jwks {
    pub keys: Vec<Jwk>,
}

/// A public Ed25519 key (RFC 8037).
#[derive(Debug, Serialize, ToSchema)]
pub struct Jwk {
    pub kty: String,
    pub crv: String,
    pub alg: String,
    pub r#use: String,
    pub kid: String,
    pub x: String,
}
