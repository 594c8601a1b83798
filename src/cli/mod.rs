//! The command line: one file a command.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks to the terminal it was typed in")]

mod ground;
mod import;
mod migrate;
mod openapi;
mod progress;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app::CannotListen;
use crate::config::{Config, ConfigError, Given};
use crate::db::embedded::EmbeddedError;
use crate::import::file::FileError;

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
    /// Load a catalogue from a file
    Import {
        #[command(subcommand)]
        what: import::What,
    },
    /// Print the API's description, OpenAPI 3.1 in YAML
    Openapi,
}

/// A wrong setting or an unusable machine: nothing was tried.
const CANNOT_START: u8 = 2;
const FAILED: u8 = 1;

/// Runs the command; the exit code says how it ended: 2 where it could not start.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let done = match cli.command.unwrap_or(Command::Serve) {
        Command::Openapi => openapi::run(),
        Command::Serve => Config::load(cli.given).map_err(Into::into).and_then(serve::run),
        Command::Import { what } => {
            Config::load(cli.given).map_err(Into::into).and_then(|config| import::run(config, what))
        }
        Command::Migrate => Config::load(cli.given).map_err(Into::into).and_then(migrate::run),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let cannot_start = error.is::<ConfigError>()
                || error.is::<CannotListen>()
                || error.is::<EmbeddedError>()
                || error.is::<FileError>();
            eprintln!("lastroom: {error:#}");
            ExitCode::from(if cannot_start { CANNOT_START } else { FAILED })
        }
    }
}
