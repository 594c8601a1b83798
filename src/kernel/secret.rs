//! Keys derived from the one configured secret, and the tokens they sign. Every server with the same secret agrees.

use std::fmt;

use aws_lc_rs::{constant_time, digest, hkdf, hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The shortest secret accepted, in bytes.
pub const MIN_SECRET_BYTES: usize = 32;

/// What a derived key is for. A token signed for one purpose is nothing for another.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    Offer,
    Cursor,
    RefreshToken,
    AccessToken,
    /// What the simulated payment provider signs its webhooks with.
    Webhook,
    /// Under what failed attempts are counted.
    Throttle,
}

impl Purpose {
    fn label(self) -> &'static str {
        match self {
            Self::Offer => "lastroom offer v1",
            Self::Cursor => "lastroom cursor v1",
            Self::RefreshToken => "lastroom refresh token v1",
            Self::AccessToken => "lastroom access token ed25519 v1",
            Self::Webhook => "lastroom simulator webhook v1",
            Self::Throttle => "lastroom throttle v1",
        }
    }
}

/// Not a token of ours, or changed on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token is not one that this service signed")]
pub struct Tampered;

/// The keys of one deployment. Cheap to clone through an `Arc`; does not print itself.
pub struct Keyring {
    root: hkdf::Prk,
    offer: hmac::Key,
    cursor: hmac::Key,
    refresh: hmac::Key,
    webhook: hmac::Key,
    throttle: hmac::Key,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring")
    }
}

struct Len32;

impl hkdf::KeyType for Len32 {
    fn len(&self) -> usize {
        32
    }
}

impl Keyring {
    /// Derives every key by HKDF-SHA256.
    #[must_use]
    pub fn new(secret: &SecretString) -> Self {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"lastroom");
        let root = salt.extract(secret.expose_secret().as_bytes());
        let key = |purpose: Purpose| hmac::Key::new(hmac::HMAC_SHA256, &expand(&root, &[purpose.label().as_bytes()]));
        Self {
            offer: key(Purpose::Offer),
            cursor: key(Purpose::Cursor),
            refresh: key(Purpose::RefreshToken),
            webhook: key(Purpose::Webhook),
            throttle: key(Purpose::Throttle),
            root,
        }
    }

    /// 32 bytes for a generation of `purpose`'s keys, the same on every server with this secret.
    #[must_use]
    pub fn seed(&self, purpose: Purpose, generation: i32) -> [u8; 32] {
        expand(&self.root, &[purpose.label().as_bytes(), &generation.to_be_bytes()])
    }

    fn key(&self, purpose: Purpose) -> &hmac::Key {
        match purpose {
            Purpose::Offer => &self.offer,
            Purpose::Cursor => &self.cursor,
            Purpose::RefreshToken | Purpose::AccessToken => &self.refresh,
            Purpose::Webhook => &self.webhook,
            Purpose::Throttle => &self.throttle,
        }
    }

    /// The MAC of `message` for `purpose`.
    #[must_use]
    pub fn mac(&self, purpose: Purpose, message: &[u8]) -> [u8; 32] {
        let mut mac = [0; 32];
        for (to, from) in mac.iter_mut().zip(hmac::sign(self.key(purpose), message).as_ref()) {
            *to = *from;
        }
        mac
    }

    /// Packs `payload` into an opaque URL-safe token: MAC, then JSON, in base64.
    pub fn seal<T: Serialize>(&self, purpose: Purpose, payload: &T) -> Result<String, serde_json::Error> {
        let json = serde_json::to_vec(payload)?;
        let mut bytes = self.mac(purpose, &json).to_vec();
        bytes.extend_from_slice(&json);
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Unpacks what [`Keyring::seal`] packed. Compares in constant time.
    pub fn open<T: DeserializeOwned>(&self, purpose: Purpose, token: &str) -> Result<T, Tampered> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| Tampered)?;
        let (mac, json) = bytes.split_at_checked(32).ok_or(Tampered)?;
        hmac::verify(self.key(purpose), json, mac).map_err(|_| Tampered)?;
        serde_json::from_slice(json).map_err(|_| Tampered)
    }
}

fn expand(root: &hkdf::Prk, info: &[&[u8]]) -> [u8; 32] {
    let mut out = [0; 32];
    root.expand(info, Len32)
        .and_then(|okm| okm.fill(&mut out))
        .unwrap_or_else(|_| unreachable!("HKDF-SHA256 yields up to 8160 bytes, and 32 are asked"));
    out
}

/// SHA-256.
#[must_use]
pub fn sha256(message: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, message).as_ref().to_vec()
}

/// Whether two MACs are the same, in a time that does not tell where they differ.
#[must_use]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// Fresh random bytes from the operating system.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).unwrap_or_else(|_| unreachable!("the system's randomness does not fail once it is seeded"));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flipped_bit_or_another_purpose_opens_nothing() {
        let keys = Keyring::new(&SecretString::from("0123456789abcdef0123456789abcdef"));
        let token = keys.seal(Purpose::Offer, &("a", 1)).expect("sealed");
        assert_eq!(keys.open::<(String, i32)>(Purpose::Offer, &token), Ok(("a".to_owned(), 1)));
        assert_eq!(keys.open::<(String, i32)>(Purpose::Cursor, &token), Err(Tampered));
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            let flipped = if bytes[at] == b'A' { b'B' } else { b'A' };
            if std::mem::replace(&mut bytes[at], flipped) == flipped {
                continue;
            }
            let changed = String::from_utf8(bytes).expect("ASCII");
            assert!(keys.open::<(String, i32)>(Purpose::Offer, &changed).is_err(), "byte {at}");
        }
    }
}
