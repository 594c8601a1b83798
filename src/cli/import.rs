//! `lastroom import`: catalogues from files.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::Subcommand;
use secrecy::ExposeSecret;

use super::ground::Ground;
use super::progress::Steps;
use crate::config::Config;
use crate::db::embedded::Progress;
use crate::db::{Db, PoolSettings};
use crate::import::file::Lines;
use crate::import::hotel::{COLUMNS, OPTIONAL};
use crate::import::run::{self, Summary};
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
}

pub fn run(config: Config, what: What) -> anyhow::Result<()> {
    telemetry::init(&config);
    let What::Hotels { file, days, rejects } = what;
    // Before the database is touched: a file that cannot be used changes nothing.
    let lines = Lines::open(&file, &COLUMNS, &OPTIONAL)?;
    let rejects = rejects.unwrap_or_else(|| {
        let mut name = file.clone().into_os_string();
        name.push(".rejects.csv");
        name.into()
    });
    anyhow::ensure!(!is_same(&file, &rejects), "the reject file would overwrite the file itself");
    let total = std::fs::metadata(&file).map(|file| file.len()).ok();
    let mut out = BufWriter::new(File::create(&rejects).context("cannot write the reject file")?);
    writeln!(out, "line,reason,text")?;
    let steps = Steps::new();
    let ground = Ground::prepare(&config, &steps)?;
    let db = Db::new(&PoolSettings {
        url: ground.url.expose_secret().to_owned(),
        size: 1,
        wait: Duration::from_secs(10),
        patience: Duration::from_secs(3_600),
        lock_timeout: Duration::from_secs(60),
        statement_timeout: Duration::from_secs(300),
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let imported = runtime.block_on(async {
        let summary = run::run(&db, lines, days, out, |so_far| {
            steps.say(&line(so_far));
            steps.bytes(so_far.bytes, total);
        })
        .await?;
        steps.say("Refreshing the planner's statistics");
        run::analyze(&db).await?;
        anyhow::Ok(summary)
    });
    drop((runtime, db));
    steps.finish();
    let released = ground.release();
    tell(&imported?, &rejects);
    released
}

/// Whether both paths lead to one file.
fn is_same(file: &Path, rejects: &Path) -> bool {
    matches!((file.canonicalize(), rejects.canonicalize()), (Ok(file), Ok(rejects)) if file == rejects)
}

fn line(summary: &Summary) -> String {
    let seconds = summary.took.as_secs().max(1);
    format!(
        "{} lines, {} hotels, {} rows, {} rows/s",
        summary.lines,
        summary.hotels,
        summary.rows,
        summary.rows / seconds
    )
}

fn tell(summary: &Summary, rejects: &Path) {
    println!("{}", line(summary));
    println!("took {:.1} s; {} hotels were there already", summary.took.as_secs_f64(), summary.known);
    for (reason, count) in &summary.rejects {
        println!("rejected {count}: {reason}");
    }
    if !summary.rejects.is_empty() {
        println!("see {}", rejects.display());
    }
}
