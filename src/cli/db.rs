//! `lastroom db roles`: who owns the tables, and what the server works as.

use anyhow::Context;
use clap::Subcommand;
use percent_encoding::percent_decode_str;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::ground::{DATABASE, acquire, connect};
use super::progress::Steps;
use crate::config::{Config, DatabaseChoice};
use crate::db::roles::{self, Login, Roles};
use crate::telemetry;

#[derive(Subcommand)]
pub enum What {
    /// Make the two roles, of the tables' owner and of the application, and give them their rights; may be repeated
    ///
    /// Their names and passwords are those of LASTROOM_MIGRATE_DATABASE_URL (the owner) and DATABASE_URL (the
    /// application). LASTROOM_ADMIN_DATABASE_URL connects to the same database as somebody who may create roles. A
    /// private database has its roles from its first start.
    Roles,
}

pub fn run(config: &Config, what: &What) -> anyhow::Result<()> {
    let What::Roles = what;
    telemetry::init(config);
    let steps = Steps::new();
    let roles = match &config.database {
        DatabaseChoice::Given { url, migrate_url, admin_url } => {
            steps.finish();
            let admin_url = admin_url.as_ref().context("LASTROOM_ADMIN_DATABASE_URL is required with DATABASE_URL")?;
            let owner_url =
                migrate_url.as_ref().context("LASTROOM_MIGRATE_DATABASE_URL is required: it names the owner")?;
            let roles = Roles { owner: login(owner_url)?, application: login(url)? };
            anyhow::ensure!(
                roles.owner.name != roles.application.name,
                "LASTROOM_MIGRATE_DATABASE_URL and DATABASE_URL name one role: the owner and the application are two"
            );
            // An address that names nobody is asked who it is when it is connected.
            anyhow::ensure!(
                !login(admin_url).is_ok_and(|admin| admin.name == roles.application.name),
                "LASTROOM_ADMIN_DATABASE_URL and DATABASE_URL name one role: the application cannot give itself its rights"
            );
            roles::establish(&mut connect(admin_url.expose_secret())?, &roles)?;
            roles
        }
        DatabaseChoice::Private { data_dir, pg_bin } => {
            let cluster = acquire(data_dir, pg_bin.as_deref(), &steps)?;
            let roles = Roles::private();
            let established = cluster.ensure_database(DATABASE).map_err(Into::into).and_then(|()| {
                Ok::<_, anyhow::Error>(roles::establish(&mut connect(&cluster.url(DATABASE))?, &roles)?)
            });
            cluster.release()?;
            steps.finish();
            established?;
            roles
        }
    };
    println!("{} owns the tables; {} is the application's.", roles.owner.name, roles.application.name);
    Ok(())
}

/// Who signs in by the URL. It is never quoted: it may have a password in it.
pub(super) fn login(url: &SecretString) -> anyhow::Result<Login> {
    let not_valid = "DATABASE_URL and LASTROOM_MIGRATE_DATABASE_URL must be postgres://USER:PASSWORD@HOST/DATABASE";
    let url = Url::parse(url.expose_secret()).map_err(|_| anyhow::anyhow!(not_valid))?;
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(std::borrow::Cow::into_owned);
    let name = decoded(url.username()).context(not_valid)?;
    anyhow::ensure!(!name.is_empty(), not_valid);
    let password = url.password().map(decoded).transpose().context(not_valid)?;
    Ok(Login { name, password: password.map(SecretString::from) })
}
