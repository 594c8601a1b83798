//! What every command stands on: a database that runs and has the schema of this version, and the secret.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::{Connection, PgConnection};
use secrecy::{ExposeSecret, SecretString};

use super::progress::Steps;
use crate::config::{Config, DatabaseChoice};
use crate::db::embedded::{Durability, PrivateCluster, Settings};
use crate::db::migrate;
use crate::kernel::secret::random;

/// The private cluster's database.
const DATABASE: &str = "lastroom";

/// A database up to date. A private one runs at least as long as this lives.
pub struct Ground {
    pub url: SecretString,
    pub secret: SecretString,
    cluster: Option<PrivateCluster>,
}

impl Ground {
    /// Starts or finds the database and migrates it.
    pub fn prepare(config: &Config, steps: &Steps) -> anyhow::Result<Self> {
        let ground = match &config.database {
            DatabaseChoice::Given { url, .. } => {
                let secret = config.secret_key.clone().context("LASTROOM_SECRET_KEY is required with DATABASE_URL")?;
                Self { url: url.clone(), secret, cluster: None }
            }
            DatabaseChoice::Private { data_dir, pg_bin } => {
                let settings =
                    Settings { data_dir: data_dir.clone(), pg_bin: pg_bin.clone(), durability: Durability::Full };
                let cluster = PrivateCluster::acquire(&settings, steps)?;
                cluster.ensure_database(DATABASE)?;
                let secret = match &config.secret_key {
                    Some(secret) => secret.clone(),
                    None => kept_secret(cluster.data_dir())?,
                };
                Self { url: SecretString::from(cluster.url(DATABASE)), secret, cluster: Some(cluster) }
            }
        };
        steps.say("Bringing the schema up to date");
        let url = config.database.migrate_url().unwrap_or_else(|| ground.url.expose_secret());
        // The error of libpq names the host and the user, never the password.
        let mut conn = PgConnection::establish(url).context("cannot connect to the database")?;
        let steps_run = migrate::run_pending(&mut conn)?;
        tracing::debug!(steps_run, "the schema is up to date");
        Ok(ground)
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

/// The secret of a data folder, made the first time.
fn kept_secret(data_dir: &Path) -> anyhow::Result<SecretString> {
    let path = data_dir.join("secret.key");
    let made = URL_SAFE_NO_PAD.encode(random::<48>());
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(&path) {
        Ok(mut file) => {
            file.write_all(made.as_bytes())
                .and_then(|()| file.sync_all())
                .context("cannot write the data folder's secret")?;
            Ok(SecretString::from(made))
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let kept = fs::read_to_string(&path).context("cannot read the data folder's secret")?;
            anyhow::ensure!(
                kept.len() == made.len(),
                "the data folder's secret.key is damaged; remove it to have another made"
            );
            Ok(SecretString::from(kept))
        }
        Err(error) => Err(error).context("cannot write the data folder's secret"),
    }
}
