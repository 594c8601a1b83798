//! `lastroom keys`: the keys that sign access tokens.

use std::time::Duration;

use chrono::SecondsFormat;
use secrecy::ExposeSecret;

use super::ground::Ground;
use super::progress::Steps;
use crate::access::keys::{self, Before, CACHED_S, Generation};
use crate::config::Config;
use crate::db::{Db, PoolSettings};
use crate::kernel::clock::Instant;
use crate::telemetry;

#[derive(clap::Subcommand)]
pub enum What {
    /// Print which keys are good now
    List,
    /// Add a key that signs from some time on; the one before is good until the tokens that it signed have ended
    ///
    /// Servers need not be told, and no request is refused because of it.
    Rotate {
        /// Seconds until it signs: 60 at least, for so long others may keep the public keys before they read them again
        #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(i32).range(i64::from(CACHED_S)..=86_400))]
        lead_s: i32,
        /// A key is in wrong hands: our servers refuse from this moment on what was signed before. Clients refresh their
        /// tokens. Others who verify them may believe the key until they read the public keys again
        #[arg(long, conflicts_with = "lead_s")]
        leaked: bool,
    },
}

pub fn run(config: Config, what: &What) -> anyhow::Result<()> {
    telemetry::init(&config);
    let steps = Steps::new();
    let ground = Ground::prepare(&config, &steps)?;
    let db = Db::new(&PoolSettings {
        url: ground.url.expose_secret().to_owned(),
        size: 1,
        wait: Duration::from_secs(10),
        patience: Duration::from_secs(60),
        lock_timeout: Duration::from_secs(10),
        statement_timeout: Duration::from_secs(30),
        durable: true,
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let good = runtime.block_on(async {
        match *what {
            What::List => db.read(keys::store::good).await.map_err(Into::into),
            What::Rotate { leaked: true, .. } => keys::rotate(&db, 0, Before::Stop).await,
            What::Rotate { lead_s, .. } => keys::rotate(&db, lead_s, Before::Fade).await,
        }
    });
    drop((runtime, db));
    steps.finish();
    ground.seal_and_release()?;
    for key in good? {
        println!("{}", line(&key));
    }
    Ok(())
}

fn line(key: &Generation) -> String {
    let told = |at: &Instant| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let until = key.retires_at.map_or_else(|| "no end".to_owned(), |until| format!("until {}", told(&until)));
    format!("key {}: signs from {}, {until}", key.generation, told(&key.signs_from))
}
