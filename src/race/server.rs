//! A server of the race's own: the same program as a child process, with a data directory that goes with it.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;
use uuid::Uuid;

use super::RaceError;

const ADMIN: &str = "admin@lastroom.test";
/// How long a start may take: PostgreSQL may have to be downloaded.
const STARTS_WITHIN: Duration = Duration::from_secs(600);
/// How long one that has not started yet is waited for when the race is interrupted.
const STARTS_WITHIN_AT_THE_END: Duration = Duration::from_secs(30);
/// How long it may take to end after SIGTERM, its database included.
const STOPS_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// The server, running or not. [`OwnServer::stop`] is the way to end it; dropping it kills.
pub struct OwnServer {
    folder: TempDir,
    settings: Vec<(&'static str, String)>,
    password: SecretString,
    running: Option<Running>,
    /// A PostgreSQL that was killed: its number may be another process's by now.
    killed: Option<Pid>,
}

struct Running {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
    is_ready: bool,
}

impl OwnServer {
    /// Makes its folder; nothing runs yet.
    pub fn new(settings: Vec<(&'static str, String)>) -> Result<Self, RaceError> {
        let error = |error: std::io::Error| RaceError::Server(format!("cannot make a temporary folder: {error}"));
        // Where the race is run by root, PostgreSQL runs as another user, who must be able to enter.
        let open = Permissions::from_mode(0o755);
        let folder = tempfile::Builder::new().prefix("lastroom-race-").permissions(open).tempdir().map_err(error)?;
        if rustix::process::geteuid().is_root() {
            let closed = |folder: &&Path| fs::metadata(folder).is_ok_and(|found| found.mode() & 0o001 == 0);
            if let Some(closed) = folder.path().ancestors().find(closed) {
                let why = format!("PostgreSQL's user cannot enter {}: set TMPDIR to another folder", closed.display());
                return Err(RaceError::Server(why));
            }
        }
        let password = SecretString::from(Uuid::new_v4().simple().to_string());
        Ok(Self { folder, settings, password, running: None, killed: None })
    }

    /// Its first admin.
    pub fn admin(&self) -> (String, SecretString) {
        (ADMIN.to_owned(), self.password.clone())
    }

    /// Starts it; the address that it listens on.
    pub async fn start(&mut self) -> Result<String, RaceError> {
        let error = |error: std::io::Error| RaceError::Server(error.to_string());
        // To a file: a pipe that nobody empties would stop the server once it is full.
        let log = File::options().create(true).append(true).open(self.log()).map_err(error)?;
        let mut command = Command::new(std::env::current_exe().map_err(error)?);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LASTROOM_") || name == "DATABASE_URL" {
                command.env_remove(name);
            }
        }
        command.env("LASTROOM_LOG", "warn").envs(self.settings.iter().map(|(name, value)| (name, value)));
        command.env("LASTROOM_LISTEN", "127.0.0.1:0").env("LASTROOM_DATA_DIR", self.data_dir());
        command.env("LASTROOM_DRAIN_NOTICE_MS", "0").env("LASTROOM_DEMO", "false").env("LASTROOM_ADMIN_EMAIL", ADMIN);
        command.env("LASTROOM_ADMIN_PASSWORD", self.password.expose_secret());
        command.arg("serve").current_dir(self.folder.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        // In a process group of its own: Ctrl-C in the terminal is for the race, which then stops it.
        let mut child = command.process_group(0).kill_on_drop(true).spawn().map_err(error)?;
        let Some(output) = child.stdout.take() else { return Err(RaceError::Server("it has no output".to_owned())) };
        let output = BufReader::new(output).lines();
        let running = self.running.insert(Running { child, output, is_ready: false });
        match timeout(STARTS_WITHIN, running.ready()).await {
            Ok(Some(address)) => Ok(address),
            Ok(None) => Err(RaceError::Server(self.last_words())),
            Err(_) => Err(RaceError::Server(format!("it is not ready after {} s", STARTS_WITHIN.as_secs()))),
        }
    }

    /// Ends the server and its PostgreSQL on whatever line they are, and starts both again from what is on the disk.
    pub async fn kill_and_restart(&mut self) -> Result<String, RaceError> {
        let error = |error: std::io::Error| RaceError::NotRecovered(error.to_string());
        if let Some(mut running) = self.running.take() {
            running.child.kill().await.map_err(error)?;
        }
        self.kill_postgres();
        self.start().await.map_err(|error| RaceError::NotRecovered(error.to_string()))
    }

    /// Ends it in order, and removes all that it has written.
    pub async fn stop(mut self) -> Result<(), RaceError> {
        if let Some(mut running) = self.running.take() {
            if !running.is_ready {
                // Before that it does not listen to signals, and would leave its database running.
                let _ready = timeout(STARTS_WITHIN_AT_THE_END, running.ready()).await;
            }
            if running.terminate().await.is_none() {
                let _killed = running.child.kill().await;
            }
        }
        self.await_end_of_postgres().await;
        let path = self.folder.path();
        fs::remove_dir_all(path)
            .map_err(|error| RaceError::Machine(format!("{} cannot be removed: {error}", path.display())))
    }

    /// A PostgreSQL that the server did not take along is asked to stop, then made to.
    async fn await_end_of_postgres(&mut self) {
        let Some(pid) = self.postgres() else { return };
        let _asked = kill_process(pid, Signal::INT);
        let begun = Instant::now();
        while test_kill_process(pid).is_ok() {
            if begun.elapsed() > STOPS_WITHIN {
                self.kill_postgres();
            }
            tokio::time::sleep(POLL).await;
        }
    }

    fn kill_postgres(&mut self) {
        if let Some(pid) = self.postgres() {
            // It may have ended by itself.
            let _sent = kill_process(pid, Signal::KILL);
            self.killed = Some(pid);
        }
    }

    /// The PostgreSQL of the data directory, by the file that it keeps while it runs.
    fn postgres(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.data_dir().join("pg/postmaster.pid")).ok()?;
        let pid = text.lines().next()?.trim().parse().ok().and_then(Pid::from_raw)?;
        (Some(pid) != self.killed).then_some(pid)
    }

    fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("stderr")
    }

    /// The last line that it wrote for people.
    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let last = log.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it ended without a word");
        last.trim_start_matches("lastroom: ").to_owned()
    }
}

impl Running {
    /// The address that it says it listens on; none: it ended.
    async fn ready(&mut self) -> Option<String> {
        while let Ok(Some(line)) = self.output.next_line().await {
            if let Some(address) = line.strip_prefix("ready http://") {
                self.is_ready = true;
                return Some(address.to_owned());
            }
        }
        None
    }

    /// Asks it to end, and waits; none: it did not.
    async fn terminate(&mut self) -> Option<ExitStatus> {
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _asked = kill_process(pid, Signal::TERM);
        }
        timeout(STOPS_WITHIN, self.child.wait()).await.ok()?.ok()
    }
}

impl Drop for OwnServer {
    /// The way out of a panic: nobody waits any more.
    fn drop(&mut self) {
        if let Some(running) = &mut self.running {
            let _killed = running.child.start_kill();
            self.kill_postgres();
        }
    }
}
