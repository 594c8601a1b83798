//! `lastroom import`: catalogues from files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Subcommand;
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::ground::Ground;
use super::progress::Steps;
use crate::config::Config;
use crate::db::Db;
use crate::db::embedded::Progress;
use crate::import::file::{Lines, Rejects};
use crate::import::hotel::{COLUMNS, OPTIONAL};
use crate::import::rates::{line, run as rates};
use crate::import::reading::Tally;
use crate::import::run;
use crate::kernel::ids::HotelId;
use crate::telemetry;

/// What to load.
#[derive(Subcommand)]
pub enum What {
    /// Hotels from a CSV file, plain or compressed (.csv.xz)
    ///
    /// The first line names the columns, in any order: hotel_no, source, name, address, city, country_code, lat, lon,
    /// stars, rooms, timezone; postal_code and currency may be there too. Empty stars stay unclassified, an empty point
    /// stays unknown; a line without a room count is rejected. source and hotel_no tell a hotel from others: one that is
    /// there already is left as it is, so the same file can be run again, or on after a crash.
    ///
    /// Each hotel gets up to three room types (60/30/10 % of its rooms), four rate plans, taxes, and prices by its stars,
    /// the weekday and the season; ARCHITECTURE.md has the rules. Lines that cannot be used go to the reject file with
    /// their number and the reason.
    Hotels {
        file: PathBuf,
        /// Nights on sale, from each hotel's own today; as days pass, as many are kept
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=750))]
        days: u16,
        /// Where rejected lines go [default: FILE.rejects.csv]
        #[arg(long)]
        rejects: Option<PathBuf>,
    },
    /// Nightly prices and restrictions of a hotel from a CSV file, plain or compressed (.csv.xz)
    ///
    /// The first line names the columns, in any order: room_type, rate_plan, date, and at least one of price, min_stay,
    /// max_stay, closed, closed_to_arrival, closed_to_departure. A line is one night of a rate plan and room type.
    ///
    /// room_type and rate_plan are ids, or names that only one of the hotel's has, in any case. date is YYYY-MM-DD, from the
    /// hotel's today on. price is in whole units of the hotel's currency, as in 101.50. min_stay and max_stay are 1 to 99
    /// nights. The others are true or false. An empty field leaves what is there; none clears a price (the night is not on
    /// sale) or a length of stay (as the plan has it). A derived plan takes restrictions only, for its price is computed.
    ///
    /// Lines go in by batches of 5000, each whole or not at all, beside a running server. The same file can be run again, or
    /// on after a crash. Lines that cannot be used go to the reject file with their number and the reason.
    Rates {
        file: PathBuf,
        /// The hotel's id
        #[arg(long)]
        hotel: Uuid,
        /// Where rejected lines go [default: FILE.rejects.csv]
        #[arg(long)]
        rejects: Option<PathBuf>,
    },
}

pub fn run(config: Config, what: What) -> anyhow::Result<()> {
    telemetry::init(&config);
    // Before the database is touched: a file that cannot be used changes nothing.
    match what {
        What::Hotels { file, days, rejects } => {
            let lines = Lines::open(&file, &COLUMNS, &OPTIONAL)?;
            let (desk, out) = Desk::prepare(&config, &file, rejects)?;
            desk.work(|desk| hotels(desk, lines, out, days))
        }
        What::Rates { file, hotel, rejects } => {
            let lines = Lines::open(&file, &line::COLUMNS, &line::OPTIONAL)?;
            rates::sets_something(&lines)?;
            let (desk, out) = Desk::prepare(&config, &file, rejects)?;
            desk.work(|desk| nights(desk, lines, out, HotelId(hotel)))
        }
    }
}

/// A file of rejects that is being written.
type Out = Rejects<BufWriter<File>>;

/// What a person is told of an import.
struct Told {
    lines: [String; 2],
    rejects: BTreeMap<String, u64>,
}

/// What an import stands on.
struct Desk {
    steps: Steps,
    ground: Ground,
    db: Db,
    runtime: Runtime,
    rejects: PathBuf,
    /// Bytes of the file.
    total: Option<u64>,
}

impl Desk {
    fn prepare(config: &Config, file: &Path, rejects: Option<PathBuf>) -> anyhow::Result<(Self, Out)> {
        let rejects = rejects.unwrap_or_else(|| {
            let mut name = file.to_owned().into_os_string();
            name.push(".rejects.csv");
            name.into()
        });
        anyhow::ensure!(!is_same(file, &rejects), "the reject file would overwrite the file itself");
        let total = std::fs::metadata(file).map(|file| file.len()).ok();
        let out = File::create(&rejects).context("cannot write the reject file")?;
        let out = Rejects::new(BufWriter::new(out))?;
        let steps = Steps::new();
        let ground = Ground::prepare(config, &steps)?;
        let db = ground.bulk();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok((Self { steps, ground, db, runtime, rejects, total }, out))
    }

    /// Does the work, lets go of the database, and tells of it.
    fn work(self, load: impl FnOnce(&Self) -> anyhow::Result<Told>) -> anyhow::Result<()> {
        let told = load(&self);
        let Self { steps, ground, db, runtime, rejects, .. } = self;
        drop((runtime, db));
        steps.finish();
        let released = ground.seal_and_release();
        let told = told?;
        for line in told.lines {
            println!("{line}");
        }
        for (reason, count) in &told.rejects {
            println!("rejected {count}: {reason}");
        }
        if !told.rejects.is_empty() {
            println!("see {}", rejects.display());
        }
        released
    }
}

/// Loads hotels, and says what was loaded.
fn hotels(desk: &Desk, lines: Lines, out: Out, days: u16) -> anyhow::Result<Told> {
    let line = |summary: &run::Summary| {
        let run::Summary { tally: Tally { lines, took, .. }, hotels, rows, .. } = summary;
        let seconds = took.as_secs().max(1);
        format!("{lines} lines, {hotels} hotels, {rows} rows, {} rows/s", rows / seconds)
    };
    let summary = desk.runtime.block_on(async {
        let summary = run::run(&desk.db, lines, days, out, |so_far| {
            desk.steps.say(&line(so_far));
            desk.steps.bytes(so_far.tally.bytes, desk.total);
        })
        .await?;
        if desk.ground.has_owner() {
            desk.steps.say("Refreshing the planner's statistics");
            run::analyze(&desk.db).await?;
        } else {
            tracing::info!("the planner's statistics are left to autovacuum: only the owner may refresh them");
        }
        anyhow::Ok(summary)
    })?;
    let took = format!("took {:.1} s; {} hotels were there already", summary.tally.took.as_secs_f64(), summary.known);
    Ok(Told { lines: [line(&summary), took], rejects: summary.tally.rejects })
}

/// Loads rates, and says what was loaded.
fn nights(desk: &Desk, lines: Lines, out: Out, hotel_id: HotelId) -> anyhow::Result<Told> {
    let line = |summary: &rates::Summary| {
        let rates::Summary { tally: Tally { lines, took, .. }, changed, .. } = summary;
        format!("{lines} lines, {changed} nights changed, {} lines/s", lines / took.as_secs().max(1))
    };
    let summary = desk.runtime.block_on(rates::run(&desk.db, lines, hotel_id, out, |so_far| {
        desk.steps.say(&line(so_far));
        desk.steps.bytes(so_far.tally.bytes, desk.total);
    }))?;
    let took = format!("took {:.1} s; {} nights were so already", summary.tally.took.as_secs_f64(), summary.same);
    Ok(Told { lines: [line(&summary), took], rejects: summary.tally.rejects })
}

/// Whether both paths lead to one file.
fn is_same(file: &Path, rejects: &Path) -> bool {
    matches!((file.canonicalize(), rejects.canonicalize()), (Ok(file), Ok(rejects)) if file == rejects)
}
