//! The server's settings, and the URL that reaches it.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::Durability;
use super::error::EmbeddedError;
use super::owner::Owner;
use super::place::{CLUSTER, Place};

/// Puts the settings in place for the next start or reload; tells whether they changed.
pub(super) fn write(place: &Place, owner: &Owner, durability: Durability) -> Result<bool, EmbeddedError> {
    let path = place.config();
    let wanted = server_conf(&place.sockets, durability);
    if fs::read(&path).is_ok_and(|found| found == wanted) {
        owner.give(&path)?;
        return Ok(false);
    }
    let fresh = place.home.join("server.conf.new");
    create_new(&fresh, &wanted).map_err(EmbeddedError::folder(&fresh))?;
    owner.give(&fresh)?;
    fs::rename(&fresh, &path).map_err(EmbeddedError::folder(&path))?;
    Ok(true)
}

/// Never follows a link that another user may have put there.
fn create_new(path: &Path, content: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(content)
}

fn server_conf(sockets: &Path, durability: Durability) -> Vec<u8> {
    let safe = if durability == Durability::Full { "on" } else { "off" };
    let mut text = format!(
        "# Written anew at every start. Own settings go into {CLUSTER}/postgresql.auto.conf (ALTER SYSTEM).\n\
         include '{CLUSTER}/postgresql.conf'\n\
         listen_addresses = ''\n\
         port = 5432\n\
         unix_socket_permissions = 0700\n\
         max_connections = 200\n\
         shared_buffers = 256MB\n\
         timezone = 'UTC'\n\
         log_timezone = 'UTC'\n\
         log_line_prefix = '%m [%p] %a '\n\
         log_lock_waits = on\n\
         log_checkpoints = off\n\
         logging_collector = off\n\
         log_destination = 'stderr'\n\
         fsync = {safe}\n\
         full_page_writes = {safe}\n\
         synchronous_commit = {safe}\n\
         unix_socket_directories = '"
    )
    .into_bytes();
    text.extend(quoted(sockets.as_os_str()));
    text.extend(b"'\n");
    text
}

/// A folder as one element of a list (double quotes) inside a string of the settings file.
fn quoted(folder: &OsStr) -> Vec<u8> {
    let mut text = vec![b'"'];
    for byte in folder.as_bytes() {
        match byte {
            b'"' => text.extend(b"\"\""),
            b'\'' => text.extend(b"''"),
            b'\\' => text.extend(b"\\\\"),
            b'\n' => text.extend(b"\\n"),
            other => text.push(*other),
        }
    }
    text.push(b'"');
    text
}

/// `postgres://role@%2Fpath%2Fto%2Frun:5432/database`; the port is named so that `PGPORT` in the
/// environment does not redirect it.
pub(super) fn url(sockets: &Path, role: &str, database: &str) -> String {
    let role = percent_encoded(role.as_bytes());
    let host = percent_encoded(sockets.as_os_str().as_bytes());
    let database = percent_encoded(database.as_bytes());
    format!("postgres://{role}@{host}:5432/{database}")
}

fn percent_encoded(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            text.push(char::from(*byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_encodes_every_separator() {
        let url = url(Path::new("/a b/ü@c:d?e"), "lastroom", "x/y");
        assert_eq!(url, "postgres://lastroom@%2Fa%20b%2F%C3%BC%40c%3Ad%3Fe:5432/x%2Fy");
    }

    #[test]
    fn only_tests_may_lose_commits() {
        let text = |durability| String::from_utf8(server_conf(Path::new("/it's"), durability)).unwrap();
        assert!(text(Durability::Full).contains("\nfsync = on\n"));
        assert!(text(Durability::None).contains("\nfsync = off\n"));
        assert!(text(Durability::Full).ends_with("unix_socket_directories = '\"/it''s\"'\n"));
    }
}
