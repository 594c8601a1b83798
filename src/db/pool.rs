//! Connections: a bounded number, waited for asynchronously, so that a burst is refused early instead of piling up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Error as R2d2Error, Pool, PooledConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{CarriesDb, DbError, Tx, tx};
use crate::kernel::request;

/// Size and patience of the pool.
#[derive(Clone, Debug)]
pub struct PoolSettings {
    pub url: String,
    /// Connections at most.
    pub size: u32,
    /// How long a request waits for a connection before it is answered 503.
    pub wait: Duration,
    /// How long it then waits for its work: the timeouts below are the server's, and one that hangs keeps none of them.
    pub patience: Duration,
    /// `lock_timeout` of every connection.
    pub lock_timeout: Duration,
    /// `statement_timeout` of every connection.
    pub statement_timeout: Duration,
    /// Whether a COMMIT waits until it is on disk. `false` is for work that nobody is told of before a last transaction
    /// that does wait: PostgreSQL's own crash may then lose the newest of it, whole transactions, never their order.
    pub durable: bool,
}

/// A handle on the database; clones share one pool.
#[derive(Clone)]
pub struct Db {
    pool: Pool<ConnectionManager<PgConnection>>,
    permits: Arc<Semaphore>,
    /// As many as permits.
    size: u32,
    wait: Duration,
    patience: Duration,
}

type Connection = PooledConnection<ConnectionManager<PgConnection>>;

#[derive(Debug)]
struct Timeouts(String);

impl CustomizeConnection<PgConnection, R2d2Error> for Timeouts {
    fn on_acquire(&self, conn: &mut PgConnection) -> Result<(), R2d2Error> {
        conn.batch_execute(&self.0).map_err(R2d2Error::QueryError)
    }
}

impl Db {
    /// Makes the pool without connecting yet; the first use does.
    #[must_use]
    pub fn new(settings: &PoolSettings) -> Self {
        let timeouts = Timeouts(format!(
            "SET TIME ZONE 'UTC'; SET default_transaction_isolation = 'read committed'; SET lock_timeout = '{}ms'; SET statement_timeout = '{}ms'; \
             SET idle_in_transaction_session_timeout = '10s'; SET application_name = 'lastroom'{}",
            settings.lock_timeout.as_millis(),
            settings.statement_timeout.as_millis(),
            // Where it is to wait, whatever the server is set to is left alone.
            if settings.durable { "" } else { "; SET synchronous_commit = off" },
        ));
        let pool = Pool::builder()
            .max_size(settings.size)
            .min_idle(Some(1))
            // A dead connection is noticed when its first statement fails, and replaced then: a probe before each use
            // would cost a round trip a request.
            .test_on_check_out(false)
            .connection_timeout(settings.wait)
            .connection_customizer(Box::new(timeouts))
            .error_handler(Box::new(LogAtDebug))
            .build_unchecked(ConnectionManager::new(&settings.url));
        let permits = Arc::new(Semaphore::new(usize::try_from(settings.size).unwrap_or(1)));
        Self { pool, permits, size: settings.size, wait: settings.wait, patience: settings.patience }
    }

    /// The same pool for work that may take longer, or must not take as long.
    #[must_use]
    pub fn with_patience(&self, patience: Duration) -> Self {
        Self { patience, ..self.clone() }
    }

    /// Runs `work` in one transaction on a blocking thread. A deadlock or serialization failure runs it again as a
    /// whole, at most 3 times; any other error rolls back and is returned. Work that outlasts the caller's patience is
    /// not committed.
    pub async fn write<T, E>(&self, work: impl Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: CarriesDb + Send + 'static,
    {
        let open = |db: &Self| db.connect_and(tx::begin);
        self.on_connection(move |db, deadline| tx::with_retries(|| open(db), &work, deadline)).await
    }

    /// Runs `work`, which only reads, on a blocking thread; again on a fresh connection if the first turns out dead.
    pub async fn read<T, E>(&self, work: impl Fn(&mut PgConnection) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: CarriesDb + Send + 'static,
    {
        self.on_connection(move |db, _| {
            let mut conn = db.get()?;
            match work(&mut conn) {
                Err(error) if matches!(error.db(), Some(DbError::Away(_))) => {
                    drop(conn);
                    work(&mut *db.connect_and(|conn| conn.batch_execute("SELECT 1").map_err(DbError::from))?)
                }
                answer => answer,
            }
        })
        .await
    }

    /// Runs `work`, which is told when its caller stops waiting for it.
    async fn on_connection<T, E>(
        &self,
        work: impl FnOnce(&Self, Instant) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let permit = self.permit().await?;
        let (db, deadline) = (self.clone(), Instant::now() + self.patience);
        let (span, request_id) = (tracing::Span::current(), request::id());
        let working = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            request::sync_scope(request_id, || span.in_scope(|| work(&db, deadline)))
        });
        match tokio::time::timeout_at(deadline.into(), working).await {
            Ok(worked) => {
                worked.unwrap_or_else(|panic| Err(DbError::invariant(format!("the work panicked: {panic}")).into()))
            }
            // The thread stays with its connection and its permit, so there are never more of them than connections.
            Err(_) => Err(DbError::Away("no answer in time".to_owned()).into()),
        }
    }

    /// Waits until no work is under way; false: that took longer than `most`.
    pub async fn is_idle_within(&self, most: Duration) -> bool {
        tokio::time::timeout(most, self.permits.acquire_many(self.size)).await.is_ok()
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, DbError> {
        match tokio::time::timeout(self.wait, self.permits.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(DbError::Busy("no connection was free in time")),
        }
    }

    fn get(&self) -> Result<Connection, DbError> {
        self.pool.get().map_err(|error| DbError::Away(error.to_string()))
    }

    /// A connection on which `first` succeeded. Where it finds the connection dead the next is tried: after a restart
    /// of the server every pooled one is, and the one after the last of them is new.
    fn connect_and(&self, first: impl Fn(&mut PgConnection) -> Result<(), DbError>) -> Result<Connection, DbError> {
        for _ in 0..=self.pool.max_size() {
            let mut conn = self.get()?;
            match first(&mut conn) {
                Ok(()) => return Ok(conn),
                Err(DbError::Away(why)) => tracing::debug!(why, "a pooled connection was dead"),
                Err(error) => return Err(error),
            }
        }
        Err(DbError::Away("no pooled connection works".to_owned()))
    }
}

#[derive(Debug)]
struct LogAtDebug;

impl r2d2::HandleError<R2d2Error> for LogAtDebug {
    fn handle_error(&self, error: R2d2Error) {
        tracing::debug!(%error, "the pool could not connect");
    }
}
