//! Work that talks to the payment provider: a committed claim under a lease.
//!
//! A claim whose holder died is taken over once its lease has run out: the epoch rises, and whatever the old holder
//! still writes changes nothing.

use uuid::Uuid;

use super::answer::Answer;
use super::key::Keyed;
use super::once::{Halt, in_progress, insert, is_definitive, replay};
use super::store;
use crate::db::{DbError, Tx};
use crate::http::problem::Problem;
use crate::kernel::ids::HotelId;

/// What a call with a key that needs the provider is to do.
#[derive(Debug)]
pub enum Claim {
    /// It is the first: begin.
    Begun { epoch: i32 },
    /// The one before it died: go on with what it worked on.
    TakenOver { epoch: i32, hotel_id: HotelId, resource_id: Uuid },
    /// It was answered.
    Answered(Answer),
}

/// Claims the key. 409 `idempotency_in_progress` while another holds it.
pub fn claim(tx: &mut Tx<'_>, keyed: &Keyed) -> Result<Claim, Halt> {
    if insert(tx, keyed)? {
        return Ok(Claim::Begun { epoch: 1 });
    }
    let stored = store::find(tx, keyed)?;
    if stored.status.is_some() || stored.body_hash != keyed.body_hash {
        return replay(&stored, keyed).map(Claim::Answered).map_err(Halt::Refused);
    }
    let Some(epoch) = store::take_over(tx, keyed, stored.epoch)? else {
        return Err(Halt::Refused(in_progress()));
    };
    match (stored.hotel_id, stored.resource_id) {
        (Some(hotel_id), Some(resource_id)) => Ok(Claim::TakenOver { epoch, hotel_id, resource_id }),
        _ => Err(Halt::Db(DbError::invariant("a claim is committed together with what it works on"))),
    }
}

/// Records what the claim works on, so that a successor can go on with it.
pub fn works_on(tx: &mut Tx<'_>, keyed: &Keyed, hotel_id: HotelId, resource_id: Uuid) -> Result<(), DbError> {
    store::works_on(tx, keyed, hotel_id, resource_id)
}

/// Locks the key; whether the claim is still its holder's.
pub fn holds_claim(tx: &mut Tx<'_>, keyed: &Keyed, epoch: i32) -> Result<bool, DbError> {
    let stored = store::lock(tx, keyed)?;
    Ok(stored.epoch == epoch && stored.status.is_none())
}

/// Stores the answer of the claim's holder; 409 `idempotency_in_progress` if it lost its lease meanwhile.
pub fn finish(tx: &mut Tx<'_>, keyed: &Keyed, epoch: i32, answer: &Answer) -> Result<(), Halt> {
    if store::finish(tx, keyed, epoch, answer)? { Ok(()) } else { Err(Halt::Refused(in_progress())) }
}

/// Ends a claim that was refused when it began: a definitive refusal is stored and answered again, any other rolls the
/// claim back with everything else.
pub fn refuse(tx: &mut Tx<'_>, keyed: &Keyed, epoch: i32, problem: Problem) -> Result<Answer, Halt> {
    if !is_definitive(problem.code) {
        return Err(Halt::Refused(problem));
    }
    let answer = Answer::refusal(&problem)?;
    finish(tx, keyed, epoch, &answer)?;
    Ok(answer)
}

/// Frees the claim without an answer: the next call with the key goes on at once with what this one worked on.
pub fn free(tx: &mut Tx<'_>, keyed: &Keyed, epoch: i32) -> Result<(), DbError> {
    store::free(tx, keyed, epoch)
}
