//! The two file locks that let processes share one server. The kernel drops them with the process.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use super::Progress;
use super::error::EmbeddedError;
use super::place::Place;

const POLL: Duration = Duration::from_millis(20);
/// Long enough for another process's first start, download included.
const PATIENCE: Duration = Duration::from_secs(300);
const TELL_AFTER: Duration = Duration::from_secs(1);

/// Waits until no other process starts or stops the server; the lock lasts as long as the file.
///
/// # Errors
/// [`EmbeddedError::Busy`] after five minutes.
pub(super) fn start_stop(place: &Place, progress: &dyn Progress) -> Result<File, EmbeddedError> {
    let path = place.home.join("lock");
    let file = open(&path)?;
    let begun = Instant::now();
    let mut told = false;
    while !acquired(file.try_lock(), &path)? {
        if begun.elapsed() >= PATIENCE {
            return Err(EmbeddedError::Busy {
                what: format!("another process still holds {}", path.display()),
                waited_s: PATIENCE.as_secs(),
                remedy: "let it finish, or end it, and try again".to_owned(),
            });
        }
        if !told && begun.elapsed() >= TELL_AFTER {
            told = true;
            progress.step("waiting for another process that is starting or stopping the database");
        }
        thread::sleep(POLL);
    }
    Ok(file)
}

/// Our place among the users of the server.
#[derive(Debug)]
pub(super) struct Users(File);

impl Users {
    /// Joins. Call it under [`start_stop`]: then nobody can hold the lock alone.
    pub(super) fn join(place: &Place) -> Result<Self, EmbeddedError> {
        let path = place.home.join("users.lock");
        let file = open(&path)?;
        if acquired(file.try_lock_shared(), &path)? {
            return Ok(Self(file));
        }
        let reason = "is locked by a program that is not ours".to_owned();
        Err(EmbeddedError::Foreign { path, reason })
    }

    /// Leaves, and tells whether nobody is left. Call it under [`start_stop`].
    pub(super) fn leave(self) -> bool {
        // Unlocked by name, not by closing: a child being spawned by another thread may hold a copy
        // of the descriptor for a moment.
        let _ = self.0.unlock();
        let alone = self.0.try_lock().is_ok();
        let _ = self.0.unlock();
        alone
    }
}

/// Opened close-on-exec, as everything is by the standard library: the server must not inherit it.
fn open(path: &Path) -> Result<File, EmbeddedError> {
    let context = || EmbeddedError::folder(path);
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
        .map_err(context())?;
    share_with_folder_owner(&file, path).map_err(context())?;
    Ok(file)
}

/// In an ordinary user's folder root must not leave a lock that this user cannot open.
fn share_with_folder_owner(file: &File, path: &Path) -> std::io::Result<()> {
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    let folder = fs::metadata(folder)?;
    if rustix::process::geteuid().is_root() && file.metadata()?.uid() != folder.uid() {
        fchown(file, Some(folder.uid()), Some(folder.gid()))?;
    }
    Ok(())
}

fn acquired(attempt: Result<(), TryLockError>, path: &Path) -> Result<bool, EmbeddedError> {
    match attempt {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(EmbeddedError::folder(path)(error)),
    }
}
