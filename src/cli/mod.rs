//! The command line: one file a command.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks to the terminal it was typed in")]

mod db;
mod ground;
mod import;
mod keys;
mod migrate;
mod openapi;
mod progress;
mod race;
mod replay;
mod serve;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app::CannotListen;
use crate::config::{Config, ConfigError, Given};
use crate::db::embedded::EmbeddedError;
use crate::import::file::FileError;
use crate::replay::input::BadInput;

/// Hotel booking that never sells the last room twice.
#[derive(Parser)]
#[command(name = "lastroom", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    given: Given,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API (the default)
    Serve,
    /// Bring the database's schema up to date, then end
    Migrate,
    /// Prepare a database
    Db {
        #[command(subcommand)]
        what: db::What,
    },
    /// Load a catalogue from a file
    Import {
        #[command(subcommand)]
        what: import::What,
    },
    /// The keys that sign access tokens
    Keys {
        #[command(subcommand)]
        what: keys::What,
    },
    /// Run a hotel's booking history through the application layer, on a fresh hotel
    ///
    /// One room a booking, of its reserved room type, paid at the property at its average rate; accepted if every night
    /// has a room left, rejected as a whole otherwise, or if it has fewer than one night or one adult. Days are those of
    /// the history; instants are the database's. Exit code 2: the files cannot be replayed, and nothing was changed.
    Replay(replay::What),
    /// Recompute every invariant from the rows; changes nothing, and may run beside a server
    ///
    /// Prints a line an invariant: its name, how many rows were examined, and how many do not hold to it, with the
    /// first 20 of those by id. Exit code 0: every invariant holds. 1: one does not. 2: it could not run.
    Verify(verify::Form),
    /// Let many guests ask for the last rooms at the same instant, and look whether anything was sold twice or lost
    ///
    /// By the HTTP API alone, against a server made for the race, or one that runs (--url). Makes a hotel with so many
    /// rooms left and an account for each guest; each round has nights of its own. Exit code 0: nothing was oversold or
    /// lost, and no answer was a 5xx. 1: something was. 2: it could not race.
    Race(race::Race),
    /// Print the API's description, OpenAPI 3.1 in YAML
    Openapi,
}

/// A wrong setting or an unusable machine: nothing was tried.
const CANNOT_START: u8 = 2;
const FAILED: u8 = 1;

/// Runs the command; the exit code says how it ended: 2 where it could not start, or could not verify.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let done = match cli.command.unwrap_or(Command::Serve) {
        Command::Openapi => openapi::run(),
        Command::Serve => Config::load(cli.given).map_err(Into::into).and_then(serve::run),
        Command::Import { what } => {
            Config::load(cli.given).map_err(Into::into).and_then(|config| import::run(config, what))
        }
        Command::Keys { what } => {
            Config::load(cli.given).map_err(Into::into).and_then(|config| keys::run(config, &what))
        }
        Command::Db { what } => Config::load(cli.given).map_err(Into::into).and_then(|config| db::run(&config, &what)),
        Command::Migrate => Config::load(cli.given).map_err(Into::into).and_then(migrate::run),
        Command::Race(of) => {
            return match race::run(&cli.given, of) {
                Ok(true) => ExitCode::SUCCESS,
                Ok(false) => ExitCode::from(FAILED),
                Err(error) => {
                    let code = if error.is_a_failure() { FAILED } else { CANNOT_START };
                    failed(&error.into(), code)
                }
            };
        }
        Command::Replay(what) => {
            Config::load(cli.given).map_err(Into::into).and_then(|config| replay::run(&config, &what))
        }
        Command::Verify(form) => {
            // 1 is for a breach alone: whoever asks must be able to tell it from "nobody looked".
            return match Config::load(cli.given).map_err(Into::into).and_then(|config| verify::run(&config, &form)) {
                Ok(true) => ExitCode::SUCCESS,
                Ok(false) => ExitCode::from(FAILED),
                Err(error) => failed(&error, CANNOT_START),
            };
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let cannot_start = error.is::<ConfigError>()
                || error.is::<CannotListen>()
                || error.is::<EmbeddedError>()
                || error.is::<FileError>()
                || error.is::<BadInput>();
            failed(&error, if cannot_start { CANNOT_START } else { FAILED })
        }
    }
}

fn failed(error: &anyhow::Error, code: u8) -> ExitCode {
    eprintln!("lastroom: {error:#}");
    ExitCode::from(code)
}
