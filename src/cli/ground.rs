//! What a command stands on: a database that runs and has the schema of this version, and the secret; or, for one that
//! only looks, a database as it is found.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::{Connection, ConnectionError, PgConnection};
use secrecy::{ExposeSecret, SecretString};

use super::db::login;
use super::progress::Steps;
use crate::audit::sealer;
use crate::config::{Config, DatabaseChoice};
use crate::db::embedded::{Durability, PrivateCluster, Settings};
use crate::db::roles::{self, Roles, RolesError, Standing};
use crate::db::{Db, PoolSettings, migrate};
use crate::kernel::secret::random;

/// The private cluster's database.
pub(super) const DATABASE: &str = "lastroom";
/// Of a secret that is made.
const SECRET_BYTES: usize = 48;

/// A database up to date. A private one runs at least as long as this lives.
pub struct Ground {
    /// As the application's role.
    pub url: SecretString,
    /// As the owner of the tables, where that is known.
    owner_url: Option<SecretString>,
    pub secret: SecretString,
    cluster: Option<PrivateCluster>,
}

impl Ground {
    /// Starts or finds the database, and brings its schema up to date where that is not so.
    pub fn prepare(config: &Config, steps: &Steps) -> anyhow::Result<Self> {
        let cluster = match &config.database {
            DatabaseChoice::Given { .. } => None,
            DatabaseChoice::Private { data_dir, pg_bin } => Some(acquire(data_dir, pg_bin.as_deref(), steps)?),
        };
        match Self::on(config, cluster.as_ref(), steps) {
            Ok((url, owner_url, secret)) => Ok(Self { url, owner_url, secret, cluster }),
            Err(error) => {
                // A server that nobody stands on is not left running.
                if let Some(cluster) = cluster {
                    cluster.release()?;
                }
                Err(error)
            }
        }
    }

    /// The database's addresses and the secret, after bringing the schema up to date where that is not so.
    fn on(
        config: &Config,
        cluster: Option<&PrivateCluster>,
        steps: &Steps,
    ) -> anyhow::Result<(SecretString, Option<SecretString>, SecretString)> {
        let (url, owner_url, kept_in) = match (&config.database, cluster) {
            (DatabaseChoice::Given { url, migrate_url, .. }, _) => (url.clone(), migrate_url.clone(), None),
            (DatabaseChoice::Private { .. }, Some(cluster)) => {
                cluster.ensure_database(DATABASE)?;
                roles::establish(&mut connect(&cluster.url(DATABASE))?, &Roles::private())?;
                let url = |role| SecretString::from(cluster.url_as(role, DATABASE));
                (url(roles::APPLICATION), Some(url(roles::OWNER)), Some(cluster.data_dir()))
            }
            (DatabaseChoice::Private { .. }, None) => anyhow::bail!("the private PostgreSQL does not run"),
        };
        let secret = match (&config.secret_key, kept_in) {
            (Some(secret), _) => secret.clone(),
            (None, Some(data_dir)) => kept_secret(data_dir)?,
            (None, None) => anyhow::bail!("LASTROOM_SECRET_KEY is required with DATABASE_URL"),
        };
        let owner_url = up_to_date(&url, owner_url, steps)?;
        Ok((url, owner_url, secret))
    }

    /// One connection for loading much at once. It is the owner's where that is known, for only the owner may refresh the
    /// planner's statistics; of anybody else PostgreSQL passes the order over.
    #[must_use]
    pub fn bulk(&self) -> Db {
        Db::new(&self.bulk_settings())
    }

    /// So many of them, whose commits do not wait for the disk.
    #[must_use]
    pub fn hasty(&self, connections: u32) -> Db {
        Db::new(&PoolSettings { size: connections, durable: false, ..self.bulk_settings() })
    }

    /// Whether [`Ground::bulk`] is the owner's.
    #[must_use]
    pub fn has_owner(&self) -> bool {
        self.owner_url.is_some()
    }

    /// From here on nothing is done as the owner.
    pub fn forget_owner(&mut self) {
        self.owner_url = None;
    }

    fn bulk_settings(&self) -> PoolSettings {
        PoolSettings {
            url: self.owner_url.as_ref().unwrap_or(&self.url).expose_secret().to_owned(),
            size: 1,
            wait: Duration::from_secs(10),
            patience: Duration::from_secs(3_600),
            lock_timeout: Duration::from_secs(60),
            statement_timeout: Duration::from_secs(300),
            durable: true,
        }
    }

    /// Seals what a command has written into the audit log, then lets go. Nothing is lost where that cannot be done now:
    /// the next server seals it, or the next command.
    pub fn seal_and_release(self) -> anyhow::Result<()> {
        // What of it a crash takes back is sealed again.
        let db = self.hasty(1);
        let sealed = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(anyhow::Error::from)
            .and_then(|runtime| Ok(runtime.block_on(sealer::round(&db))?));
        match sealed {
            Ok(entries) => tracing::debug!(entries, "sealed the audit log"),
            Err(error) => tracing::warn!(%error, "the audit log could not be sealed; the next server does it"),
        }
        drop(db);
        self.release()
    }

    /// Lets go of a private cluster: the last one out stops it.
    pub fn release(self) -> anyhow::Result<()> {
        if let Some(cluster) = self.cluster {
            let released = cluster.release()?;
            tracing::debug!(?released, "let go of the private PostgreSQL");
        }
        Ok(())
    }
}

/// Brings the schema up to date and the application's rights right, as the owner, unless they are so: then nothing is run
/// as the owner, whose address need not be given. The owner's address, if it is known: one role for everything has one.
fn up_to_date(
    url: &SecretString,
    owner_url: Option<SecretString>,
    steps: &Steps,
) -> anyhow::Result<Option<SecretString>> {
    steps.say("Looking whether the schema is up to date");
    let mut conn = connect(url.expose_secret())?;
    let encoding = migrate::encoding(&mut conn)?;
    anyhow::ensure!(
        encoding == "UTF8",
        "the database keeps text as {encoding}, which has not every name that guests have: \
         make it with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
    );
    let standing = roles::standing(&mut conn)?;
    if let (Standing::Owner, Some(given)) = (&standing, &owner_url)
        && login(given)?.name != roles::signed_in(&mut conn)?
    {
        anyhow::bail!(
            "LASTROOM_MIGRATE_DATABASE_URL names the owner, and the role of DATABASE_URL owns the tables or may make them: \
             run lastroom db roles"
        );
    }
    let owner_url = match standing {
        Standing::Owner => owner_url.or_else(|| Some(url.clone())),
        Standing::Application { .. } => owner_url,
    };
    // Who may not read which steps were run has a fault for it.
    if standing.is_right() && migrate::is_current(&mut conn)? {
        return Ok(owner_url);
    }
    match (&owner_url, standing) {
        (Some(owner_url), _) => {
            steps.say("Bringing the schema up to date");
            migrate(&mut connect(owner_url.expose_secret())?, &mut conn)?;
        }
        (None, Standing::Application { name, faults }) if !faults.is_empty() => {
            return Err(RolesError::Unfit { application: name, faults }.into());
        }
        (None, _) => anyhow::bail!(
            "the schema is not up to date, and the role of DATABASE_URL may not change it: \
             run lastroom migrate with LASTROOM_MIGRATE_DATABASE_URL"
        ),
    }
    Ok(owner_url)
}

/// Runs the steps that are missing, and gives the application its rights.
fn migrate(owner: &mut PgConnection, conn: &mut PgConnection) -> anyhow::Result<()> {
    let steps_run = migrate::run_pending(owner)?;
    tracing::debug!(steps_run, "the schema is up to date");
    // Looked at again: who owns the tables is known only when they are there.
    let Standing::Application { name, .. } = roles::standing(conn)? else {
        return Ok(());
    };
    match roles::grant(owner, &name) {
        Err(unfit @ RolesError::Unfit { .. }) => Err(unfit.into()),
        granted => {
            granted.with_context(|| format!("cannot give {name} its rights; lastroom db roles may"))?;
            Ok(())
        }
    }
}

/// Connects to a database that is there, for a command that only looks, and hands it over: nothing is made, started
/// for good, or brought up to date. A private server that only this command uses is stopped when `work` is done.
pub fn with_found<T>(
    config: &Config,
    steps: Steps,
    work: impl FnOnce(&mut PgConnection) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let (data_dir, pg_bin) = match &config.database {
        DatabaseChoice::Given { url, .. } => {
            steps.finish();
            return work(&mut connect(url.expose_secret())?);
        }
        DatabaseChoice::Private { data_dir, pg_bin } => (data_dir, pg_bin.as_deref()),
    };
    anyhow::ensure!(PrivateCluster::exists(data_dir), "there is no database in {}", data_dir.display());
    let cluster = acquire(data_dir, pg_bin, &steps)?;
    steps.finish();
    let done = connect(&cluster.url(DATABASE)).and_then(|mut conn| work(&mut conn));
    cluster.release()?;
    done
}

pub(super) fn acquire(data_dir: &Path, pg_bin: Option<&Path>, steps: &Steps) -> anyhow::Result<PrivateCluster> {
    let pg_bin = pg_bin.map(Path::to_path_buf);
    let settings = Settings { data_dir: data_dir.to_path_buf(), pg_bin, durability: Durability::Full };
    Ok(PrivateCluster::acquire(&settings, steps)?)
}

pub(super) fn connect(url: &str) -> anyhow::Result<PgConnection> {
    PgConnection::establish(url).map_err(|error| cannot_connect(&error))
}

/// A failed connection names the host and the user, never the password. A URL that is none is not to be quoted: with a
/// stray slash the password stands where libpq looks for the port, and is told in its message.
fn cannot_connect(error: &ConnectionError) -> anyhow::Error {
    let why = error.to_string();
    let why = if why.starts_with("connection to server") || why.starts_with("could not translate host name") {
        why.trim_end()
    } else {
        "its URL is not valid"
    };
    anyhow::anyhow!("cannot connect to the database: {why}")
}

/// The secret of a data folder, made the first time.
fn kept_secret(data_dir: &Path) -> anyhow::Result<SecretString> {
    let path = data_dir.join("secret.key");
    if let Ok(kept) = fs::read_to_string(&path) {
        return checked(kept);
    }
    // Written beside and then linked: another first start sees a whole file or none.
    let draft = data_dir.join(format!("secret.key.{}", std::process::id()));
    write_private(&draft, &URL_SAFE_NO_PAD.encode(random::<SECRET_BYTES>()))
        .context("cannot write the data folder's secret")?;
    let linked = fs::hard_link(&draft, &path);
    fs::remove_file(&draft).context("cannot remove the draft of the data folder's secret")?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(error).context("cannot write the data folder's secret")
        }
        _ => checked(fs::read_to_string(&path).context("cannot read the data folder's secret")?),
    }
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn checked(kept: String) -> anyhow::Result<SecretString> {
    let bytes = URL_SAFE_NO_PAD.decode(&kept).map_or(0, |bytes| bytes.len());
    anyhow::ensure!(bytes == SECRET_BYTES, "the data folder's secret.key is damaged; remove it to have another made");
    Ok(SecretString::from(kept))
}
