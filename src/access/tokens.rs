//! Access tokens: EdDSA JWTs of at most 15 minutes, signed by a key that derives from the deployment's secret, so that
//! every server signs and accepts the same ones.

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

/// Signs and verifies access tokens.
pub struct AccessTokens {
    kid: String,
    public: Vec<u8>,
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    ttl_s: i32,
}

impl AccessTokens {
    /// The key pair of `keys`; tokens live `ttl_s` seconds.
    pub fn new(keys: &Keyring, ttl_s: i32) -> Result<Self, AccessError> {
        let sign = |error: &dyn std::fmt::Display| AccessError::Sign(error.to_string());
        let seed = keys.seed(Purpose::AccessToken);
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|e| sign(&e))?;
        let public = pair.public_key().as_ref().to_vec();
        let private = pair.to_pkcs8v1().map_err(|e| sign(&e))?;
        let x = URL_SAFE_NO_PAD.encode(&public);
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_S;
        Ok(Self {
            kid: URL_SAFE_NO_PAD.encode(sha256(thumbprint(&x).as_bytes())),
            decoding: DecodingKey::from_ed_components(&x).map_err(|e| sign(&e))?,
            encoding: EncodingKey::from_ed_der(private.as_ref()),
            public,
            validation,
            ttl_s,
        })
    }

    /// Seconds a token lives.
    #[must_use]
    pub fn ttl_s(&self) -> i32 {
        self.ttl_s
    }

    /// A token for the session, valid from `now`, the database's clock.
    pub fn issue(&self, user_id: UserId, session_id: SessionId, now: Instant) -> Result<String, AccessError> {
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
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &claims, &self.encoding).map_err(|error| AccessError::Sign(error.to_string()))
    }

    /// The claims of a token of ours that is valid now; `None` for anything else.
    #[must_use]
    pub fn verify(&self, token: &str) -> Option<Claims> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        if header.kid.as_deref() != Some(self.kid.as_str()) {
            return None;
        }
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation).ok()?.claims;
        (claims.typ == TYPE).then_some(claims)
    }

    /// The public keys that verify access tokens.
    #[must_use]
    pub fn jwks(&self) -> Jwks {
        Jwks {
            keys: vec![Jwk {
                kty: "OKP".to_owned(),
                crv: "Ed25519".to_owned(),
                alg: "EdDSA".to_owned(),
                r#use: "sig".to_owned(),
                kid: self.kid.clone(),
                x: URL_SAFE_NO_PAD.encode(&self.public),
            }],
        }
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
