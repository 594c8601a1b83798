//! Files of lines: CSV, plain or xz-compressed.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use csv::{ByteRecord, ReaderBuilder, Terminator};
use liblzma::read::XzDecoder;

/// The longest line that is looked at, in bytes.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// Why a file cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("cannot read {}: {source}", path.display())]
    Open { path: PathBuf, source: io::Error },
    #[error("the first line names no column {missing}; it must name {}, separated by commas", wanted.join(", "))]
    Columns { missing: &'static str, wanted: Vec<&'static str> },
    #[error("the file ends or breaks off after line {line}: {source}")]
    Broken { line: u64, source: io::Error },
}

/// A line that is not used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// Of the file, the header being 1.
    pub line: u64,
    pub reason: String,
    /// As it was read, as far as it is text.
    pub text: String,
}

/// The named fields of one line.
#[derive(Debug)]
pub struct Line {
    pub number: u64,
    record: csv::StringRecord,
    positions: Vec<Option<usize>>,
}

impl Line {
    /// The field of the `column`-th wanted name, without surrounding blanks; empty where the file has no such column.
    #[must_use]
    pub fn field(&self, column: usize) -> &str {
        let at = self.positions.get(column).copied().flatten();
        at.and_then(|at| self.record.get(at)).unwrap_or_default().trim()
    }

    /// The line as a reject.
    pub fn reject(&self, reason: impl Into<String>) -> Reject {
        let text: Vec<_> = self.record.iter().collect();
        Reject { line: self.number, reason: reason.into(), text: text.join(",") }
    }
}

/// The lines of a file.
pub struct Lines {
    reader: csv::Reader<Box<dyn Read>>,
    positions: Vec<Option<usize>>,
    last: u64,
}

impl Lines {
    /// Opens the file and finds the columns: those of `wanted` must be there, those of `optional` may be. A byte order
    /// mark and Windows line ends are taken as they come.
    pub fn open(path: &Path, wanted: &[&'static str], optional: &[&'static str]) -> Result<Self, FileError> {
        let failed = |source| FileError::Open { path: path.to_owned(), source };
        let file = BufReader::new(File::open(path).map_err(failed)?);
        let plain: Box<dyn Read> = match path.extension() {
            Some(extension) if extension == "xz" => Box::new(XzDecoder::new_multi_decoder(file)),
            _ => Box::new(file),
        };
        let mut reader =
            ReaderBuilder::new().flexible(true).has_headers(false).terminator(Terminator::CRLF).from_reader(plain);
        let mut header = ByteRecord::new();
        reader.read_byte_record(&mut header).map_err(|error| failed(error.into()))?;
        let names: Vec<_> = header.iter().map(column_name).collect();
        let find = |name: &&str| names.iter().position(|known| known == name);
        if let Some(missing) = wanted.iter().find(|name| find(name).is_none()) {
            return Err(FileError::Columns { missing, wanted: wanted.to_vec() });
        }
        let positions = wanted.iter().chain(optional).map(find).collect();
        Ok(Self { reader, positions, last: 1 })
    }

    /// The next line, or why it is none; `None` at the end.
    pub fn read(&mut self) -> Result<Option<Result<Line, Reject>>, FileError> {
        let mut record = ByteRecord::new();
        let more = self.reader.read_byte_record(&mut record);
        let more = more.map_err(|error| FileError::Broken { line: self.last, source: error.into() })?;
        if !more {
            return Ok(None);
        }
        let number = record.position().map_or(self.last, csv::Position::line);
        self.last = self.reader.position().line().max(number);
        Ok(Some(self.line(number, record)))
    }

    fn line(&self, number: u64, record: ByteRecord) -> Result<Line, Reject> {
        let bytes = record.as_slice().len();
        if bytes > MAX_LINE_BYTES {
            let last = self.last.saturating_sub(1).max(number);
            let reason = format!("longer than {MAX_LINE_BYTES} bytes, up to line {last}");
            return Err(Reject { line: number, reason, text: String::new() });
        }
        let fields = record.len();
        let text = String::from_utf8_lossy(record.as_slice()).into_owned();
        let reject = |reason: &str| Reject { line: number, reason: reason.to_owned(), text: text.clone() };
        let record = csv::StringRecord::from_byte_record(record).map_err(|_| reject("not UTF-8"))?;
        let needed = self.positions.iter().flatten().max().map_or(0, |at| at + 1);
        if fields < needed {
            return Err(reject("fewer fields than the first line names"));
        }
        if text.contains('\0') {
            return Err(reject("contains NUL"));
        }
        Ok(Line { number, record, positions: self.positions.clone() })
    }
}

fn column_name(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).into_owned();
    text.trim().trim_matches('"').to_ascii_lowercase()
}
