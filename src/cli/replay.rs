//! `lastroom replay`: a hotel's history through the application layer.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;

use super::ground::Ground;
use super::progress::Steps;
use crate::config::Config;
use crate::replay::capacity::{self, Capacity};
use crate::replay::history::History;
use crate::replay::report::Report;
use crate::replay::run;
use crate::telemetry;

/// What the rates of a history are amounts of: its files do not say.
const CURRENCY: &str = "EUR";

/// What to replay, and how.
#[derive(Args)]
pub struct What {
    /// CSV of bookings, plain or compressed (.csv.xz)
    ///
    /// The first line names the columns, in any order: booking_no, arrival, departure, nights, adults,
    /// reserved_room_type, adr; hotel may be there too, and others are passed over.
    bookings: PathBuf,
    /// CSV of events, plain or compressed: date, event, booking_no
    ///
    /// event is CREATE, CANCEL, CHECKIN, NOSHOW or CHECKOUT. Its lines are in order: by date; within it check-outs of
    /// earlier arrivals, cancellations of earlier bookings, new bookings, cancellations of these, check-ins, no-shows,
    /// check-outs of the same day's arrivals; within these by booking_no.
    events: PathBuf,
    /// Rooms by room type, as in A=306,B=16; a type that is not named has none [default: as many of each as the history
    /// ever had on its books for one night, so that nothing is rejected]
    #[arg(long, value_name = "TYPE=ROOMS,…")]
    capacity: Option<String>,
    /// Events at a time, within one phase of a day
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=500))]
    concurrency: u16,
    /// Print one JSON document instead of a summary
    #[arg(long)]
    json: bool,
}

pub fn run(config: &Config, what: &What) -> anyhow::Result<()> {
    telemetry::init(config);
    // Before the database is touched: what cannot be replayed changes nothing.
    let capacity = what.capacity.as_deref().map(capacity::parse).transpose()?;
    let steps = Steps::new();
    steps.whisper("Reading the history");
    let history = match History::read(&what.bookings, &what.events, CURRENCY.parse()?) {
        Ok(history) => history,
        Err(error) => {
            steps.finish();
            return Err(error.into());
        }
    };
    let capacity = capacity.unwrap_or_else(|| capacity::on_the_books(&history));
    let ground = Ground::prepare(config, &steps)?;
    let done = replay(&ground, &steps, &history, &capacity, what.concurrency);
    steps.finish();
    let released = ground.seal_and_release();
    let report = done?;
    if what.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", told(&report, &history)?);
    }
    released
}

fn replay(
    ground: &Ground,
    steps: &Steps,
    history: &History,
    capacity: &Capacity,
    concurrency: u16,
) -> anyhow::Result<Report> {
    let db = ground.hasty(u32::from(concurrency));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let currency = CURRENCY.parse()?;
    let concurrency = usize::from(concurrency);
    let month = std::cell::Cell::new(None);
    let watch = |progress: &run::Progress<'_>| {
        let now = progress.day.format("%Y-%m").to_string();
        if month.replace(Some(now.clone())).as_ref() != Some(&now) {
            let Report { accepted, rejected_full, rejected_invalid, .. } = progress.report;
            let rejected = rejected_full + rejected_invalid;
            steps.say(&format!("{now}: {accepted} accepted, {rejected} rejected so far"));
        }
        steps.count(progress.done, progress.events);
    };
    Ok(runtime.block_on(run::run(&db, history, capacity, currency, concurrency, watch))?)
}

/// The report as a person reads it.
fn told(report: &Report, history: &History) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let events: u64 = report.events.values().sum();
    let span = history.span().map_or_else(String::new, |(from, to)| format!(" from {from} to {to}"));
    writeln!(text, "{}: {} bookings, {events} events{span}", report.hotel, report.rows)?;
    writeln!(text, "replayed as hotel {}", report.hotel_id)?;
    writeln!(text, "{:<12} {:>8} {:>10} {:>10} {:>14}", "room type", "rooms", "accepted", "rejected", "busiest night")?;
    let names = report.capacity.keys().chain(report.rejected_by_type.keys());
    for name in names.collect::<std::collections::BTreeSet<_>>() {
        let rooms = report.capacity.get(name).copied().unwrap_or_default();
        let accepted = report.accepted_by_type.get(name).copied().unwrap_or_default();
        let rejected = report.rejected_by_type.get(name).copied().unwrap_or_default();
        let most = report.final_max_occupancy_by_type.get(name).copied().unwrap_or_default();
        writeln!(text, "{name:<12} {rooms:>8} {accepted:>10} {rejected:>10} {most:>14}")?;
    }
    let Report { accepted, rejected_full, rejected_invalid, accepted_then_cancelled, .. } = report;
    writeln!(text, "accepted {accepted}, of these cancelled later {accepted_then_cancelled}")?;
    writeln!(text, "rejected {rejected_full} for want of rooms, {rejected_invalid} as invalid")?;
    let Report { room_nights_accepted, room_nights_finally_sold, .. } = report;
    writeln!(text, "room nights {room_nights_accepted} accepted, {room_nights_finally_sold} sold in the end")?;
    writeln!(text, "accepted booking numbers, sha256 {}", report.sha256_accepted_booking_nos_newline_joined)?;
    let Report { seconds, bookings_per_second, concurrency, .. } = report;
    writeln!(text, "took {seconds:.1} s, {bookings_per_second:.0} bookings/s, {concurrency} at a time")?;
    Ok(text)
}
