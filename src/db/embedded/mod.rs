//! The private PostgreSQL: a cluster that the program makes, starts, shares and stops by itself.
//!
//! ```text
//! <data_dir>/pg            the cluster (PGDATA)
//! <data_dir>/run           its socket, in a folder only its owner may enter
//! <data_dir>/pg.log        the server's log (pg.log.1: the one before)
//! <data_dir>/server.conf   our settings; they include pg/postgresql.conf and win over it
//! <data_dir>/lock          held while a process starts or stops the server
//! <data_dir>/users.lock    held, shared, by every process that uses the server
//! ```
//!
//! Processes on one data directory share one server; the last to [release](PrivateCluster::release)
//! stops it. The kernel drops the locks of a killed process, so nothing has to be cleaned up by
//! hand: the next process adopts a server that is still alive, or clears what a dead one left
//! behind and lets PostgreSQL recover from its log.
//!
//! The server never listens on the network. Whoever may enter the socket's folder (its owner and
//! root) is let in as whatever role they name, the superuser [`SUPERUSER`] too, without a password.

mod binaries;
mod config;
#[cfg(feature = "pg-download")]
mod download;
mod error;
mod initdb;
mod lock;
mod owner;
mod place;
mod processes;
mod run;
mod server;
mod wire;

use std::path::{Path, PathBuf};

pub use error::EmbeddedError;

use binaries::Installed;
use lock::Users;
use owner::Owner;
use place::Place;
use server::Server;

/// The database role that the cluster is made with.
pub const SUPERUSER: &str = "lastroom";

/// The database that every cluster has; connect to it to create others.
pub const MAINTENANCE_DATABASE: &str = "postgres";

/// Where the cluster lives and which server runs it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder of everything listed in the module's documentation; made when absent.
    pub data_dir: PathBuf,
    /// `LASTROOM_PG_BIN`: the folder of `postgres`, `initdb` and `pg_ctl`; searched for when absent.
    pub pg_bin: Option<PathBuf>,
    /// What a power failure may cost.
    pub durability: Durability,
}

/// What a power failure may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing that was committed. Raises a server that was started with [`Durability::None`].
    Full,
    /// Everything: fsync, `synchronous_commit` and `full_page_writes` are off. For tests only.
    /// Never lowers a server that is already running with [`Durability::Full`].
    None,
}

/// Hears what takes long. Called only from the thread that called [`PrivateCluster::acquire`].
pub trait Progress {
    /// A sentence for the user about what begins now.
    fn step(&self, message: &str);
    /// Bytes downloaded so far, and in all when the server tells.
    fn bytes(&self, done: u64, total: Option<u64>);
}

/// What [`PrivateCluster::release`] did with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Released {
    /// This was the last user: the server is shut down.
    Stopped,
    /// Another process, or another value in this one, still uses the server.
    StillUsedByOthers,
}

/// One use of the private server.
///
/// Dropping the value ends the use and leaves the server running, as killing the process would;
/// [`PrivateCluster::release`] is the way to stop it.
#[derive(Debug)]
pub struct PrivateCluster {
    place: Place,
    owner: Owner,
    installed: Installed,
    users: Users,
}

impl PrivateCluster {
    /// Makes the cluster when there is none, starts the server when none answers, and joins its users.
    ///
    /// Blocks: about two seconds the first time, a fraction of one later, up to a minute while the
    /// server recovers from a crash, minutes while PostgreSQL is being downloaded. Call it on a
    /// thread that may block.
    ///
    /// # Errors
    /// Each variant of [`EmbeddedError`] says in one line what was found and what to do.
    pub fn acquire(settings: &Settings, progress: &dyn Progress) -> Result<Self, EmbeddedError> {
        let (place, owner) = place::settle(&settings.data_dir, progress)?;
        let start_stop = lock::start_stop(&place, progress)?;
        let installed = binaries::find(settings.pg_bin.as_deref(), &place, &owner, progress)?;
        let server = Server { place: &place, owner: &owner, installed: &installed };
        initdb::ensure_cluster(&server, settings.durability, progress)?;
        server.ensure_running(settings.durability, progress)?;
        let users = Users::join(&place)?;
        drop(start_stop);
        Ok(Self { place, owner, installed, users })
    }

    /// Whether there is a cluster in `data_dir` that [`PrivateCluster::acquire`] would use rather than make.
    #[must_use]
    pub fn exists(data_dir: &Path) -> bool {
        place::has_cluster(data_dir)
    }

    /// Where everything really is: [`Settings::data_dir`] in its absolute form, or, for root where
    /// the unprivileged user cannot enter that, a folder below `/var/lib/lastroom`.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.place.home
    }

    /// The folder of the server's programs; may hold `psql` and `pg_dump` too.
    #[must_use]
    pub fn bin_dir(&self) -> &Path {
        &self.installed.bin
    }

    /// The version of those programs, such as `15.14`.
    #[must_use]
    pub fn server_version(&self) -> &str {
        &self.installed.version
    }

    /// A libpq URL of `database` through the socket: no secret in it, no host or port to reach from
    /// elsewhere.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        self.url_as(SUPERUSER, database)
    }

    /// The same for another role of the cluster.
    #[must_use]
    pub fn url_as(&self, role: &str, database: &str) -> String {
        config::url(&self.place.sockets, role, database)
    }

    /// Creates the empty database `name` when there is none. Speaks to the server directly, so
    /// needs no client program.
    ///
    /// # Errors
    /// [`EmbeddedError::Sql`] when the server is gone or refuses the name.
    pub fn ensure_database(&self, name: &str) -> Result<(), EmbeddedError> {
        wire::ensure_database(&self.place.socket(), name)
    }

    /// Ends this use; the last one stops the server.
    ///
    /// # Errors
    /// [`EmbeddedError::Busy`] when another process keeps starting or stopping the server,
    /// [`EmbeddedError::Stop`] when the server does not shut down in time.
    pub fn release(self) -> Result<Released, EmbeddedError> {
        let Self { place, owner, installed, users } = self;
        let _start_stop = lock::start_stop(&place, &Quiet)?;
        if !users.leave() {
            return Ok(Released::StillUsedByOthers);
        }
        Server { place: &place, owner: &owner, installed: &installed }.stop()?;
        Ok(Released::Stopped)
    }
}

struct Quiet;

impl Progress for Quiet {
    fn step(&self, _message: &str) {}
    fn bytes(&self, _done: u64, _total: Option<u64>) {}
}
