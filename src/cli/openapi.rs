//! `lastroom openapi`: the API's description.

use crate::app;

pub fn run() -> anyhow::Result<()> {
    print!("{}", app::description().to_yaml()?);
    Ok(())
}
