//! Transactions. A function that takes `&mut Tx` is part of an atomic whole; one that takes `&mut PgConnection` reads.

use std::ops::{Deref, DerefMut};
use std::thread::sleep;
use std::time::{Duration, Instant};

use diesel::PgConnection;
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::*;

use super::{CarriesDb, DbError};
use crate::kernel::secret::random;

/// How often a transaction that lost a deadlock or serialization conflict is run in all.
const MAX_RUNS: u32 = 3;

type Manager = AnsiTransactionManager;

/// An open transaction. Only [`super::Db::write`] makes one: nothing external may happen while it lives, and it is
/// committed or rolled back as a whole.
pub struct Tx<'a> {
    conn: &'a mut PgConnection,
}

impl Deref for Tx<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.conn
    }
}

impl DerefMut for Tx<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.conn
    }
}

impl Tx<'_> {
    /// Runs `work` in a savepoint: its error undoes its own writes and nothing else.
    pub fn savepoint<T, E: From<DbError>>(
        &mut self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, Result<E, DbError>> {
        Manager::begin_transaction(self.conn).map_err(|error| Err(error.into()))?;
        match work(&mut Tx { conn: self.conn }) {
            Ok(value) => {
                Manager::commit_transaction(self.conn).map_err(|error| Err(error.into()))?;
                Ok(value)
            }
            Err(error) => {
                Manager::rollback_transaction(self.conn).map_err(|error| Err(error.into()))?;
                Err(Ok(error))
            }
        }
    }
}

/// Opens a transaction.
pub(super) fn begin(conn: &mut PgConnection) -> Result<(), DbError> {
    Manager::begin_transaction(conn).map_err(DbError::from)
}

/// Runs `work` in the transaction that `open` began, again if it lost against another. Nothing is committed after the
/// deadline: the caller has been told by then that nothing came of it.
pub(super) fn with_retries<T, E: CarriesDb, C: DerefMut<Target = PgConnection>>(
    open: impl Fn() -> Result<C, DbError>,
    work: impl Fn(&mut Tx<'_>) -> Result<T, E>,
    deadline: Instant,
) -> Result<T, E> {
    let mut run = 1;
    loop {
        let mut conn = open()?;
        let answer = close(&mut conn, &work, deadline);
        drop(conn);
        match answer {
            Err(error) if run < MAX_RUNS && matches!(error.db(), Some(DbError::Conflict(_))) => {
                // The lock order makes this impossible; if it happens, the order is broken somewhere.
                tracing::warn!(error = ?error.db(), run, "a transaction lost against another and is run again");
                let [jitter] = random::<1>();
                sleep(Duration::from_millis(u64::from(run * 10 + u32::from(jitter) / 8)));
                run += 1;
            }
            answer => return answer,
        }
    }
}

fn close<T, E: CarriesDb>(
    conn: &mut PgConnection,
    work: impl Fn(&mut Tx<'_>) -> Result<T, E>,
    deadline: Instant,
) -> Result<T, E> {
    let in_time = |value| {
        if Instant::now() < deadline { Ok(value) } else { Err(DbError::Away("no answer in time".to_owned()).into()) }
    };
    let worked = work(&mut Tx { conn }).and_then(in_time);
    match worked {
        Ok(value) => {
            Manager::commit_transaction(conn).map_err(DbError::from)?;
            Ok(value)
        }
        Err(error) => {
            if let Err(second) = Manager::rollback_transaction(conn) {
                tracing::debug!(error = %second, "the rollback failed; the connection is dropped");
            }
            Err(error)
        }
    }
}

/// An UPDATE or DELETE that the rules say touches exactly `expected` rows.
pub fn exactly(touched: usize, expected: usize, what: &'static str) -> Result<(), DbError> {
    if touched == expected {
        Ok(())
    } else {
        Err(DbError::invariant(format!("{what}: {touched} rows changed, {expected} expected")))
    }
}

/// Raises the limits of this transaction, for bulk work.
pub fn allow(tx: &mut Tx<'_>, lock: Duration, statement: Duration) -> Result<(), DbError> {
    let sql = format!(
        "SELECT set_config('lock_timeout', '{}ms', true), set_config('statement_timeout', '{}ms', true)",
        lock.as_millis(),
        statement.as_millis()
    );
    diesel::sql_query(sql).execute(&mut **tx)?;
    Ok(())
}

/// Makes this COMMIT wait until it is on disk, and with it all that was committed before, on a connection whose others do
/// not.
pub fn make_durable(tx: &mut Tx<'_>) -> Result<(), DbError> {
    diesel::sql_query("SET LOCAL synchronous_commit = on").execute(&mut **tx)?;
    Ok(())
}
