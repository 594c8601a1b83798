//! Connections: a bounded number, waited for asynchronously, so that a burst is refused early instead of piling up.

use std::sync::Arc;
use std::time::Duration;

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
    /// `lock_timeout` of every connection.
    pub lock_timeout: Duration,
    /// `statement_timeout` of every connection.
    pub statement_timeout: Duration,
}

/// A handle on the database; clones share one pool.
#[derive(Clone)]
pub struct Db {
    pool: Pool<ConnectionManager<PgConnection>>,
    permits: Arc<Semaphore>,
    wait: Duration,
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
            "SET TIME ZONE 'UTC'; SET lock_timeout = '{}ms'; SET statement_timeout = '{}ms'; \
             SET idle_in_transaction_session_timeout = '10s'; SET application_name = 'lastroom'",
            settings.lock_timeout.as_millis(),
            settings.statement_timeout.as_millis(),
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
        let permits = usize::try_from(settings.size).unwrap_or(1);
        Self { pool, permits: Arc::new(Semaphore::new(permits)), wait: settings.wait }
    }

    /// Runs `work` in one transaction on a blocking thread. A deadlock or serialization failure runs it again as a
    /// whole, at most 3 times; any other error rolls back and is returned.
    pub async fn write<T, E>(&self, work: impl Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: CarriesDb + Send + 'static,
    {
        self.on_connection(move |db| tx::with_retries(|| db.connect_and(tx::begin), &work)).await
    }

    /// Runs `work`, which only reads, on a blocking thread; again on a fresh connection if the first turns out dead.
    pub async fn read<T, E>(&self, work: impl Fn(&mut PgConnection) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: CarriesDb + Send + 'static,
    {
        self.on_connection(move |db| {
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

    async fn on_connection<T, E>(&self, work: impl FnOnce(&Self) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let permit = self.permit().await?;
        let db = self.clone();
        let (span, request_id) = (tracing::Span::current(), request::id());
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            request::sync_scope(request_id, || span.in_scope(|| work(&db)))
        })
        .await
        .unwrap_or_else(|panic| Err(DbError::invariant(format!("the work panicked: {panic}")).into()))
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
    /// of the server every pooled one is.
    fn connect_and(&self, first: impl Fn(&mut PgConnection) -> Result<(), DbError>) -> Result<Connection, DbError> {
        for _ in 0..self.pool.max_size() {
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
