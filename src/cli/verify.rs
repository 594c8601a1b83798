//! `lastroom verify`: every invariant, recomputed from the rows.

use std::io::{self, Write};

use clap::Args;
use diesel::PgConnection;
use serde_json::json;

use super::ground::with_found;
use super::progress::Steps;
use crate::config::Config;
use crate::db::migrate;
use crate::telemetry;
use crate::verify::{self, Line, Report};

/// How the result is printed.
#[derive(Args)]
pub struct Form {
    /// Print one JSON document instead of a table
    #[arg(long)]
    json: bool,
}

/// Examines the database; whether every invariant holds.
pub fn run(config: &Config, form: &Form) -> anyhow::Result<bool> {
    telemetry::init(config);
    with_found(config, Steps::new(), |conn| {
        anyhow::ensure!(migrate::is_current(conn)?, "the schema is not up to date: run lastroom migrate first");
        let mut out = io::stdout().lock();
        let report = if form.json { document(conn, &mut out)? } else { table(conn, &mut out)? };
        Ok(report.is_clean())
    })
}

fn document(conn: &mut PgConnection, out: &mut impl Write) -> anyhow::Result<Report> {
    let report = verify::examine(conn)?;
    serde_json::to_writer_pretty(&mut *out, &json!({ "is_clean": report.is_clean(), "invariants": report.lines }))?;
    writeln!(out)?;
    Ok(report)
}

/// A line an invariant as it is examined, what breaks it below, and a last line that sums up.
fn table(conn: &mut PgConnection, out: &mut impl Write) -> anyhow::Result<Report> {
    let width = verify::checks().map(|check| check.name.len()).max().unwrap_or_default();
    writeln!(out, "{:width$} {:>12} {:>12}", "invariant", "rows", "breaches")?;
    let mut printed = Ok(());
    let report = verify::watch(conn, |line| {
        if printed.is_ok() {
            printed = print(out, line, width);
        }
    })?;
    printed?;
    let (all, broken) = (report.lines.len(), report.lines.iter().filter(|line| line.breaches > 0).count());
    match broken {
        0 => writeln!(out, "All {all} invariants hold.")?,
        _ => writeln!(out, "{broken} of {all} invariants are broken.")?,
    }
    Ok(report)
}

fn print(out: &mut impl Write, line: &Line, width: usize) -> io::Result<()> {
    writeln!(out, "{:width$} {:>12} {:>12}", line.name, line.rows, line.breaches)?;
    if line.breaches > 0 {
        writeln!(out, "    {}", line.says)?;
    }
    for id in &line.ids {
        writeln!(out, "    {id}")?;
    }
    let unnamed = line.breaches - i64::try_from(line.ids.len()).unwrap_or(i64::MAX);
    if unnamed > 0 {
        writeln!(out, "    and {unnamed} more")?;
    }
    out.flush()
}
