//! What the audit log keeps of a bulk change.

use serde::Serialize;

use super::bulk::{Bulk, Done, Item};
use crate::access::guard::Caller;
use crate::audit::{self, Action, Subject};
use crate::db::{DbError, Tx};

/// The most nights of a change of which the log keeps what they were.
pub const MOST_NIGHTS: i64 = 2_000;

#[derive(Serialize)]
#[serde(untagged)]
enum Side<'b, I, N> {
    Before {
        changed: &'b [N],
    },
    After {
        items: &'b [I],
        #[serde(flatten)]
        done: Done,
    },
}

/// Writes a bulk change down; one that changed nothing leaves no trace.
///
/// `after` has the items as they were sent, at most 1,000, and how many nights they name, changed and made. `before` has the
/// nights that were changed as they were, those that were alike together; it is NULL if all of them were made, or if the
/// items name more than [`MOST_NIGHTS`]: `alike` is empty then.
///
/// Locks: nothing; inserts.
pub fn record<I: Item + Serialize>(
    tx: &mut Tx<'_>,
    by: &Caller,
    subject: Subject,
    (bulk, done): (&Bulk<I>, Done),
    alike: &[impl Serialize],
) -> Result<(), DbError> {
    if done.changed == 0 {
        return Ok(());
    }
    let before = (!alike.is_empty()).then_some(Side::Before { changed: alike });
    let after = Side::After { items: &bulk.items, done };
    audit::record(tx, by, Action::Changed, subject, before.as_ref(), Some(&after))
}
