//! The right to administer: one has it at a time, and somebody is left who has it.

use std::marker::PhantomData;

use actix_web::HttpResponse;

use super::store;
use crate::access::guard::{Caller, May, UsersWrite};
use crate::db::{Db, DbError, Tx};
use crate::hotels::staff::Refusal;
use crate::http::idempotency::{Answer, Halt, Keyed, once};
use crate::http::problem::Problem;

/// The right to give and take rights: one transaction has it at a time, until it ends. Of two admins who remove each other
/// at the same instant the second sees what the first did.
#[must_use = "whoever takes rights away is to see that somebody keeps them"]
pub struct Administration<'tx>(PhantomData<fn(&'tx ()) -> &'tx ()>);

impl<'tx> Administration<'tx> {
    /// Locks: the row of `users:write` in `permissions`. It stands left of everything; whoever has it already has it again.
    pub fn lock(tx: &mut Tx<'tx>) -> Result<Self, DbError> {
        store::lock_administration(tx)?;
        Ok(Self(PhantomData))
    }

    /// Refuses what this transaction did, if no enabled admin is left, or nobody enabled with `users:write`.
    pub fn must_remain(_held: Self, tx: &mut Tx<'_>) -> Result<(), Refusal> {
        if store::is_administered(tx)? { Ok(()) } else { Err(Refusal::LastAdmin) }
    }
}

/// Runs an admin's work in one transaction; once for its key, if it has one.
///
/// What the caller may do is asked again when nobody else can change it any more: an admin who has just been disabled, or
/// has lost the role, cannot undo that with a request that was on its way.
///
/// Locks: the right to administer, then the key.
pub async fn administer(
    db: &Db,
    staff: May<UsersWrite>,
    keyed: Option<Keyed>,
    work: impl Fn(&mut Tx<'_>, &Caller) -> Result<Answer, Halt> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let answer: Result<Answer, Halt> = db
        .write(move |tx| {
            let _until_the_end = Administration::lock(tx)?;
            let by = staff.again(tx)?;
            once(tx, keyed.as_ref(), |tx| work(tx, &by))
        })
        .await;
    Ok(answer?.into())
}
