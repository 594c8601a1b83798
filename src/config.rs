//! Every setting: typed, checked once, its unit last in its name. A flag wins over the environment, the environment
//! over `lastroom.toml`, the file over the default. A refusal names the setting and the rule, never the value.

mod network;
mod parse;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use secrecy::SecretString;

use self::parse::{flag, interval, interval_s, parsed, range, text_of};
use crate::kernel::secret::MIN_SECRET_BYTES;

macro_rules! settings {
    ($($(#[$help:meta])* $name:ident, $flag:literal, $env:literal;)+) => {
        /// The settings as given, unparsed.
        #[derive(clap::Args, Clone, Default)]
        pub struct Given {
            $($(#[$help])* #[arg(long = $flag, env = $env, hide_env_values = true, global = true)] pub $name: Option<String>,)+
        }

        impl Given {
            /// Fills what neither a flag nor the environment gave from a configuration file's table.
            fn fill(&mut self, mut file: toml::Table) -> Result<(), ConfigError> {
                $(if let Some(value) = file.remove(stringify!($name)) {
                    let text = text_of(value).ok_or(ConfigError::new($env, "must be a string, a number, a boolean or a list of strings"))?;
                    self.$name.get_or_insert(text);
                })+
                match file.keys().next() {
                    Some(name) => Err(ConfigError { setting: name.clone(), rule: "is not a setting (in lastroom.toml)".to_owned() }),
                    None => Ok(()),
                }
            }
        }

        /// Each setting's environment variable.
        pub const ENVIRONMENT: &[&str] = &[$($env),+];
    };
}

settings! {
    /// Address to serve on; port 0 picks a free one [default: 127.0.0.1:8080]
    listen, "listen", "LASTROOM_LISTEN";
    /// Folder of the private PostgreSQL and the generated secret [default: .lastroom]
    data_dir, "data-dir", "LASTROOM_DATA_DIR";
    /// Folder with PostgreSQL's server binaries, 15 or newer [default: found]
    pg_bin, "pg-bin", "LASTROOM_PG_BIN";
    /// PostgreSQL to use instead of a private one
    database_url, "database-url", "DATABASE_URL";
    /// Connection of the tables' owner, who may change the schema [default: DATABASE_URL, if its role is the owner]
    migrate_database_url, "migrate-database-url", "LASTROOM_MIGRATE_DATABASE_URL";
    /// Connection of somebody who may create roles, for `lastroom db roles` alone
    admin_database_url, "admin-database-url", "LASTROOM_ADMIN_DATABASE_URL";
    /// Secret that every token key derives from, at least 32 bytes; required with DATABASE_URL [default: kept in the data folder]
    secret_key, "secret-key", "LASTROOM_SECRET_KEY";
    /// Address of the first admin [default: admin@lastroom.test]
    admin_email, "admin-email", "LASTROOM_ADMIN_EMAIL";
    /// Password of the first admin [default: made and printed once]
    admin_password, "admin-password", "LASTROOM_ADMIN_PASSWORD";
    /// Fill an empty database with a demo catalogue [default: true]
    demo, "demo", "LASTROOM_DEMO";
    /// Let anonymous callers search and see offers [default: false]
    public_search, "public-search", "LASTROOM_PUBLIC_SEARCH";
    /// How long a hold lives, in seconds [default: 600]
    hold_ttl_s, "hold-ttl-s", "LASTROOM_HOLD_TTL_S";
    /// How long a quote lives, in seconds [default: 900]
    quote_ttl_s, "quote-ttl-s", "LASTROOM_QUOTE_TTL_S";
    /// How long an offer_id can be quoted, in seconds [default: 1800]
    offer_ttl_s, "offer-ttl-s", "LASTROOM_OFFER_TTL_S";
    /// How long a paid hold waits for its confirmation, in seconds [default: 900]
    confirm_window_s, "confirm-window-s", "LASTROOM_CONFIRM_WINDOW_S";
    /// Live holds a guest may have [default: 5]
    hold_limit, "hold-limit", "LASTROOM_HOLD_LIMIT";
    /// How long an access token lives, in seconds [default: 900]
    access_ttl_s, "access-ttl-s", "LASTROOM_ACCESS_TTL_S";
    /// How long a session can be refreshed, in seconds [default: 2592000]
    session_ttl_s, "session-ttl-s", "LASTROOM_SESSION_TTL_S";
    /// How long the refresh token before the current one is answered again, in seconds [default: 10]
    refresh_grace_s, "refresh-grace-s", "LASTROOM_REFRESH_GRACE_S";
    /// Origins that browsers may call from, separated by commas [default: none]
    cors_origins, "cors-origins", "LASTROOM_CORS_ORIGINS";
    /// Networks of the proxies whose X-Forwarded-For is believed, separated by commas [default: none]
    trusted_proxies, "trusted-proxies", "LASTROOM_TRUSTED_PROXIES";
    /// Where guests reach this server, for addresses that they are sent to [default: http:// and the address it listens on]
    public_url, "public-url", "LASTROOM_PUBLIC_URL";
    /// What is logged, as tracing's filter [default: info]
    log, "log", "LASTROOM_LOG";
    /// pretty or json [default: pretty]
    log_format, "log-format", "LASTROOM_LOG_FORMAT";
    /// Connections to the database [default: 16]
    pool_size, "pool-size", "LASTROOM_POOL_SIZE";
    /// How long a request waits for a connection, in milliseconds [default: 1500]
    pool_wait_ms, "pool-wait-ms", "LASTROOM_POOL_WAIT_MS";
    /// Threads that serve HTTP [default: the number of cores]
    workers, "workers", "LASTROOM_WORKERS";
    /// Passwords hashed at the same time, 19 MiB each [default: 4]
    hash_parallelism, "hash-parallelism", "LASTROOM_HASH_PARALLELISM";
    /// How often expired holds are swept, in milliseconds [default: 5000]
    sweep_interval_ms, "sweep-interval-ms", "LASTROOM_SWEEP_INTERVAL_MS";
    /// How often payments that a crash left half done, or that wait for an outcome, are looked for, in milliseconds [default: 5000]
    completer_interval_ms, "completer-interval-ms", "LASTROOM_COMPLETER_INTERVAL_MS";
    /// How often nights are added at the far end as days pass, in seconds [default: 3600]
    horizon_interval_s, "horizon-interval-s", "LASTROOM_HORIZON_INTERVAL_S";
    /// How long requests may take to end after SIGTERM, in seconds [default: 30]
    drain_s, "drain-s", "LASTROOM_DRAIN_S";
    /// How long new ones are taken after SIGTERM, while /readyz says 503 already, in milliseconds [default: 1000]
    drain_notice_ms, "drain-notice-ms", "LASTROOM_DRAIN_NOTICE_MS";
    /// How often rows that nobody asks for any more are removed, in seconds [default: 3600]
    reap_interval_s, "reap-interval-s", "LASTROOM_REAP_INTERVAL_S";
    /// How long quotes, sessions, jobs, events and webhooks are kept once they are over, in days [default: 30]
    retention_days, "retention-days", "LASTROOM_RETENTION_DAYS";
}

/// The shortest time for which anything is kept once it is over, in days. More than the 72 h of a key, so that its answer
/// is never left to name a quote that is gone; and `lastroom verify` expects what is younger to be there.
pub const LEAST_RETENTION_DAYS: i32 = 4;

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{setting} {rule}")]
pub struct ConfigError {
    setting: String,
    rule: String,
}

impl ConfigError {
    fn new(setting: &str, rule: impl Into<String>) -> Self {
        Self { setting: setting.to_owned(), rule: rule.into() }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Pretty,
    Json,
}

/// The database a process works on.
#[derive(Clone, Debug)]
pub enum DatabaseChoice {
    /// A cluster of our own under the data folder.
    Private { data_dir: PathBuf, pg_bin: Option<PathBuf> },
    /// One that somebody else runs.
    Given {
        url: SecretString,
        /// Of the tables' owner; None: the role of `url` owns them, or the schema is somebody else's to change.
        migrate_url: Option<SecretString>,
        /// Of somebody who may create roles.
        admin_url: Option<SecretString>,
    },
}

impl DatabaseChoice {
    /// Keeps only what the application needs: who serves for months is not to have more.
    pub fn forget_owner(&mut self) {
        if let Self::Given { migrate_url, admin_url, .. } = self {
            *migrate_url = None;
            *admin_url = None;
        }
    }
}

/// The settings, checked.
#[derive(Clone, Debug)]
pub struct Config {
    pub listen: SocketAddr,
    pub database: DatabaseChoice,
    /// `None`: the data folder keeps one.
    pub secret_key: Option<SecretString>,
    pub admin_email: String,
    pub admin_password: Option<SecretString>,
    pub demo: bool,
    pub public_search: bool,
    pub hold_ttl_s: i32,
    pub quote_ttl_s: i32,
    pub offer_ttl_s: i32,
    pub confirm_window_s: i32,
    pub hold_limit: i64,
    pub access_ttl_s: i32,
    pub session_ttl_s: i32,
    pub refresh_grace_s: i32,
    pub cors_origins: Vec<String>,
    pub trusted_proxies: Vec<IpNet>,
    /// `None`: where it listens.
    pub public_url: Option<String>,
    pub log: String,
    pub log_format: LogFormat,
    pub pool_size: u32,
    pub pool_wait: Duration,
    pub workers: usize,
    pub hash_parallelism: usize,
    pub sweep_interval: Duration,
    pub completer_interval: Duration,
    pub horizon_interval: Duration,
    pub drain_s: u64,
    pub drain_notice: Duration,
    pub reap_interval: Duration,
    pub retention_days: i32,
}

impl Config {
    /// Checks flags and environment, completed from `lastroom.toml` in the working folder if it is there.
    pub fn load(given: Given) -> Result<Self, ConfigError> {
        match std::fs::read_to_string("lastroom.toml") {
            Ok(text) => Self::from_parts(given, &text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::from_parts(given, ""),
            Err(error) => Err(ConfigError::new("lastroom.toml", format!("cannot be read: {}", error.kind()))),
        }
    }

    /// The same with the file's text.
    pub fn from_parts(mut given: Given, file: &str) -> Result<Self, ConfigError> {
        // The parser's own message quotes the line at fault, which may hold a secret.
        let file = file.parse().map_err(|_| ConfigError::new("lastroom.toml", "is not valid TOML"))?;
        given.fill(file)?;
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let drain_s = range(&given.drain_s, "LASTROOM_DRAIN_S", 30, 0, 600)?;
        let drain_notice =
            Duration::from_millis(range(&given.drain_notice_ms, "LASTROOM_DRAIN_NOTICE_MS", 1_000, 0, 60_000)?);
        Ok(Self {
            listen: parsed(
                &given.listen,
                "LASTROOM_LISTEN",
                SocketAddr::from(([127, 0, 0, 1], 8080)),
                "must be ADDRESS:PORT",
            )?,
            admin_email: admin_email(&given)?,
            admin_password: admin_password(&given)?,
            demo: flag(&given.demo, "LASTROOM_DEMO", true)?,
            public_search: flag(&given.public_search, "LASTROOM_PUBLIC_SEARCH", false)?,
            hold_ttl_s: range(&given.hold_ttl_s, "LASTROOM_HOLD_TTL_S", 600, 1, 86_400)?,
            quote_ttl_s: range(&given.quote_ttl_s, "LASTROOM_QUOTE_TTL_S", 900, 1, 86_400)?,
            offer_ttl_s: range(&given.offer_ttl_s, "LASTROOM_OFFER_TTL_S", 1800, 1, 86_400)?,
            confirm_window_s: range(&given.confirm_window_s, "LASTROOM_CONFIRM_WINDOW_S", 900, 1, 86_400)?,
            hold_limit: range(&given.hold_limit, "LASTROOM_HOLD_LIMIT", 5, 1, 1_000)?,
            access_ttl_s: range(&given.access_ttl_s, "LASTROOM_ACCESS_TTL_S", 900, 1, 900)?,
            session_ttl_s: range(&given.session_ttl_s, "LASTROOM_SESSION_TTL_S", 2_592_000, 60, 31_536_000)?,
            refresh_grace_s: range(&given.refresh_grace_s, "LASTROOM_REFRESH_GRACE_S", 10, 0, 300)?,
            cors_origins: network::cors_origins(&given)?,
            trusted_proxies: network::trusted_proxies(&given)?,
            public_url: network::public_url(&given)?,
            log: log_filter(&given)?,
            log_format: log_format(&given)?,
            pool_size: range(&given.pool_size, "LASTROOM_POOL_SIZE", 16, 1, 1_000)?,
            pool_wait: Duration::from_millis(range(&given.pool_wait_ms, "LASTROOM_POOL_WAIT_MS", 1_500, 1, 60_000)?),
            workers: range(&given.workers, "LASTROOM_WORKERS", cores, 1, 256)?,
            hash_parallelism: range(&given.hash_parallelism, "LASTROOM_HASH_PARALLELISM", 4, 1, 256)?,
            sweep_interval: interval(&given.sweep_interval_ms, "LASTROOM_SWEEP_INTERVAL_MS", 5_000)?,
            completer_interval: interval(&given.completer_interval_ms, "LASTROOM_COMPLETER_INTERVAL_MS", 5_000)?,
            horizon_interval: interval_s(&given.horizon_interval_s, "LASTROOM_HORIZON_INTERVAL_S", 3_600)?,
            drain_s,
            drain_notice: drain_notice.min(Duration::from_secs(drain_s)),
            reap_interval: interval_s(&given.reap_interval_s, "LASTROOM_REAP_INTERVAL_S", 3_600)?,
            retention_days: range(&given.retention_days, "LASTROOM_RETENTION_DAYS", 30, LEAST_RETENTION_DAYS, 3_650)?,
            secret_key: secret_key(&given)?,
            database: database(given)?,
        })
    }
}

fn log_filter(given: &Given) -> Result<String, ConfigError> {
    let filter = given.log.clone().unwrap_or_else(|| "info".to_owned());
    match tracing_subscriber::EnvFilter::try_new(&filter) {
        Ok(_) => Ok(filter),
        Err(_) => Err(ConfigError::new("LASTROOM_LOG", "must be a filter such as info or lastroom=debug")),
    }
}

fn log_format(given: &Given) -> Result<LogFormat, ConfigError> {
    match given.log_format.as_deref() {
        None | Some("pretty") => Ok(LogFormat::Pretty),
        Some("json") => Ok(LogFormat::Json),
        Some(_) => Err(ConfigError::new("LASTROOM_LOG_FORMAT", "must be pretty or json")),
    }
}

fn secret_key(given: &Given) -> Result<Option<SecretString>, ConfigError> {
    let setting = "LASTROOM_SECRET_KEY";
    match &given.secret_key {
        Some(secret) if secret.len() < MIN_SECRET_BYTES => {
            Err(ConfigError::new(setting, format!("must have at least {MIN_SECRET_BYTES} bytes")))
        }
        Some(secret) if is_weak(secret) => Err(ConfigError::new(setting, "repeats too few characters to be a secret")),
        Some(secret) => Ok(Some(SecretString::from(secret.clone()))),
        None if given.database_url.is_some() => Err(ConfigError::new(setting, "is required with DATABASE_URL")),
        None => Ok(None),
    }
}

/// Fewer than 8 different bytes: a key held down, not a secret.
fn is_weak(secret: &str) -> bool {
    let mut bytes = secret.as_bytes().to_vec();
    bytes.sort_unstable();
    bytes.dedup();
    bytes.len() < 8
}

fn admin_email(given: &Given) -> Result<String, ConfigError> {
    let email = given.admin_email.clone().unwrap_or_else(|| "admin@lastroom.test".to_owned());
    let whole = email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    if whole { Ok(email) } else { Err(ConfigError::new("LASTROOM_ADMIN_EMAIL", "must be an email address")) }
}

fn admin_password(given: &Given) -> Result<Option<SecretString>, ConfigError> {
    match &given.admin_password {
        Some(password) if !(12..=128).contains(&password.chars().count()) => {
            Err(ConfigError::new("LASTROOM_ADMIN_PASSWORD", "must have 12 to 128 characters"))
        }
        password => Ok(password.clone().map(SecretString::from)),
    }
}

fn database(given: Given) -> Result<DatabaseChoice, ConfigError> {
    let Some(url) = given.database_url else {
        return Ok(DatabaseChoice::Private {
            data_dir: given.data_dir.map_or_else(|| PathBuf::from(".lastroom"), PathBuf::from),
            pg_bin: given.pg_bin.map(PathBuf::from),
        });
    };
    let settings = ["DATABASE_URL", "LASTROOM_MIGRATE_DATABASE_URL", "LASTROOM_ADMIN_DATABASE_URL"];
    let urls = [Some(&url), given.migrate_database_url.as_ref(), given.admin_database_url.as_ref()];
    let is_one = |url: &String| url.starts_with("postgres://") || url.starts_with("postgresql://");
    if let Some((setting, _)) = settings.into_iter().zip(urls).find(|(_, url)| url.is_some_and(|url| !is_one(url))) {
        return Err(ConfigError::new(setting, "must begin with postgres://"));
    }
    let [migrate_url, admin_url] =
        [given.migrate_database_url, given.admin_database_url].map(|url| url.map(Into::into));
    Ok(DatabaseChoice::Given { url: url.into(), migrate_url, admin_url })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(given: Given, file: &str) -> String {
        Config::from_parts(given, file).expect_err("refused").to_string()
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let given = Given { hold_ttl_s: Some("60".into()), ..Given::default() };
        let config = Config::from_parts(given, "hold_ttl_s = 90\nquote_ttl_s = 120\ndemo = false").expect("valid");
        assert_eq!((config.hold_ttl_s, config.quote_ttl_s, config.demo), (60, 120, false));
        assert_eq!(config.confirm_window_s, 900);
    }

    #[test]
    fn a_refusal_names_the_setting_and_never_the_value() {
        let weak = Given { secret_key: Some("hunter2hunter2".into()), ..Given::default() };
        assert_eq!(refusal(weak, ""), "LASTROOM_SECRET_KEY must have at least 32 bytes");
        let held_down = Given { secret_key: Some("a".repeat(64)), ..Given::default() };
        assert_eq!(refusal(held_down, ""), "LASTROOM_SECRET_KEY repeats too few characters to be a secret");
        let hold = Given { hold_ttl_s: Some("-5".into()), ..Given::default() };
        assert_eq!(refusal(hold, ""), "LASTROOM_HOLD_TTL_S must be a whole number from 1 to 86400");
        let url = Given { database_url: Some("postgres://u:p@h/d".into()), ..Given::default() };
        assert_eq!(refusal(url, ""), "LASTROOM_SECRET_KEY is required with DATABASE_URL");
        assert_eq!(refusal(Given::default(), "colour = 1"), "colour is not a setting (in lastroom.toml)");
        assert_eq!(refusal(Given::default(), "secret_key = 'oops"), "lastroom.toml is not valid TOML");
    }
}
