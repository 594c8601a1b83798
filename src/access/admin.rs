//! The first admin of a database that has none.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::chosen::ChosenPassword;
use super::store::{self, NewUser};
use super::{AccessError, password};
use crate::audit::{self, Action, Actor, Resource};
use crate::db::{Db, DbError};
use crate::kernel::ids::UserId;
use crate::kernel::secret::random;

/// The role of admins.
pub const ADMIN: &str = "admin";

/// What became of the first admin.
#[derive(Debug)]
pub enum FirstAdmin {
    /// There is one already.
    Exists,
    /// There is none, and the address belongs to somebody who is not.
    AddressTaken,
    /// Made, with the configured password.
    Made,
    /// Made, with a password to be shown once.
    MadeWith(SecretString),
}

/// Makes the first admin if nobody has that role.
pub async fn ensure(db: &Db, email: &str, password: Option<SecretString>) -> Result<FirstAdmin, AccessError> {
    if db.read(|conn| store::role_is_held(conn, ADMIN)).await? {
        return Ok(FirstAdmin::Exists);
    }
    let chosen = match &password {
        Some(password) => ChosenPassword::new(password, email)?.into_secret(),
        None => generated(),
    };
    let user = NewUser {
        user_id: UserId::new(),
        email: email.to_owned(),
        full_name: "Administrator".to_owned(),
        password_hash: password::hash_now(chosen.expose_secret())?,
    };
    let made = db
        .write(move |tx| {
            let made = store::insert_user(tx, &user, ADMIN)?;
            if made {
                let (subject, role) = (Some(user.user_id.0), json!({ "role": ADMIN }));
                audit::note(tx, Actor::Operator, Action::Granted, Resource::Role, subject, role)?;
            }
            Ok::<_, DbError>(made)
        })
        .await?;
    Ok(match (made, password) {
        (false, _) => FirstAdmin::AddressTaken,
        (true, Some(_)) => FirstAdmin::Made,
        (true, None) => FirstAdmin::MadeWith(chosen),
    })
}

/// 120 random bits in letters and digits that are not mistaken for one another.
fn generated() -> SecretString {
    const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
    let letters = random::<24>().map(|byte| ALPHABET.get(usize::from(byte % 32)).copied().unwrap_or(b'a'));
    SecretString::from(String::from_utf8_lossy(&letters).into_owned())
}
