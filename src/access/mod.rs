//! Who is calling, and what they may do: accounts, sessions, tokens, and the guards that handlers name in their
//! signatures.

pub mod admin;
pub mod change_password;
pub mod chosen;
pub mod guard;
mod hashers;
pub mod http;
pub mod keys;
pub mod login;
pub mod password;
pub mod refresh;
pub mod register;
pub mod sessions;
pub mod store;
pub mod throttle;
pub mod tokens;

use self::chosen::Unfit;
use crate::carries_db;
use crate::db::DbError;

/// Why somebody is not let in.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    #[error("the address or the password is wrong")]
    InvalidCredentials,
    #[error("too many failed attempts: again in {retry_after_s} s")]
    TooManyAttempts { retry_after_s: u32 },
    #[error("the refresh token is not valid")]
    RefreshTokenInvalid,
    /// Of whoever is to change it.
    #[error("the current password is wrong")]
    WrongPassword,
    #[error("the password {0}")]
    Unfit(#[from] Unfit),
    #[error("somebody else has just rotated the keys")]
    RotatedElsewhere,
    #[error("the password could not be hashed: {0}")]
    Hash(String),
    #[error("the token could not be signed: {0}")]
    Sign(String),
    #[error(transparent)]
    Db(#[from] DbError),
}
carries_db!(AccessError);
