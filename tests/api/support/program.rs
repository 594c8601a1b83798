//! The real binary, as an operator runs it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::actors::Guest;
use super::app::{SECRET, TestApp};
use super::home::kill;

/// How long it may take to end after it was asked to.
const LAST_WORDS: Duration = Duration::from_secs(20);

/// The binary in a folder, with these settings and nothing else of this machine's environment.
pub fn lastroom(folder: &Path, settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lastroom"));
    command.current_dir(folder).env_clear().stdin(Stdio::null());
    command.envs(["PATH", "LASTROOM_PG_BIN"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.envs(settings.iter().copied());
    command
}

/// A running server; killed when the test forgets it.
pub struct Serving {
    child: Child,
    pub address: String,
    log: PathBuf,
}

impl Serving {
    /// Starts it on a free port and waits until it says that it is ready.
    pub fn start(folder: &Path, settings: &[(&str, &str)]) -> Self {
        // To a file: a pipe that nobody empties would stop the server once it is full.
        let log = folder.join("stderr");
        let stderr = File::create(&log).expect("a log");
        let quick = [("LASTROOM_LISTEN", "127.0.0.1:0"), ("LASTROOM_DRAIN_NOTICE_MS", "0")];
        let mut command = lastroom(folder, &[quick.as_slice(), settings].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(stderr).spawn().expect("the binary");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("its output")).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("ready http://").map(str::to_owned);
        let told = || std::fs::read_to_string(&log).unwrap_or_default();
        Self { child, address: address.unwrap_or_else(|| panic!("not ready: {line}{}", told())), log }
    }

    /// Starts it on the database of `app`, as the application and nobody else, with some settings more.
    pub fn beside(app: &TestApp, folder: &Path, settings: &[(&str, &str)]) -> Self {
        let url = app.database.app_url();
        let ground = [("DATABASE_URL", url.as_str()), ("LASTROOM_SECRET_KEY", SECRET), ("LASTROOM_DEMO", "false")];
        Self::start(folder, &[ground.as_slice(), settings].concat())
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A stranger who calls it.
    pub fn caller(&self) -> Guest {
        Guest::stranger_at(&format!("http://{}/api/v1", self.address))
    }

    /// SIGKILL: it ends on whatever line it is.
    pub fn kill(mut self) {
        self.child.kill().expect("a signal");
        self.child.wait().expect("its end");
    }

    /// Asks it to stop; its exit code and everything it wrote to standard error.
    pub fn terminate(mut self) -> (Option<i32>, String) {
        kill("-TERM", &[self.pid()]);
        let deadline = Instant::now() + LAST_WORDS;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            assert!(Instant::now() < deadline, "SIGTERM is to end it");
            std::thread::sleep(Duration::from_millis(20));
        };
        (status.code(), std::fs::read_to_string(&self.log).expect("its log"))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself, or been ended before.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
