//! Where everything of a cluster is on disk.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::Progress;
use super::error::EmbeddedError;
use super::owner::Owner;

const FALLBACK: &str = "/var/lib/lastroom";
const SOCKET: &str = ".s.PGSQL.5432";
/// The longest socket path in bytes: 107 on Linux, 103 on macOS and the BSDs.
const SOCKET_PATH_MAX: usize = 103;

/// The folders of one cluster, all absolute.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) home: PathBuf,
    pub(super) sockets: PathBuf,
}

/// The cluster's name inside [`Place::home`]; the server is started with names relative to that,
/// because `pg_ctl` hands them to a shell.
pub(super) const CLUSTER: &str = "pg";
pub(super) const LOG: &str = "pg.log";
pub(super) const CONFIG: &str = "server.conf";

impl Place {
    pub(super) fn cluster(&self) -> PathBuf {
        self.home.join(CLUSTER)
    }

    pub(super) fn log(&self) -> PathBuf {
        self.home.join(LOG)
    }

    pub(super) fn config(&self) -> PathBuf {
        self.home.join(CONFIG)
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.sockets.join(SOCKET)
    }

    pub(super) fn socket_lock(&self) -> PathBuf {
        self.sockets.join(format!("{SOCKET}.lock"))
    }
}

/// Decides where the cluster lives and as whom, and makes the folders.
///
/// # Errors
/// When a folder cannot be made, is somebody else's, or cannot be entered by the owner.
pub(super) fn settle(requested: &Path, progress: &dyn Progress) -> Result<(Place, Owner), EmbeddedError> {
    let home = make_home(requested)?;
    let owner = Owner::of(&home.join(CLUSTER))?;
    let (home, owner) = if owner.switches { settle_for_root(home, owner, progress)? } else { (home, owner) };
    let sockets = sockets_for(&home);
    make_private(&sockets, &owner)?;
    Ok((Place { home, sockets }, owner))
}

/// Whether a cluster was made for this folder: in it, or where root's is if its user cannot enter.
pub(super) fn has_cluster(requested: &Path) -> bool {
    let Ok(home) = fs::canonicalize(requested) else { return false };
    home.join(CLUSTER).exists() || Path::new(FALLBACK).join(digest(&home)).join(CLUSTER).exists()
}

fn settle_for_root(home: PathBuf, owner: Owner, progress: &dyn Progress) -> Result<(PathBuf, Owner), EmbeddedError> {
    let fallback = Path::new(FALLBACK).join(digest(&home));
    let here = home.join(CLUSTER).exists();
    let elsewhere = fallback.join(CLUSTER).exists();
    if here || !elsewhere {
        if let_in(&home, &owner)? {
            return Ok((home, owner));
        }
        if here {
            return Err(EmbeddedError::Unreachable { path: home, user: owner.name });
        }
    }
    progress.step(&format!(
        "the user {} cannot enter {}: the database is in {}",
        owner.name,
        home.display(),
        fallback.display()
    ));
    let fallback = make_home(&fallback)?;
    let owner = Owner::of(&fallback.join(CLUSTER))?;
    if let_in(&fallback, &owner)? {
        return Ok((fallback, owner));
    }
    Err(EmbeddedError::Unreachable { path: fallback, user: owner.name })
}

/// The data directory itself we may open (to pass through, not to list); its parents we may not.
fn let_in(home: &Path, owner: &Owner) -> Result<bool, EmbeddedError> {
    if owner.can_enter(home)? {
        return Ok(true);
    }
    let found = fs::metadata(home).map_err(EmbeddedError::folder(home))?;
    if found.uid() != 0 {
        return Ok(false);
    }
    let opened = Permissions::from_mode(found.mode() & 0o7777 | 0o011);
    fs::set_permissions(home, opened).map_err(EmbeddedError::folder(home))?;
    if owner.can_enter(home)? {
        return Ok(true);
    }
    fs::set_permissions(home, found.permissions()).map_err(EmbeddedError::folder(home))?;
    Ok(false)
}

fn make_home(requested: &Path) -> Result<PathBuf, EmbeddedError> {
    let context = || EmbeddedError::folder(requested);
    if let Some(parent) = requested.parent() {
        fs::create_dir_all(parent).map_err(context())?;
    }
    match DirBuilder::new().mode(0o700).create(requested) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(context()(error)),
        _ => fs::canonicalize(requested).map_err(context()),
    }
}

fn sockets_for(home: &Path) -> PathBuf {
    let near = home.join("run");
    let path = near.join(SOCKET);
    let bytes = path.as_os_str().as_bytes();
    // libpq reads a comma as the end of one host and the beginning of another.
    if bytes.len() <= SOCKET_PATH_MAX && !bytes.contains(&b',') {
        return near;
    }
    // Not $XDG_RUNTIME_DIR: all processes must agree, whatever their environment.
    Path::new("/tmp").join(format!("lastroom-{}", digest(home)))
}

fn make_private(folder: &Path, owner: &Owner) -> Result<(), EmbeddedError> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => return owner.give(folder),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(EmbeddedError::folder(folder)(error)),
    }
    let found = fs::symlink_metadata(folder).map_err(EmbeddedError::folder(folder))?;
    let left_by_a_killed_root = owner.switches && found.uid() == 0;
    let reason = if !found.is_dir() {
        "is not a folder"
    } else if found.uid() != owner.uid && !left_by_a_killed_root {
        "belongs to another user"
    } else if found.mode() & 0o077 != 0 {
        "may be entered by other users"
    } else if left_by_a_killed_root {
        return owner.give(folder);
    } else {
        return Ok(());
    };
    Err(EmbeddedError::Foreign { path: folder.to_path_buf(), reason: reason.to_owned() })
}

/// A name for a path that stays the same across versions and machines (64-bit FNV-1a).
fn digest(path: &Path) -> String {
    let hash = path
        .as_os_str()
        .as_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_is_fnv_1a() {
        assert_eq!(digest(Path::new("")), "cbf29ce484222325");
        assert_eq!(digest(Path::new("foobar")), "85944171f73967e8");
    }

    #[test]
    fn a_long_or_comma_path_moves_the_socket_to_tmp() {
        assert_eq!(sockets_for(Path::new("/a")), Path::new("/a/run"));
        let long = format!("/{}", "x".repeat(120));
        for path in [long.as_str(), "/a,b"] {
            let folder = sockets_for(Path::new(path));
            assert!(folder.starts_with("/tmp"), "{folder:?}");
        }
    }

    #[test]
    fn a_folder_open_to_others_is_refused() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("run");
        let owner = Owner::of(&folder).unwrap();
        make_private(&folder, &owner).unwrap();
        make_private(&folder, &owner).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(make_private(&folder, &owner), Err(EmbeddedError::Foreign { .. })));
    }
}
