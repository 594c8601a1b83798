//! Starts, adopts and stops the server of a cluster. Everything here runs under the start/stop lock.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use super::binaries::Installed;
use super::error::EmbeddedError;
use super::owner::Owner;
use super::place::{CLUSTER, CONFIG, LOG, Place};
use super::run::{Outcome, run};
use super::wire::{self, Health};
use super::{Durability, Progress, config, processes};

const START_LIMIT_S: u64 = 60;
/// `pg_ctl` gives up by itself first.
const PG_CTL_LIMIT: Duration = Duration::from_secs(START_LIMIT_S + 15);
const POLL: Duration = Duration::from_millis(20);
const TELL_AFTER: Duration = Duration::from_secs(1);
const LOG_KEPT_BYTES: u64 = 10 << 20;
const LOG_TAIL_LINES: usize = 15;

/// A cluster with the programs that run it.
pub(super) struct Server<'a> {
    pub(super) place: &'a Place,
    pub(super) owner: &'a Owner,
    pub(super) installed: &'a Installed,
}

impl Server<'_> {
    /// Adopts the server that answers, or starts one.
    ///
    /// # Errors
    /// [`EmbeddedError::Busy`] when something half-alive does not come up or go away within a
    /// minute, [`EmbeddedError::Start`] with the log's last lines.
    pub(super) fn ensure_running(&self, durability: Durability, progress: &dyn Progress) -> Result<(), EmbeddedError> {
        if self.await_answer_or_silence(progress)? {
            tracing::info!(data_dir = %self.place.home.display(), "using the running private PostgreSQL");
            if durability == Durability::Full && config::write(self.place, self.owner, durability)? {
                self.reload()?;
            }
            return Ok(());
        }
        self.clear_traces()?;
        config::write(self.place, self.owner, durability)?;
        progress.step(&format!("starting PostgreSQL {}", self.installed.version));
        self.start()
    }

    /// Shuts the server down and waits for it. A server that is dead already counts as stopped.
    ///
    /// # Errors
    /// [`EmbeddedError::Stop`].
    pub(super) fn stop(&self) -> Result<(), EmbeddedError> {
        // Asked first: pg_ctl takes a zombie for a live server and waits for it in vain.
        if self.is_gone()? {
            tracing::warn!("the private PostgreSQL had died before it was stopped");
            return Ok(());
        }
        let limit = START_LIMIT_S.to_string();
        let args = ["stop", "-s", "-w", "-m", "fast", "-t", &limit, "-D", CLUSTER];
        let reason = match run(&mut self.pg_ctl(&args), PG_CTL_LIMIT) {
            Ok(outcome) if outcome.success() => return Ok(()),
            Ok(outcome) => outcome.reason(),
            Err(error) => error.to_string(),
        };
        if self.is_gone()? {
            return Ok(());
        }
        let log = self.place.log();
        Err(EmbeddedError::Stop { reason, log })
    }

    fn is_gone(&self) -> Result<bool, EmbeddedError> {
        let silent = wire::health(&self.place.socket())? == Health::Absent;
        Ok(silent && self.processes().is_empty())
    }

    /// Waits while something of a server is there that neither answers nor is gone: one that starts,
    /// recovers or shuts down, or the children that outlive a killed postmaster for a moment.
    /// `true`: a server answers. `false`: nothing is left of any.
    fn await_answer_or_silence(&self, progress: &dyn Progress) -> Result<bool, EmbeddedError> {
        let begun = Instant::now();
        let mut told = false;
        loop {
            let (what, remedy) = match wire::health(&self.place.socket())? {
                Health::Ready => return Ok(true),
                Health::NotYet(answer) => (
                    format!("the PostgreSQL in {} says: {answer}", self.place.home.display()),
                    format!("see {} and try again", self.place.log().display()),
                ),
                Health::Absent => {
                    let pids = self.processes();
                    if pids.is_empty() {
                        return Ok(false);
                    }
                    let pids = pids.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
                    (
                        format!(
                            "PostgreSQL processes without a socket are still at work in {}",
                            self.place.cluster().display()
                        ),
                        format!("end them (kill -INT {pids}) and try again"),
                    )
                }
            };
            if begun.elapsed() >= Duration::from_secs(START_LIMIT_S) {
                return Err(EmbeddedError::Busy { what, waited_s: START_LIMIT_S, remedy });
            }
            if !told && begun.elapsed() >= TELL_AFTER {
                told = true;
                progress.step(&format!("waiting: {what}"));
            }
            thread::sleep(POLL);
        }
    }

    /// Removes what a killed server left behind. PostgreSQL would trip over a `postmaster.pid` whose
    /// number now is another program's; no process is left that these files could protect.
    fn clear_traces(&self) -> Result<(), EmbeddedError> {
        let pid_file = self.place.cluster().join("postmaster.pid");
        for path in [pid_file, self.place.socket_lock(), self.place.socket()] {
            match fs::remove_file(&path) {
                Ok(()) => tracing::warn!(path = %path.display(), "removed a dead server's trace"),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(EmbeddedError::folder(&path)(error)),
            }
        }
        Ok(())
    }

    fn start(&self) -> Result<(), EmbeddedError> {
        let log_start = self.prepare_log()?;
        let limit = START_LIMIT_S.to_string();
        let options = format!("-c config_file={CONFIG}");
        let args = ["start", "-s", "-w", "-t", &limit, "-D", CLUSTER, "-l", LOG, "-o", &options];
        let started = run(&mut self.pg_ctl(&args), PG_CTL_LIMIT);
        let healthy = wire::health(&self.place.socket())? == Health::Ready;
        if healthy && started.as_ref().is_ok_and(Outcome::success) {
            tracing::info!(
                data_dir = %self.place.home.display(),
                version = self.installed.version,
                "started the private PostgreSQL"
            );
            return Ok(());
        }
        let log = self.place.log();
        let reason = match started {
            Ok(outcome) => outcome.reason(),
            Err(error) => error.to_string(),
        };
        let log_tail = tail(&log, log_start);
        Err(EmbeddedError::Start { reason, log, log_tail })
    }

    fn reload(&self) -> Result<(), EmbeddedError> {
        let outcome = run(&mut self.pg_ctl(&["reload", "-s", "-D", CLUSTER]), PG_CTL_LIMIT);
        let reason = match outcome {
            Ok(outcome) if outcome.success() => return Ok(()),
            Ok(outcome) => outcome.reason(),
            Err(error) => error.to_string(),
        };
        let log = self.place.log();
        Err(EmbeddedError::Start { reason, log, log_tail: String::new() })
    }

    /// In a process group of its own: Ctrl-C in the terminal must not reach the server.
    fn pg_ctl(&self, args: &[&str]) -> Command {
        let mut command = self.owner.command(&self.installed.bin.join("pg_ctl"), &self.place.home);
        command.args(args).process_group(0);
        command
    }

    fn processes(&self) -> Vec<u32> {
        processes::inside(&self.place.cluster(), self.owner)
    }

    /// Makes the log the owner's, puts a large one aside, and tells where this start's lines begin.
    fn prepare_log(&self) -> Result<u64, EmbeddedError> {
        let path = self.place.log();
        let context = || EmbeddedError::folder(&path);
        if fs::metadata(&path).is_ok_and(|found| found.len() > LOG_KEPT_BYTES) {
            fs::rename(&path, self.place.home.join("pg.log.1")).map_err(context())?;
        }
        let log = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&path)
            .map_err(context())?;
        self.owner.give(&path)?;
        Ok(log.metadata().map_err(context())?.len())
    }
}

/// The last lines of `log` after byte `start`, each on a new line; empty when there are none.
fn tail(log: &Path, start: u64) -> String {
    let mut bytes = Vec::new();
    let read = File::open(log).and_then(|mut file| {
        file.seek(SeekFrom::Start(start))?;
        file.take(LOG_KEPT_BYTES).read_to_end(&mut bytes)
    });
    if read.is_err() {
        return String::new();
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let skipped = lines.len().saturating_sub(LOG_TAIL_LINES);
    lines.into_iter().skip(skipped).flat_map(|line| ["\n", line]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tail_is_this_start_only_and_short() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let lines = (0..40).fold(String::new(), |text, n| format!("{text}line {n}\n"));
        fs::write(file.path(), format!("old\n{lines}")).unwrap();
        let tail = tail(file.path(), 4);
        assert_eq!(tail.lines().count(), LOG_TAIL_LINES + 1);
        assert!(tail.ends_with("\nline 39"));
        assert!(super::tail(file.path(), 4 + u64::try_from(lines.len()).unwrap()).is_empty());
    }
}
