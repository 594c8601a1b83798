//! What can go wrong, each in one line that says what to do.

use std::io;
use std::path::{Path, PathBuf};

/// Why the private PostgreSQL is not available.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// A file or folder of the data directory cannot be used.
    #[error("cannot use {}: {source}; make it writable for this user, or choose another folder with LASTROOM_DATA_DIR", path.display())]
    Folder {
        /// What was touched.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// Something is there that is not ours, and is left alone.
    #[error("{} {reason}; move it away, or choose another folder with LASTROOM_DATA_DIR", path.display())]
    Foreign {
        /// What was found.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Root, but nobody to run the server as.
    #[error(
        "PostgreSQL refuses to run as root, and /etc/passwd has neither a user postgres nor nobody: run as an ordinary user, or set DATABASE_URL"
    )]
    NoOrdinaryUser,
    /// A cluster that the unprivileged user can no longer reach.
    #[error("the user {user}, who runs PostgreSQL for root, cannot enter {}: allow it with chmod o+x on its parent folders, or choose another folder with LASTROOM_DATA_DIR", path.display())]
    Unreachable {
        /// The cluster's folder.
        path: PathBuf,
        /// Who must get there.
        user: String,
    },
    /// `LASTROOM_PG_BIN` was given and is no use.
    #[error(
        "LASTROOM_PG_BIN {reason}; set it to the folder that holds postgres, initdb and pg_ctl of PostgreSQL 15 or newer, or unset it"
    )]
    PgBin {
        /// The setting.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No usable server on this machine, and none to download.
    #[error("PostgreSQL 15 or newer is needed ({reason}): {hint}, or set LASTROOM_PG_BIN or DATABASE_URL")]
    NotInstalled {
        /// What was tried.
        reason: String,
        /// The command that installs it.
        hint: String,
    },
    /// The cluster belongs to another major version than every installed server.
    #[error("the cluster in {} was made by PostgreSQL {cluster}, found here: {found}; install PostgreSQL {cluster} (or point LASTROOM_PG_BIN at it), or move the folder away to begin anew", path.display())]
    OtherMajor {
        /// The cluster's folder.
        path: PathBuf,
        /// The major version in its `PG_VERSION`.
        cluster: u32,
        /// What is installed.
        found: String,
    },
    /// `initdb` failed; nothing is left of its attempt.
    #[error("cannot make the database cluster: {reason}")]
    Initdb {
        /// What `initdb` said.
        reason: String,
    },
    /// The server did not come up.
    #[error("PostgreSQL does not start ({reason}); see {}{log_tail}", log.display())]
    Start {
        /// What `pg_ctl` said.
        reason: String,
        /// The server's log.
        log: PathBuf,
        /// The lines this start added to the log, each on a line of its own.
        log_tail: String,
    },
    /// The server did not go down.
    #[error("PostgreSQL does not stop ({reason}); see {}", log.display())]
    Stop {
        /// What `pg_ctl` said.
        reason: String,
        /// The server's log.
        log: PathBuf,
    },
    /// Somebody else is at work for longer than we wait.
    #[error("{what} after {waited_s} s; {remedy}")]
    Busy {
        /// Who or what.
        what: String,
        /// How long we waited, in seconds.
        waited_s: u64,
        /// What to do.
        remedy: String,
    },
    /// The server answered a statement of ours with an error, or not at all.
    #[error("the private PostgreSQL refused: {reason}")]
    Sql {
        /// The server's words.
        reason: String,
    },
}

impl EmbeddedError {
    /// For `map_err`: remembers which path the operating system complained about.
    pub(super) fn folder(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Folder { path: path.to_path_buf(), source }
    }
}
