//! `lastroom race`: many guests at once, and a verdict.

use clap::Args;
use secrecy::SecretString;

use super::progress::Steps;
use crate::config::Given;
use crate::race::{self, Plan, RaceError, Target};

/// The race.
#[derive(Args)]
pub struct Race {
    /// Guests who ask at the same instant, 1 to 1000
    #[arg(long, default_value_t = 100)]
    clients: usize,
    /// Rooms left, 1 to 1000
    #[arg(long, default_value_t = 1)]
    rooms: usize,
    /// How often, each time for other nights, 1 to 1000
    #[arg(long, default_value_t = 10)]
    rounds: usize,
    /// Nights of each stay, 1 to 99; rounds times nights at most 3600
    #[arg(long, default_value_t = 1)]
    nights: usize,
    /// Winners pay and confirm
    #[arg(long)]
    pay: bool,
    /// Drop connections and send again with the same key; kill -9 the race's own server between the rounds
    #[arg(long)]
    chaos: bool,
    /// Race against this server instead of one made for the race
    #[arg(long)]
    url: Option<String>,
    /// An admin of that server
    #[arg(long)]
    email: Option<String>,
    /// The admin's password
    #[arg(long, env = "LASTROOM_RACE_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// Print one JSON document instead of tables
    #[arg(long)]
    json: bool,
}

/// Races; whether nothing was wrong.
pub fn run(given: &Given, race: Race) -> Result<bool, RaceError> {
    let Race { clients, rooms, rounds, nights, pay, chaos, json, .. } = race;
    let plan = Plan { clients, rooms, rounds, nights, pay, chaos };
    let target = target(given, race)?;
    let machine = |error: std::io::Error| RaceError::Machine(error.to_string());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(machine)?;
    let steps = Steps::new();
    let raced = runtime.block_on(race::run(plan, target, &|message| steps.say(message)));
    steps.finish();
    let report = raced?;
    if json {
        println!("{:#}", report.document());
    } else {
        print!("{report}");
    }
    Ok(report.is_clean())
}

fn target(given: &Given, race: Race) -> Result<Target, RaceError> {
    let option = |text: &str| RaceError::Option(text.to_owned());
    match (race.url, race.email, race.password) {
        (Some(url), Some(email), Some(password)) => {
            Ok(Target::Remote { url, email, password: SecretString::from(password) })
        }
        (Some(_), ..) => Err(option("--url needs --email and --password of an admin there")),
        (None, None, _) => Ok(Target::Own { settings: handed_on(given) }),
        (None, Some(_), _) => Err(option("--email is for a server that runs: it needs --url")),
    }
}

/// The settings that the race's own server takes over.
fn handed_on(given: &Given) -> Vec<(&'static str, String)> {
    let settings = [
        ("LASTROOM_PG_BIN", &given.pg_bin),
        ("LASTROOM_POOL_SIZE", &given.pool_size),
        ("LASTROOM_POOL_WAIT_MS", &given.pool_wait_ms),
        ("LASTROOM_WORKERS", &given.workers),
        ("LASTROOM_HASH_PARALLELISM", &given.hash_parallelism),
        ("LASTROOM_HOLD_LIMIT", &given.hold_limit),
        ("LASTROOM_LOG", &given.log),
    ];
    settings.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
}
