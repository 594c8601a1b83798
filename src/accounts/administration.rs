//! That somebody is left who may change users and roles.

use std::marker::PhantomData;

use super::store;
use crate::db::{DbError, Tx};
use crate::hotels::staff::Refusal;

/// The right to take rights away: one transaction has it at a time, until it ends. Of two admins who remove each other
/// at the same instant the second sees what the first did.
#[must_use = "whoever takes rights away is to see that somebody keeps them"]
pub struct Administration<'tx>(PhantomData<fn(&'tx ()) -> &'tx ()>);

impl<'tx> Administration<'tx> {
    /// Locks: the row of `users:write` in `permissions`. It stands left of roles and users.
    pub fn lock(tx: &mut Tx<'tx>) -> Result<Self, DbError> {
        store::lock_administration(tx)?;
        Ok(Self(PhantomData))
    }

    /// Refuses what this transaction did, if no enabled admin is left, or nobody enabled with `users:write`.
    pub fn must_remain(_held: Self, tx: &mut Tx<'_>) -> Result<(), Refusal> {
        if store::is_administered(tx)? { Ok(()) } else { Err(Refusal::LastAdmin) }
    }
}
