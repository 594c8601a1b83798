//! The import of a hotel file: read, judge, copy by batches, tell.

use std::collections::HashSet;
use std::io::Write;

use super::file::{FileError, Line, Lines, Reject, Rejects};
use super::hotel::HotelLine;
use super::reading::{Reading, Tally};
use super::store;
use crate::db::{self, Db, DbError};
use crate::kernel::ids::HotelId;

/// Hotels of one transaction.
const BATCH: usize = 200;

/// What has been done so far, or in all.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    pub tally: Tally,
    /// Hotels added.
    pub hotels: u64,
    /// Hotels that were there before, or twice in the file.
    pub known: u64,
    /// Rows of all tables.
    pub rows: u64,
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
    lines: Lines,
    days: u16,
    rejects: Rejects<impl Write>,
    watch: impl Fn(&Summary),
) -> Result<Summary, ImportError> {
    let mut reading = Reading::new(lines, rejects);
    let mut summary = Summary::default();
    let mut seen = HashSet::new();
    loop {
        let mut batch = Vec::with_capacity(BATCH);
        let ended = reading.fill(&mut batch, BATCH, |line| judge(&line, &mut seen));
        // What was read before the file broke off is kept.
        if !batch.is_empty() {
            let (hotels, rows) = commit(db, batch.clone(), days).await?;
            summary.hotels += hotels;
            summary.rows += rows;
            summary.known += u64::try_from(batch.len()).unwrap_or_default() - hotels;
        }
        summary.tally = reading.tally()?;
        watch(&summary);
        if ended? {
            return Ok(summary);
        }
    }
}

/// A hotel that no earlier line has.
fn judge(line: &Line, seen: &mut HashSet<String>) -> Result<HotelLine, Reject> {
    let hotel = HotelLine::read(line)?;
    if seen.insert(hotel.external_key.clone()) {
        return Ok(hotel);
    }
    let reason = "source and hotel_no stand on an earlier line too".to_owned();
    Err(Reject { line: hotel.line, reason, text: hotel.external_key })
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
