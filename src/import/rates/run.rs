//! The import of a rate file: read, judge, write by batches, tell.

use std::collections::HashSet;
use std::io::Write;

use chrono::NaiveDate;
use serde::Serialize;

use super::line::{self, CONTRADICTORY, Hotel, OPTIONAL};
use super::store;
use crate::access::guard::Scope;
use crate::ari::bulk::Done;
use crate::ari::patience;
use crate::ari::rates::change;
use crate::ari::rates::store::{self as rates, RateStrip};
use crate::audit::{self, Action, Actor, Resource, Subject};
use crate::db::{Db, Tx};
use crate::hotels::staff::{KeptHotel, Refusal};
use crate::import::file::{FileError, Line, Lines, Reject, Rejects};
use crate::import::reading::{Reading, Tally};
use crate::import::run::ImportError;
use crate::kernel::ids::{HotelId, RatePlanId, RoomTypeId};

/// Lines of one transaction.
const BATCH: usize = 5_000;

/// What has been done so far, or in all.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    pub tally: Tally,
    /// Nights that are another now.
    pub changed: i64,
    /// Nights that were so already.
    pub same: i64,
}

/// What the audit log keeps of a batch.
#[derive(Serialize)]
struct Imported {
    nights: i64,
    changed: i64,
    created: i64,
    first_night: Option<NaiveDate>,
    last_night: Option<NaiveDate>,
}

/// A line that was read well.
#[derive(Debug)]
struct Good {
    line: Line,
    strip: RateStrip,
}

type Key = (RatePlanId, RoomTypeId, NaiveDate);

/// Refuses a file without anything to set.
pub fn sets_something(lines: &Lines) -> Result<(), FileError> {
    let optional = line::COLUMNS.len()..line::COLUMNS.len() + OPTIONAL.len();
    if optional.into_iter().any(|column| lines.has(column)) {
        Ok(())
    } else {
        Err(FileError::NothingToSet { wanted: OPTIONAL.to_vec() })
    }
}

/// Imports the file's rates into a hotel; `watch` is told after each batch.
pub async fn run(
    db: &Db,
    lines: Lines,
    hotel_id: HotelId,
    rejects: Rejects<impl Write>,
    watch: impl Fn(&Summary),
) -> Result<Summary, ImportError> {
    let mut reading = Reading::new(lines, rejects);
    let hotel = db.read(move |conn| store::hotel(conn, hotel_id)).await?.ok_or(ImportError::NoHotel(hotel_id))?;
    let mut summary = Summary::default();
    let mut seen = HashSet::new();
    loop {
        let mut batch = Vec::with_capacity(BATCH);
        let ended = reading.fill(&mut batch, BATCH, |line| judge(line, &hotel, &mut seen));
        // What was read before the file broke off is kept.
        if !batch.is_empty() {
            let (done, contradictory) = commit(db, hotel_id, batch.iter().map(|good| good.strip).collect()).await?;
            for good in contradictory.iter().filter_map(|at| batch.get(*at)) {
                reading.reject(&good.line.reject(CONTRADICTORY))?;
            }
            summary.changed += done.changed;
            summary.same += done.nights - done.changed;
        }
        summary.tally = reading.tally()?;
        watch(&summary);
        if ended? {
            return Ok(summary);
        }
    }
}

/// A night that no earlier line has.
fn judge(line: Line, hotel: &Hotel, seen: &mut HashSet<Key>) -> Result<Good, Reject> {
    let strip = line::read(&line, hotel)?;
    if seen.insert((strip.rate_plan_id, strip.room_type_id, strip.span.from)) {
        Ok(Good { line, strip })
    } else {
        Err(line.reject("the same night stands on an earlier line too"))
    }
}

/// One transaction: the lines that do not contradict what is stored. What was done, and which lines do.
async fn commit(db: &Db, hotel_id: HotelId, batch: Vec<RateStrip>) -> Result<(Done, Vec<usize>), ImportError> {
    let committed: Result<_, Refusal> = db.write(move |tx| write(tx, hotel_id, &batch)).await;
    committed.map_err(|refusal| match refusal {
        Refusal::Db(error) => ImportError::Db(error),
        // Staff deleted it meanwhile.
        _ => ImportError::NoHotel(hotel_id),
    })
}

/// Locks: keeps the hotel; the rates in order, as `PATCH …/rates` does.
fn write(tx: &mut Tx<'_>, hotel_id: HotelId, batch: &[RateStrip]) -> Result<(Done, Vec<usize>), Refusal> {
    patience(tx)?;
    let hotel = KeptHotel::lock(tx, Scope::Everywhere, hotel_id)?;
    rates::lock(tx, &hotel, batch)?;
    let contradictory: Vec<_> = rates::contradictory(tx, &hotel, batch)?.into_iter().map(|(at, _)| at).collect();
    let fine: Vec<_> =
        batch.iter().enumerate().filter_map(|(at, strip)| (!contradictory.contains(&at)).then_some(*strip)).collect();
    let done = change::write(tx, &hotel, &fine)?;
    if done.changed > 0 {
        let Done { nights, changed, created } = done;
        let first_night = fine.iter().map(|strip| strip.span.from).min();
        let last_night = fine.iter().map(|strip| strip.span.from).max();
        let subject = Subject { hotel_id, resource: Resource::Rates, resource_id: None };
        let after = Imported { nights, changed, created, first_night, last_night };
        audit::record(tx, Actor::Operator, Action::Imported, subject, None, Some(&after))?;
    }
    Ok((done, contradictory))
}
