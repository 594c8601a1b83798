//! Chosen: what a password has to be for somebody to choose it.

use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;

/// Characters of a password.
const LENGTHS: std::ops::RangeInclusive<usize> = 12..=128;

/// A password that may be taken.
#[derive(Clone, Debug)]
pub struct ChosenPassword(SecretString);

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("must have 12 to 128 characters")]
    Length,
    #[error("is one of the commonest passwords")]
    Common,
    #[error("must not be the address")]
    Address,
}

impl ChosenPassword {
    /// Takes the password of the account with this address.
    pub fn new(password: &SecretString, email: &str) -> Result<Self, Unfit> {
        let normal = normal(password);
        let text = normal.expose_secret();
        let lower = text.to_lowercase();
        if !LENGTHS.contains(&text.chars().count()) {
            Err(Unfit::Length)
        } else if passwords::analyzer::is_common_password(text) || passwords::analyzer::is_common_password(&lower) {
            Err(Unfit::Common)
        } else if lower == email.trim().nfc().collect::<String>().to_lowercase() {
            Err(Unfit::Address)
        } else {
            Ok(Self(normal))
        }
    }

    #[must_use]
    pub fn into_secret(self) -> SecretString {
        self.0
    }
}

/// The password as it is hashed: in NFC, for keyboards compose an accent one way or the other.
#[must_use]
pub fn normal(password: &SecretString) -> SecretString {
    password.expose_secret().nfc().collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(password: &str) -> Result<String, Unfit> {
        let chosen = ChosenPassword::new(&password.into(), "Ada.Lovelace@Example.com")?;
        Ok(chosen.into_secret().expose_secret().to_owned())
    }

    #[test]
    fn what_may_be_chosen() {
        assert_eq!(chosen("elevenchars"), Err(Unfit::Length));
        assert_eq!(chosen(&"x".repeat(129)), Err(Unfit::Length));
        assert_eq!(chosen("123456789012"), Err(Unfit::Common));
        assert_eq!(chosen("PassWord1234"), Err(Unfit::Common));
        assert_eq!(chosen("ada.lovelace@example.COM"), Err(Unfit::Address));
        assert_eq!(chosen("correct horse battery").as_deref(), Ok("correct horse battery"));
    }

    #[test]
    fn characters_are_counted_once_they_are_composed() {
        let decomposed = "e\u{301}".repeat(12);
        assert_eq!(chosen(&decomposed).as_deref(), Ok("é".repeat(12).as_str()));
        assert_eq!(chosen(&"é".repeat(128)).as_deref(), Ok("é".repeat(128).as_str()));
        assert_eq!(chosen(&"e\u{301}".repeat(129)), Err(Unfit::Length));
    }
}
