//! Why the files, or what else was given, cannot be replayed. Nothing was changed then.

use std::path::{Path, PathBuf};

use crate::import::file::{FileError, Line, Lines, Reject};

/// One line for whoever gave it.
#[derive(Debug, thiserror::Error)]
pub enum BadInput {
    /// Names its file itself.
    #[error(transparent)]
    Open(FileError),
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: FileError },
    #[error("{}: line {line}: {reason}", path.display())]
    Line { path: PathBuf, line: u64, reason: String },
    #[error("--capacity: {0}")]
    Capacity(String),
}

/// A file whose every line must be usable.
pub(super) struct Strict<'p> {
    path: &'p Path,
    lines: Lines,
}

impl<'p> Strict<'p> {
    pub fn open(path: &'p Path, wanted: &[&'static str], optional: &[&'static str]) -> Result<Self, BadInput> {
        let lines = Lines::open(path, wanted, optional).map_err(|error| failed(path, error))?;
        Ok(Self { path, lines })
    }

    /// The next line; `None` at the end.
    pub fn read(&mut self) -> Result<Option<Line>, BadInput> {
        let line = self.lines.read().map_err(|error| failed(self.path, error))?;
        line.transpose().map_err(|Reject { line, reason, .. }| self.refuse(line, reason))
    }

    /// The file is refused for one of its lines.
    pub fn refuse(&self, line: u64, reason: impl Into<String>) -> BadInput {
        BadInput::Line { path: self.path.to_owned(), line, reason: reason.into() }
    }
}

fn failed(path: &Path, error: FileError) -> BadInput {
    match error {
        FileError::Open { .. } => BadInput::Open(error),
        source => BadInput::File { path: path.to_owned(), source },
    }
}
