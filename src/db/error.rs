//! What can go wrong below every feature.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// A failure of the database, sorted by what a caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Every connection is taken, or a lock was not granted in time: try again soon.
    #[error("the database is busy: {0}")]
    Busy(&'static str),
    /// The database cannot be reached.
    #[error("the database is away: {0}")]
    Away(String),
    /// A deadlock or a serialization failure: the transaction may be run again as a whole.
    #[error("the transaction lost against another: {0}")]
    Conflict(String),
    /// Rows that the rules say must be there, or must not, or a value that cannot be.
    #[error("an invariant does not hold: {0}")]
    Invariant(String),
    #[error(transparent)]
    Query(DieselError),
}

impl DbError {
    /// An invariant that was found broken; it is our bug, and is answered with 500.
    pub fn invariant(what: impl Into<String>) -> Self {
        Self::Invariant(what.into())
    }
}

impl From<DieselError> for DbError {
    fn from(error: DieselError) -> Self {
        let DieselError::DatabaseError(kind, info) = &error else {
            return match error {
                DieselError::BrokenTransactionManager => Self::Away("the connection broke".to_owned()),
                // Whether it was committed is not known: the caller asks again with the same key.
                DieselError::RollbackErrorOnCommit { commit_error, .. } => Self::from(*commit_error),
                other => Self::Query(other),
            };
        };
        // libpq's errors carry no SQLSTATE through diesel beyond these kinds; the rest is told by the server's words.
        let message = info.message();
        match kind {
            DatabaseErrorKind::SerializationFailure => Self::Conflict(message.to_owned()),
            DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::ReadOnlyTransaction => Self::Away(message.to_owned()),
            DatabaseErrorKind::Unknown => match message {
                m if m.starts_with("deadlock detected") => Self::Conflict(message.to_owned()),
                m if m.contains("due to lock timeout") => Self::Busy("lock timeout"),
                m if m.contains("due to statement timeout") => Self::Busy("statement timeout"),
                m if m.starts_with("terminating connection")
                    || m.contains("server closed the connection")
                    || m.contains("no connection to the server")
                    || m.contains("the database system is")
                    || m.contains("connection to server")
                    || m.contains("could not connect") =>
                {
                    Self::Away(message.to_owned())
                }
                _ => Self::Query(error),
            },
            _ => Self::Query(error),
        }
    }
}

/// An error type that may wrap a [`DbError`]: what [`super::Db::write`] needs to know which failures to run again.
pub trait CarriesDb: From<DbError> {
    fn db(&self) -> Option<&DbError>;
}

impl CarriesDb for DbError {
    fn db(&self) -> Option<&DbError> {
        Some(self)
    }
}

/// Implements [`CarriesDb`] for a domain error enum with a variant `Db(#[from] DbError)`.
#[macro_export]
macro_rules! carries_db {
    ($($error:ty),+) => {$(
        impl $crate::db::CarriesDb for $error {
            fn db(&self) -> Option<&$crate::db::DbError> {
                match self {
                    Self::Db(error) => Some(error),
                    _ => None,
                }
            }
        }
    )+};
}
