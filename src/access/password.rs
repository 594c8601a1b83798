//! Passwords: argon2id at OWASP's minimum (19 MiB, t = 2, p = 1), off the async threads, a bounded number at a time.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use super::AccessError;

/// Memory of one hash, in KiB.
const MEMORY_KIB: u32 = 19 * 1024;
const ITERATIONS: u32 = 2;
const LANES: u32 = 1;

/// Hashes and verifies. Clones share the cap on parallel work, which bounds memory.
#[derive(Clone)]
pub struct Passwords {
    at_once: Arc<Semaphore>,
    dummy: Arc<str>,
}

impl Passwords {
    /// At most `parallelism` hashes at the same time.
    pub fn new(parallelism: usize) -> Result<Self, AccessError> {
        let dummy = hash_now("no account has this password")?;
        Ok(Self { at_once: Arc::new(Semaphore::new(parallelism)), dummy: dummy.into() })
    }

    /// The PHC string of a new password.
    pub async fn hash(&self, password: SecretString) -> Result<String, AccessError> {
        self.off_thread(move || hash_now(password.expose_secret())).await
    }

    /// Whether the password fits. For an unknown account (`None`) it works as long and says no.
    pub async fn verify(&self, password: SecretString, stored: Option<String>) -> Result<bool, AccessError> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.dummy.to_string());
        self.off_thread(move || {
            let parsed = PasswordHash::new(&stored).map_err(|error| AccessError::Hash(error.to_string()))?;
            Ok(known & argon2()?.verify_password(password.expose_secret().as_bytes(), &parsed).is_ok())
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

    async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, AccessError> + Send + 'static,
    ) -> Result<T, AccessError> {
        let permit =
            self.at_once.clone().acquire_owned().await.map_err(|error| AccessError::Hash(error.to_string()))?;
        tokio::task::spawn_blocking(move || {
            // Held by the work, not by the request: a caller who hangs up does not make room for another hash.
            let _permit = permit;
            work()
        })
        .await
        .map_err(|error| AccessError::Hash(error.to_string()))?
    }
}

fn argon2() -> Result<Argon2<'static>, AccessError> {
    let params =
        Params::new(MEMORY_KIB, ITERATIONS, LANES, None).map_err(|error| AccessError::Hash(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The PHC string of a password, on this thread.
pub fn hash_now(password: &str) -> Result<String, AccessError> {
    let hash = argon2()?.hash_password(password.as_bytes()).map_err(|error| AccessError::Hash(error.to_string()))?;
    Ok(hash.to_string())
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
        assert!(!passwords.verify("no account has this password".into(), None).await.expect("an answer"));
    }
}
