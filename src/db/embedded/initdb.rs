//! Makes the cluster, whole or not at all.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::Duration;

use super::error::EmbeddedError;
use super::place::Place;
use super::run::run;
use super::server::Server;
use super::{Durability, Progress, SUPERUSER};

const LIMIT: Duration = Duration::from_secs(120);
const UNFINISHED: &str = "pg.unfinished-";

/// The major version in the cluster's `PG_VERSION`; `None` when there is no cluster yet.
///
/// # Errors
/// [`EmbeddedError::Foreign`] for a folder that is not a cluster.
pub(super) fn cluster_major(place: &Place) -> Result<Option<u32>, EmbeddedError> {
    let cluster = place.cluster();
    let foreign = |reason: &str| Err(EmbeddedError::Foreign { path: cluster.clone(), reason: reason.to_owned() });
    match fs::read_to_string(cluster.join("PG_VERSION")) {
        Ok(text) => match text.trim().parse() {
            Ok(major) => Ok(Some(major)),
            Err(_) => foreign("has a PG_VERSION that is no whole number"),
        },
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(EmbeddedError::folder(&cluster)(error)),
        Err(_) if cluster.exists() => foreign("is not a PostgreSQL cluster"),
        Err(_) => Ok(None),
    }
}

/// Runs `initdb` beside the final place and renames: a killed attempt never looks like a cluster.
/// Call it under the start/stop lock.
///
/// # Errors
/// [`EmbeddedError::Initdb`] with what the program said.
pub(super) fn ensure_cluster(
    server: &Server<'_>,
    durability: Durability,
    progress: &dyn Progress,
) -> Result<(), EmbeddedError> {
    let place = server.place;
    if cluster_major(place)?.is_some() {
        return Ok(());
    }
    remove_leftovers(&place.home, UNFINISHED);
    progress.step(&format!("making a PostgreSQL {} cluster in {}", server.installed.major, place.home.display()));
    let name = format!("{UNFINISHED}{}", std::process::id());
    let fresh = place.home.join(&name);
    let made = make(server, &name, &fresh, durability);
    if made.is_err() {
        let _ = fs::remove_dir_all(&fresh);
    }
    made
}

fn make(server: &Server<'_>, name: &str, fresh: &Path, durability: Durability) -> Result<(), EmbeddedError> {
    let place = server.place;
    DirBuilder::new().mode(0o700).create(fresh).map_err(EmbeddedError::folder(fresh))?;
    server.owner.give(fresh)?;
    let mut initdb = server.owner.command(&server.installed.bin.join("initdb"), &place.home);
    initdb.args(["--pgdata", name, "--username", SUPERUSER, "--encoding=UTF8", "--locale=C"]).args([
        "--auth-local=trust",
        "--auth-host=reject",
        "--no-instructions",
    ]);
    if durability == Durability::None {
        initdb.arg("--no-sync");
    }
    let outcome = run(&mut initdb, LIMIT).map_err(|error| EmbeddedError::Initdb { reason: error.to_string() })?;
    if !outcome.success() {
        return Err(EmbeddedError::Initdb { reason: outcome.reason() });
    }
    let cluster = place.cluster();
    fs::rename(fresh, &cluster).map_err(EmbeddedError::folder(&cluster))?;
    let home = File::open(&place.home).map_err(EmbeddedError::folder(&place.home))?;
    home.sync_all().map_err(EmbeddedError::folder(&place.home))
}

/// Removes what killed attempts left in `home` under names that begin with `prefix`. What a program
/// orphaned with them keeps writing to is left for the next time.
pub(super) fn remove_leftovers(home: &Path, prefix: &str) {
    for entry in fs::read_dir(home).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            let path = entry.path();
            if let Err(error) = fs::remove_dir_all(&path) {
                tracing::warn!(path = %path.display(), %error, "cannot remove an unfinished attempt");
            }
        }
    }
}
