//! Parses the command line and hands over.

use std::process::ExitCode;

use clap::Parser;
use lastroom::cli::Cli;

fn main() -> ExitCode {
    lastroom::cli::run(Cli::parse())
}
