//! A file as an import goes through it: by batches, with what cannot be used put aside.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::file::{Line, Lines, Reject, Rejects};
use super::run::ImportError;

/// How far an import is with its file.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Lines read, the header not counted.
    pub lines: u64,
    /// Bytes read of the file.
    pub bytes: u64,
    /// Lines not used, by reason.
    pub rejects: BTreeMap<String, u64>,
    pub took: Duration,
}

/// A file that is being read, and where its rejects go.
pub(super) struct Reading<W> {
    lines: Lines,
    rejects: Rejects<W>,
    started: Instant,
    read: u64,
}

impl<W: Write> Reading<W> {
    /// The time that it takes is counted from here.
    pub fn new(lines: Lines, rejects: Rejects<W>) -> Self {
        Self { lines, rejects, started: Instant::now(), read: 0 }
    }

    /// Adds lines to the batch until it has `most` that `judge` can use; true at the end of the file. What was added
    /// before the file broke off is good.
    pub fn fill<T>(
        &mut self,
        batch: &mut Vec<T>,
        most: usize,
        mut judge: impl FnMut(Line) -> Result<T, Reject>,
    ) -> Result<bool, ImportError> {
        while batch.len() < most {
            let Some(line) = self.lines.read()? else {
                return Ok(true);
            };
            self.read += 1;
            match line.and_then(&mut judge) {
                Ok(good) => batch.push(good),
                Err(reject) => self.reject(&reject)?,
            }
        }
        Ok(false)
    }

    pub fn reject(&mut self, reject: &Reject) -> io::Result<()> {
        self.rejects.write(reject)
    }

    /// How far it is; the rejects so far are in their file then.
    pub fn tally(&mut self) -> io::Result<Tally> {
        self.rejects.flush()?;
        Ok(Tally {
            lines: self.read,
            bytes: self.lines.consumed(),
            rejects: self.rejects.by_reason().clone(),
            took: self.started.elapsed(),
        })
    }
}
