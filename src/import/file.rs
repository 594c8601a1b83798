//! Files of lines: CSV, plain or xz-compressed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
    #[error("the first line names no column to set: one of {}", wanted.join(", "))]
    NothingToSet { wanted: Vec<&'static str> },
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

/// Where rejects are written as they are found, and how many they are.
pub struct Rejects<W> {
    out: W,
    by_reason: BTreeMap<String, u64>,
}

impl<W: Write> Rejects<W> {
    /// Begins a file.
    pub fn new(mut out: W) -> io::Result<Self> {
        writeln!(out, "line,reason,text")?;
        Ok(Self { out, by_reason: BTreeMap::new() })
    }

    pub fn write(&mut self, reject: &Reject) -> io::Result<()> {
        let mut row = csv::Writer::from_writer(Vec::new());
        row.write_record([&reject.line.to_string(), &reject.reason, &reject.text])?;
        self.out.write_all(&row.into_inner().map_err(|error| io::Error::other(error.to_string()))?)?;
        *self.by_reason.entry(reject.reason.clone()).or_default() += 1;
        Ok(())
    }

    /// What was written is in the file then.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    #[must_use]
    pub fn by_reason(&self) -> &BTreeMap<String, u64> {
        &self.by_reason
    }
}

/// The named fields of one line.
#[derive(Debug)]
pub struct Line {
    pub number: u64,
    /// Where it ends, which is further down if quotes keep line breaks.
    last: u64,
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
        rejected(self.number, self.last, reason.into(), self.record.as_byte_record())
    }
}

/// The lines of a file.
pub struct Lines {
    reader: csv::Reader<Box<dyn Read>>,
    positions: Vec<Option<usize>>,
    /// Fields of the first line.
    width: usize,
    last: u64,
    consumed: Arc<AtomicU64>,
}

/// A file that counts what is read of it.
struct Counted {
    file: File,
    consumed: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.file.read(buffer)?;
        self.consumed.fetch_add(u64::try_from(bytes).unwrap_or_default(), Ordering::Relaxed);
        Ok(bytes)
    }
}

impl Lines {
    /// Opens the file and finds the columns: those of `wanted` must be there, those of `optional` may be. A byte order
    /// mark and Windows line ends are taken as they come.
    pub fn open(path: &Path, wanted: &[&'static str], optional: &[&'static str]) -> Result<Self, FileError> {
        let failed = |source| FileError::Open { path: path.to_owned(), source };
        let consumed = Arc::new(AtomicU64::new(0));
        let file = File::open(path).map_err(failed)?;
        let file = BufReader::new(Counted { file, consumed: consumed.clone() });
        let plain: Box<dyn Read> = match path.extension() {
            Some(extension) if extension == "xz" => Box::new(UnixLines(XzDecoder::new_multi_decoder(file))),
            _ => Box::new(UnixLines(file)),
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
        Ok(Self { reader, positions, width: names.len(), last: 1, consumed })
    }

    /// Whether the file has the column, of those that may be there.
    #[must_use]
    pub fn has(&self, column: usize) -> bool {
        self.positions.get(column).is_some_and(Option::is_some)
    }

    /// Bytes read of the file so far, as it is on disk.
    #[must_use]
    pub fn consumed(&self) -> u64 {
        self.consumed.load(Ordering::Relaxed)
    }

    /// The next line, or why it is none; `None` at the end.
    pub fn read(&mut self) -> Result<Option<Result<Line, Reject>>, FileError> {
        let mut record = ByteRecord::new();
        let more = self.reader.read_byte_record(&mut record);
        let more = more.map_err(|error| FileError::Broken { line: self.last, source: error.into() })?;
        if !more {
            return Ok(None);
        }
        let after = self.reader.position().line();
        let breaks = u64::try_from(count(record.as_slice(), b'\n')).unwrap_or_default();
        // The reader's own position of a record lies before the blank lines that it passed over.
        let started = record.position().map_or(self.last, csv::Position::line);
        let number = started.max(after.saturating_sub(1).saturating_sub(breaks));
        self.last = after;
        Ok(Some(self.line(number, number + breaks, record)))
    }

    fn line(&self, number: u64, last: u64, record: ByteRecord) -> Result<Line, Reject> {
        let reject = |reason: &str| rejected(number, last, reason.to_owned(), &record);
        if record.as_slice().len() > MAX_LINE_BYTES {
            return Err(rejected(number, last, format!("longer than {MAX_LINE_BYTES} bytes"), &ByteRecord::new()));
        }
        if record.iter().any(|field| field.contains(&0)) {
            return Err(reject("contains NUL"));
        }
        if record.iter().any(has_open_quote) {
            return Err(reject("a quotation mark is never closed"));
        }
        match record.len() {
            fields if fields < self.width => Err(reject("fewer fields than the first line names")),
            fields if fields > self.width => Err(reject("more fields than the first line names")),
            _ => match csv::StringRecord::from_byte_record(record.clone()) {
                Ok(record) => Ok(Line { number, last, record, positions: self.positions.clone() }),
                Err(_) => Err(reject("not UTF-8")),
            },
        }
    }
}

/// A reject that names all the lines it takes with it.
fn rejected(line: u64, last: u64, mut reason: String, record: &ByteRecord) -> Reject {
    if last > line {
        reason = format!("{reason}; reaches to line {last}");
    }
    let fields: Vec<_> = record.iter().map(String::from_utf8_lossy).collect();
    Reject { line, reason, text: fields.join(",") }
}

/// A quote that was left open swallows the lines below it up to the next quote, which then stands there without its
/// partner. Such a field would otherwise pass for one long name, and the hotels in it would be lost without a word.
fn has_open_quote(field: &[u8]) -> bool {
    count(field, b'"') % 2 == 1 && field.contains(&b'\n')
}

/// How often a byte occurs.
fn count(bytes: &[u8], byte: u8) -> usize {
    bytes.split(|other| *other == byte).skip(1).count()
}

/// Leaves out carriage returns: lines end one way, and are counted right.
struct UnixLines<R>(R);

impl<R: Read> Read for UnixLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.0.read(buffer)?;
            let mut kept = 0;
            for at in 0..read {
                if let Some(&byte) = buffer.get(at).filter(|byte| **byte != b'\r')
                    && let Some(place) = buffer.get_mut(kept)
                {
                    *place = byte;
                    kept += 1;
                }
            }
            if kept > 0 || read == 0 {
                return Ok(kept);
            }
        }
    }
}

fn column_name(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).into_owned();
    text.trim().trim_matches('"').to_ascii_lowercase()
}
