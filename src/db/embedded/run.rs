//! Runs a program of PostgreSQL's to its end, never longer than a limit.

use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(5);
const OUTPUT_GRACE: Duration = Duration::from_secs(1);

/// How a program ended and what it printed.
pub(super) struct Outcome {
    status: Option<ExitStatus>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Outcome {
    pub(super) fn success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// One line for an error message: the program's own error, else its first words, else how it
    /// ended.
    pub(super) fn reason(&self) -> String {
        let mut lines = self.stderr.lines().map(str::trim).filter(|line| !line.is_empty());
        let blamed = lines.clone().find(|line| line.contains("FATAL:") || line.contains("error:"));
        match (self.status, blamed.or_else(|| lines.next())) {
            (None, _) => "it was ended for taking too long".to_owned(),
            (Some(_), Some(line)) => line.to_owned(),
            (Some(status), None) => status.to_string(),
        }
    }
}

/// Runs `command` without input and waits at most `limit`; then kills it.
///
/// # Errors
/// When the program cannot be started (absent, not executable, working directory not enterable).
pub(super) fn run(command: &mut Command, limit: Duration) -> io::Result<Outcome> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let stdout = drain(child.stdout.take());
    let stderr = drain(child.stderr.take());
    let status = wait(&mut child, limit)?;
    Ok(Outcome {
        status,
        stdout: stdout.recv_timeout(OUTPUT_GRACE).unwrap_or_default(),
        stderr: stderr.recv_timeout(OUTPUT_GRACE).unwrap_or_default(),
    })
}

fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(POLL);
    }
}

/// Reads on a thread of its own: a full pipe must not block the program, and a grandchild that
/// keeps the pipe open must not block us.
fn drain(stream: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = channel();
    if let Some(mut stream) = stream {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = stream.read_to_end(&mut bytes);
            let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
        });
    }
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn the_error_among_the_words_is_the_reason() {
        let reason = |script| {
            let outcome = run(&mut shell(script), POLL * 1000).unwrap();
            assert!(!outcome.success());
            outcome.reason()
        };
        assert_eq!(reason("echo 1 >&2; echo error: 2 >&2; echo 3 >&2; exit 3"), "error: 2");
        assert_eq!(reason("echo 1 >&2; echo 2 >&2; exit 3"), "1");
        assert_eq!(reason("exit 3"), "exit status: 3");
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let begun = Instant::now();
        let outcome = run(&mut shell("exec sleep 30"), Duration::from_millis(50)).unwrap();
        assert!(!outcome.success());
        assert!(begun.elapsed() < Duration::from_secs(5));
        assert_eq!(outcome.reason(), "it was ended for taking too long");
    }
}
