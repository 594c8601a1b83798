//! Whose processes and files the cluster's are. PostgreSQL refuses root, so root needs another user.

use std::env;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::error::EmbeddedError;
use super::run::run;

const PASSWD: &str = "/etc/passwd";
/// For root, in this order.
const ORDINARY_USERS: [&str; 2] = ["postgres", "nobody"];
/// All that PostgreSQL's programs get to see of our environment: it may hold secrets, and `PG…`
/// variables would redirect them.
const PASSED_ON: [&str; 6] = ["PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LOCALE_ARCHIVE", "NIX_LD"];

/// The user that the server runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) name: String,
    pub(super) uid: u32,
    gid: u32,
    /// We are root and must become this user.
    pub(super) switches: bool,
}

impl Owner {
    /// Ourselves, or for root: whoever owns the cluster already, else `postgres`, else `nobody`.
    ///
    /// # Errors
    /// [`EmbeddedError::NoOrdinaryUser`]; [`EmbeddedError::Foreign`] for a cluster that root owns.
    pub(super) fn of(cluster: &Path) -> Result<Self, EmbeddedError> {
        let uid = rustix::process::geteuid();
        if !uid.is_root() {
            let gid = rustix::process::getegid().as_raw();
            let name = format!("with the id {}", uid.as_raw());
            return Ok(Self { name, uid: uid.as_raw(), gid, switches: false });
        }
        match fs::symlink_metadata(cluster) {
            Ok(found) => Self::owning(cluster, &found),
            Err(_) => Self::ordinary(&fs::read_to_string(PASSWD).unwrap_or_default()),
        }
    }

    fn owning(cluster: &Path, found: &Metadata) -> Result<Self, EmbeddedError> {
        if found.uid() == 0 {
            let reason = "belongs to root, as whom PostgreSQL refuses to run".to_owned();
            return Err(EmbeddedError::Foreign { path: cluster.to_path_buf(), reason });
        }
        let name = format!("with the id {}", found.uid());
        Ok(Self { name, uid: found.uid(), gid: found.gid(), switches: true })
    }

    fn ordinary(passwd: &str) -> Result<Self, EmbeddedError> {
        ORDINARY_USERS.into_iter().find_map(|name| look_up(passwd, name)).ok_or(EmbeddedError::NoOrdinaryUser)
    }

    /// A command that runs as this user in `folder` (ours may be closed to that user).
    pub(super) fn command(&self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C").env("HOME", folder).current_dir(folder);
        for name in PASSED_ON {
            if let Some(value) = env::var_os(name) {
                command.env(name, value);
            }
        }
        if self.switches {
            // The standard library drops the supplementary groups when root gives a uid.
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Makes a file or folder that we have just created this user's own.
    pub(super) fn give(&self, path: &Path) -> Result<(), EmbeddedError> {
        if !self.switches {
            return Ok(());
        }
        lchown(path, Some(self.uid), Some(self.gid)).map_err(EmbeddedError::folder(path))
    }

    /// Whether this user can work in `folder`. Tried rather than computed: mode bits are not all
    /// that decides it.
    pub(super) fn can_enter(&self, folder: &Path) -> Result<bool, EmbeddedError> {
        let mut command = self.command(Path::new("/bin/sh"), folder);
        match run(command.args(["-c", ":"]), Duration::from_secs(10)) {
            Ok(outcome) => Ok(outcome.success()),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(false),
            Err(error) => Err(EmbeddedError::folder(folder)(error)),
        }
    }
}

fn look_up(passwd: &str, wanted: &str) -> Option<Owner> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| *name == wanted)?;
        let uid = id(fields.nth(1)?)?;
        let gid = id(fields.next()?)?;
        (uid != 0).then(|| Owner { name: name.to_owned(), uid, gid, switches: true })
    })
}

/// macOS writes the ids of `nobody` as -2.
fn id(field: &str) -> Option<u32> {
    field.parse().ok().or_else(|| field.parse::<i32>().ok().map(i32::cast_unsigned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_is_preferred_to_nobody() {
        let passwd = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n\
                      postgres:x:101:104:,,,:/var/lib/postgresql:/bin/bash\n";
        let owner = Owner::ordinary(passwd).unwrap();
        assert_eq!((owner.name.as_str(), owner.uid, owner.gid), ("postgres", 101, 104));
    }

    #[test]
    fn negative_ids_wrap_and_root_in_disguise_is_refused() {
        let owner = Owner::ordinary("nobody:*:-2:-2:Unprivileged:/var/empty:/bin/false").unwrap();
        assert_eq!(owner.uid, u32::MAX - 1);
        assert!(matches!(Owner::ordinary("postgres:x:0:0::/:/bin/sh"), Err(EmbeddedError::NoOrdinaryUser)));
    }
}
