//! Verify: every invariant recomputed from the rows alone.
//!
//! All checks run in ONE `REPEATABLE READ READ ONLY` snapshot, so that what a server commits meanwhile is seen whole or
//! not at all: work under way is no breach. Nothing is locked and nothing is written. The SQL is its own: it shares no
//! line with the code that writes the rows, so that one mistake cannot be made twice.
//!
//! A group of invariants is a table in a file of its own; an invariant is a [`Check`] in it.

mod access;
mod audit;
mod check;
mod funnel;
mod ledger;
mod money;
mod stock;
mod trail;

use diesel::PgConnection;
use diesel::connection::SimpleConnection;

pub use check::{Check, Line};

use crate::db::DbError;

/// Raised for this transaction only: a check may read millions of rows, and waits for nobody but a migration.
const LIMITS: &str = "SET LOCAL statement_timeout = '1h'; SET LOCAL lock_timeout = '1min'; \
                      SET LOCAL idle_in_transaction_session_timeout = '1h'; SET LOCAL work_mem = '64MB'";

/// Every invariant, in the order in which they are examined.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    [stock::CHECKS, funnel::CHECKS, money::CHECKS, ledger::CHECKS, trail::CHECKS, audit::CHECKS, access::CHECKS]
        .into_iter()
        .flatten()
}

/// What was found, a line an invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub lines: Vec<Line>,
}

impl Report {
    /// Whether every invariant holds.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.lines.iter().all(|line| line.breaches == 0)
    }
}

/// Examines every invariant.
pub fn examine(conn: &mut PgConnection) -> Result<Report, DbError> {
    watch(conn, |_| {})
}

/// The same, telling each line as it is found: a large database takes minutes.
pub fn watch(conn: &mut PgConnection, tell: impl FnMut(&Line)) -> Result<Report, DbError> {
    conn.build_transaction().repeatable_read().read_only().run(|conn| within(conn, tell))
}

/// Examines what the open transaction sees, its own changes too.
pub fn within(conn: &mut PgConnection, mut tell: impl FnMut(&Line)) -> Result<Report, DbError> {
    conn.batch_execute(LIMITS)?;
    let lines = checks().map(|check| {
        let line = check.run(conn)?;
        tell(&line);
        Ok(line)
    });
    Ok(Report { lines: lines.collect::<Result<_, DbError>>()? })
}
