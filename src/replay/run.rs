//! The replay itself: day by day, and within a day phase by phase.

use std::time::Instant;

use chrono::NaiveDate;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::capacity::Capacity;
use super::history::{Event, History};
use super::hotel::House;
use super::report::Report;
use super::step::{Outcome, step};
use super::store;
use crate::audit::{self, Action, Actor, Resource, Subject};
use crate::db::{Db, DbError, Tx, tx};
use crate::kernel::ids::BookingId;
use crate::kernel::money::Currency;

/// How far a replay is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'r> {
    /// The business day that was begun last.
    pub day: NaiveDate,
    /// Events done.
    pub done: usize,
    /// Events in all.
    pub events: usize,
    pub report: &'r Report,
}

/// Replays the history on a fresh hotel, with up to `concurrency` events of one phase at a time; `watch` is told after
/// each phase.
///
/// A phase ends before the next begins, so a room that is given back in one can be had in the next, as in the history.
/// Among the events of one phase, one at a time, the booking number decides; several at a time, who is first.
pub async fn run(
    db: &Db,
    history: &History,
    capacity: &Capacity,
    currency: Currency,
    concurrency: usize,
    watch: impl Fn(&Progress<'_>),
) -> Result<Report, DbError> {
    let house = &House::open(db, history, capacity, currency).await?;
    let mut report = Report::new(house.hotel_id, history, capacity, concurrency);
    let mut accepted: Vec<Option<BookingId>> = vec![None; history.bookings.len()];
    let (started, mut done) = (Instant::now(), 0);
    for phase in history.events.chunk_by(|one, next| (one.date, one.phase) == (next.date, next.phase)) {
        let steps: Vec<_> = phase
            .iter()
            .filter_map(|event| Some((*event, history.bookings.get(event.booking)?, *accepted.get(event.booking)?)))
            .map(|(event, asked, booking)| async move {
                Ok::<_, DbError>((event, asked, step(db, house, asked, event, booking).await?))
            })
            .collect();
        let mut steps = stream::iter(steps).buffer_unordered(concurrency);
        while let Some((event, asked, outcome)) = steps.try_next().await? {
            if let (Outcome::Accepted(booking_id), Some(kept)) = (outcome, accepted.get_mut(event.booking)) {
                *kept = Some(booking_id);
            }
            let room_type = history.room_types.get(asked.room_type).map_or("", String::as_str);
            report.count(room_type, asked, event, outcome);
            done += 1;
        }
        if let Some(Event { date: day, .. }) = phase.first().copied() {
            watch(&Progress { day, done, events: history.events.len(), report: &report });
        }
    }
    report.take_time(started.elapsed());
    let hotel_id = house.hotel_id;
    report.close(&db.read(move |conn| store::sold(conn, hotel_id)).await?);
    let done = report.clone();
    db.write(move |tx| write_down(tx, &done)).await?;
    Ok(report)
}

/// The audit log keeps what the replay came to. With this entry everything before it is on disk.
fn write_down(tx: &mut Tx<'_>, report: &Report) -> Result<(), DbError> {
    tx::make_durable(tx)?;
    let subject =
        Subject { hotel_id: report.hotel_id, resource: Resource::Hotel, resource_id: Some(report.hotel_id.0) };
    audit::record(tx, Actor::Operator, Action::Imported, subject, None, Some(report))
}
