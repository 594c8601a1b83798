//! Register: an account for an address that has none. The caller is told the same either way.

use super::AccessError;
use super::store::{self, NewUser};
use crate::db::Db;

/// The role of everybody who registers.
pub const GUEST: &str = "guest";

/// Opens the account. For a known address nothing changes, and nothing tells.
pub async fn register(db: &Db, user: NewUser) -> Result<(), AccessError> {
    let opened = db.write(move |tx| store::insert_user(tx, &user, GUEST)).await?;
    tracing::info!(opened, "registration");
    Ok(())
}
