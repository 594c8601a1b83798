//! Passwords: argon2id at OWASP's minimum (19 MiB, t = 2, p = 1), on threads of their own, a bounded number at a time.

use std::sync::Arc;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};

use super::AccessError;
use super::hashers::{Hashers, Memory};
use crate::kernel::secret::random;

/// Memory of one hash, in KiB.
const MEMORY_KIB: u32 = 19 * 1024;
const ITERATIONS: u32 = 2;
const LANES: u32 = 1;

/// Hashes and verifies. Clones share the threads, whose number bounds memory.
#[derive(Clone)]
pub struct Passwords {
    hashers: Hashers,
    dummy: Arc<str>,
}

impl Passwords {
    /// At most `parallelism` hashes at the same time.
    pub fn new(parallelism: usize) -> Result<Self, AccessError> {
        // Of no password: what is verified against it takes as long as against any other.
        let output = Output::new(&random::<{ Params::DEFAULT_OUTPUT_LEN }>()).map_err(hash_error)?;
        let dummy = phc(&argon()?, new_salt()?, output)?;
        Ok(Self { hashers: Hashers::start(parallelism)?, dummy: dummy.into() })
    }

    /// The PHC string of a new password.
    pub async fn hash(&self, password: SecretString) -> Result<String, AccessError> {
        self.hashers.run(move |memory| hash_in(memory, password.expose_secret())).await
    }

    /// Whether the password fits. For an unknown account (`None`) it works as long and says no.
    pub async fn verify(&self, password: SecretString, stored: Option<String>) -> Result<bool, AccessError> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.dummy.to_string());
        self.hashers
            .run(move |memory| {
                let parsed = PasswordHash::new(&stored).map_err(hash_error)?;
                Ok(known & fits(memory, password.expose_secret(), &parsed)?)
            })
            .await
    }

    /// Whether a stored hash was made by weaker parameters than these, or in another way.
    #[must_use]
    pub fn is_weak(&self, stored: &str) -> bool {
        let Ok(hash) = PasswordHash::new(stored) else {
            return true;
        };
        let strong = Params::try_from(&hash)
            .is_ok_and(|made| made.m_cost() >= MEMORY_KIB && made.t_cost() >= ITERATIONS && made.p_cost() >= LANES);
        hash.algorithm != Algorithm::Argon2id.ident() || !strong
    }
}

fn hash_error(error: impl std::fmt::Display) -> AccessError {
    AccessError::Hash(error.to_string())
}

/// The PHC string of a password, on this thread.
pub fn hash_now(password: &str) -> Result<String, AccessError> {
    hash_in(&mut Memory::default(), password)
}

fn hash_in(memory: &mut Memory, password: &str) -> Result<String, AccessError> {
    let (argon, salt) = (argon()?, new_salt()?);
    let output = memory.output(&argon, password.as_bytes(), &salt, Params::DEFAULT_OUTPUT_LEN).map_err(hash_error)?;
    phc(&argon, salt, output)
}

fn argon() -> Result<Argon2<'static>, AccessError> {
    let params = Params::new(MEMORY_KIB, ITERATIONS, LANES, None).map_err(hash_error)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn new_salt() -> Result<Salt, AccessError> {
    Salt::new(&random::<{ Salt::RECOMMENDED_LENGTH }>()).map_err(hash_error)
}

fn phc(argon: &Argon2<'_>, salt: Salt, output: Output) -> Result<String, AccessError> {
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(argon.params()).map_err(hash_error)?,
        salt: Some(salt),
        hash: Some(output),
    };
    Ok(hash.to_string())
}

/// Whether the password has this hash, by the hash's own parameters.
fn fits(memory: &mut Memory, password: &str, stored: &PasswordHash) -> Result<bool, AccessError> {
    let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else {
        return Err(hash_error("a stored hash is not whole"));
    };
    let algorithm = Algorithm::try_from(stored.algorithm.as_str()).map_err(hash_error)?;
    let version = stored.version.map(Version::try_from).transpose().map_err(hash_error)?.unwrap_or_default();
    let params = Params::try_from(stored).map_err(hash_error)?;
    let argon = Argon2::new(algorithm, version, params);
    let output = memory.output(&argon, password.as_bytes(), salt, expected.len()).map_err(hash_error)?;
    // Its comparison takes the same time wherever they differ.
    Ok(output == *expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_verifies_its_password_only() {
        let passwords = Passwords::new(1).expect("a hasher");
        let hash = passwords.hash("correct horse battery".into()).await.expect("a hash");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(passwords.verify("correct horse battery".into(), Some(hash.clone())).await.expect("an answer"));
        assert!(!passwords.verify("correct horse batterz".into(), Some(hash)).await.expect("an answer"));
        assert!(!passwords.verify("correct horse battery".into(), None).await.expect("an answer"));
        assert!(!passwords.is_weak(&passwords.dummy), "verified with as much work as any other");
    }
}
