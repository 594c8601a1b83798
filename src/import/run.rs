//! The import of a hotel file: read, judge, copy by batches, tell.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::time::{Duration, Instant};

use super::file::{FileError, Line, Lines, Reject, Rejects};
use super::hotel::HotelLine;
use super::store;
use crate::db::{self, Db, DbError};
use crate::kernel::ids::HotelId;

/// Hotels of one transaction.
const BATCH: usize = 200;

/// What has been done so far, or in all.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Lines read, the header not counted.
    pub lines: u64,
    /// Hotels added.
    pub hotels: u64,
    /// Hotels that were there before, or twice in the file.
    pub known: u64,
    /// Rows of all tables.
    pub rows: u64,
    /// Bytes read of the file.
    pub bytes: u64,
    /// Lines not used, by reason.
    pub rejects: BTreeMap<String, u64>,
    pub took: Duration,
}

/// Why an import ended early. What was committed stays; running it again goes on.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("cannot write the reject file: {0}")]
    Rejects(#[from] std::io::Error),
    #[error("there is no hotel {0}")]
    NoHotel(HotelId),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Imports the file's hotels with `days` nights each; `watch` is told after each batch.
pub async fn run(
    db: &Db,
    mut lines: Lines,
    days: u16,
    mut rejects: Rejects<impl Write>,
    watch: impl Fn(&Summary),
) -> Result<Summary, ImportError> {
    let started = Instant::now();
    let mut summary = Summary::default();
    let mut seen = HashSet::new();
    loop {
        let mut batch = Vec::with_capacity(BATCH);
        let ended = fill(&mut lines, &mut batch, &mut seen, &mut summary, &mut rejects);
        // What was read before the file broke off is kept.
        if !batch.is_empty() {
            let (hotels, rows) = commit(db, batch.clone(), days).await?;
            summary.hotels += hotels;
            summary.rows += rows;
            summary.known += u64::try_from(batch.len()).unwrap_or_default() - hotels;
        }
        rejects.flush()?;
        summary.rejects.clone_from(rejects.by_reason());
        summary.took = started.elapsed();
        summary.bytes = lines.consumed();
        watch(&summary);
        if ended? {
            return Ok(summary);
        }
    }
}

/// Reads up to a batch; true at the end of the file.
fn fill(
    lines: &mut Lines,
    batch: &mut Vec<HotelLine>,
    seen: &mut HashSet<String>,
    summary: &mut Summary,
    rejects: &mut Rejects<impl Write>,
) -> Result<bool, ImportError> {
    while batch.len() < BATCH {
        let Some(line) = lines.read()? else {
            return Ok(true);
        };
        summary.lines += 1;
        match line.and_then(|line: Line| HotelLine::read(&line)) {
            Ok(hotel) if seen.insert(hotel.external_key.clone()) => batch.push(hotel),
            Ok(hotel) => {
                let text = hotel.external_key.clone();
                let reason = "source and hotel_no stand on an earlier line too".to_owned();
                rejects.write(&Reject { line: hotel.line, reason, text })?;
            }
            Err(reject) => rejects.write(&reject)?,
        }
    }
    Ok(false)
}

/// One transaction: the hotels that are not there yet, whole. How many hotels and rows.
async fn commit(db: &Db, batch: Vec<HotelLine>, days: u16) -> Result<(u64, u64), DbError> {
    db.write(move |tx| {
        store::begin(tx)?;
        let now = db::now(tx)?;
        let keys: Vec<_> = batch.iter().map(|hotel| hotel.external_key.as_str()).collect();
        let known = store::known(tx, &keys)?;
        let fresh: Vec<_> = batch.iter().filter(|hotel| !known.contains(&hotel.external_key)).collect();
        let rows = store::copy(tx, &fresh, days, now)?;
        store::write_down(tx, &fresh)?;
        Ok((u64::try_from(fresh.len()).unwrap_or_default(), rows))
    })
    .await
}

/// Refreshes the planner's statistics after so many new rows.
pub async fn analyze(db: &Db) -> Result<(), DbError> {
    db.write(store::analyze).await
}
