//! `lastroom migrate`: the schema, and nothing else.

use super::ground::Ground;
use super::progress::Steps;
use crate::config::Config;
use crate::telemetry;

pub fn run(config: Config) -> anyhow::Result<()> {
    telemetry::init(&config);
    let steps = Steps::new();
    let ground = Ground::prepare(&config, &steps)?;
    steps.finish();
    println!("The schema is up to date.");
    ground.release()
}
