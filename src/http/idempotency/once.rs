//! Work that is ours alone: key, effect and answer in one transaction.

use super::answer::Answer;
use super::key::Keyed;
use super::store::{self, Stored};
use crate::db::{CarriesDb, DbError, Tx};
use crate::http::problem::{Code, Problem};

/// Why keyed work did not answer.
#[derive(Debug, thiserror::Error)]
pub enum Halt<R = std::convert::Infallible> {
    /// A refusal by the rules.
    #[error(transparent)]
    Refused(#[from] Problem),
    #[error(transparent)]
    Db(#[from] DbError),
    /// Everything is rolled back, the key too; the caller does something else and starts again.
    #[error("to be started again")]
    Again(R),
}

impl<R> CarriesDb for Halt<R> {
    fn db(&self) -> Option<&DbError> {
        match self {
            Self::Db(error) => Some(error),
            Self::Refused(_) | Self::Again(_) => None,
        }
    }
}

impl<R> From<serde_json::Error> for Halt<R> {
    fn from(error: serde_json::Error) -> Self {
        Self::Refused(error.into())
    }
}

impl From<Halt> for Problem {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Refused(problem) => problem,
            Halt::Db(error) => error.into(),
            Halt::Again(never) => match never {},
        }
    }
}

/// Runs `work` once for the key: its answer, or its definitive refusal, is stored with its effect. A later call with
/// the same key gets what is stored; without a key `work` just runs.
///
/// Locks: the key's row first, before anything that `work` locks. A duplicate that arrives meanwhile waits on the
/// unique key for up to 1 s.
pub fn once<R>(
    tx: &mut Tx<'_>,
    keyed: Option<&Keyed>,
    work: impl FnOnce(&mut Tx<'_>) -> Result<Answer, Halt<R>>,
) -> Result<Answer, Halt<R>> {
    once_for(tx, keyed, |_| Ok(()), work)
}

/// The same, where what is stored may have become somebody else's to see: `may_see` is asked before it is shown.
pub fn once_for<R>(
    tx: &mut Tx<'_>,
    keyed: Option<&Keyed>,
    may_see: impl FnOnce(&mut Tx<'_>) -> Result<(), Halt<R>>,
    work: impl FnOnce(&mut Tx<'_>) -> Result<Answer, Halt<R>>,
) -> Result<Answer, Halt<R>> {
    let Some(keyed) = keyed else {
        return work(tx);
    };
    if !insert(tx, keyed)? {
        may_see(tx)?;
        return replay(&store::find(tx, keyed)?, keyed).map_err(Halt::Refused);
    }
    let answer = match tx.savepoint(work) {
        Ok(answer) => answer,
        Err(Ok(Halt::Refused(problem))) if is_definitive(problem.code) => Answer::refusal(&problem)?,
        Err(Ok(halt)) => return Err(halt),
        Err(Err(error)) => return Err(Halt::Db(error)),
    };
    store::finish(tx, keyed, 1, &answer)?;
    Ok(answer)
}

/// Inserts the key's row; false if there is one. A first call that still runs elsewhere is waited for.
pub(super) fn insert<R>(tx: &mut Tx<'_>, keyed: &Keyed) -> Result<bool, Halt<R>> {
    store::insert(tx, keyed).map_err(|error| match error {
        DbError::Busy(_) => Halt::Refused(in_progress()),
        error => Halt::Db(error),
    })
}

pub(super) fn in_progress() -> Problem {
    Problem::plain(Code::IdempotencyInProgress).retry_after(1)
}

/// What a duplicate is answered.
pub(super) fn replay(stored: &Stored, keyed: &Keyed) -> Result<Answer, Problem> {
    if stored.body_hash != keyed.body_hash {
        return Err(Problem::plain(Code::IdempotencyKeyReused));
    }
    match (stored.status, &stored.body) {
        (Some(status), Some(body)) => {
            let status = u16::try_from(status).unwrap_or(500);
            Ok(Answer::replayed(status, body.clone(), stored.location.clone()))
        }
        _ => Err(in_progress()),
    }
}

/// Refusals that are stored: they were decided after the work began, and asking again changes nothing.
pub(super) fn is_definitive(code: Code) -> bool {
    matches!(code.status(), 402 | 404 | 409 | 410 | 412)
}
