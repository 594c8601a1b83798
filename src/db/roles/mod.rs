//! Roles of the database: one owns the tables and changes the schema, the other is what the server works as.
//!
//! The application's role cannot change the schema, and of the audit log it can only read and add: whoever takes over a
//! server that was given the application's password alone cannot take back what was written. A server needs no more
//! where the schema is up to date and the rights are right, which [`standing`] tells the application itself. One that is
//! given the owner's password too has it in its environment; and the socket of a private cluster lets in whoever may
//! enter its folder, as any role. There the two roles guard against mistakes only.
//!
//! Roles are the cluster's and not the database's, so no step of the schema makes them. [`establish`] does, once;
//! [`grant`] is for the owner, after each change of the schema. All three tell of an application that could do more.

mod powers;
mod rights;
mod standing;

use std::fmt;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{Array, Bool, Text};
use secrecy::{ExposeSecret, SecretString};

use super::{DbError, sql};

pub use standing::{Standing, standing};

/// The owner in a private cluster.
pub const OWNER: &str = "lastroom_owner";
/// The application's role in a private cluster.
pub const APPLICATION: &str = "lastroom_app";

/// A role that signs in.
#[derive(Debug)]
pub struct Login {
    pub name: String,
    /// None: the server knows the role by other means, such as who may enter the socket's folder.
    pub password: Option<SecretString>,
}

/// The two roles.
#[derive(Debug)]
pub struct Roles {
    pub owner: Login,
    pub application: Login,
}

impl Roles {
    /// Those of a private cluster.
    #[must_use]
    pub fn private() -> Self {
        let login = |name: &str| Login { name: name.to_owned(), password: None };
        Self { owner: login(OWNER), application: login(APPLICATION) }
    }
}

/// Something that the application's role is or may, and must not, or lacks.
#[derive(Debug, QueryableByName)]
pub struct Fault {
    /// Goes on after "it".
    #[diesel(sql_type = Text)]
    what: String,
    /// The statement that mends it.
    #[diesel(sql_type = Text)]
    cure: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it {} ({})", self.what, self.cure)
    }
}

/// Why there are no two roles.
#[derive(Debug, thiserror::Error)]
pub enum RolesError {
    /// What could be mended is; this is left.
    #[error("the server must not work as {application}: {}", told(faults))]
    Unfit { application: String, faults: Vec<Fault> },
    /// It would give itself what it is not to have.
    #[error("{0} is to be the application's role, and cannot be the one that makes the roles")]
    MakesItself(String),
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<DieselError> for RolesError {
    fn from(error: DieselError) -> Self {
        Self::Db(error.into())
    }
}

/// As many as a person reads, and how many more there are: who was given no right at all lacks one on each table.
fn told(faults: &[Fault]) -> String {
    const MOST: usize = 5;
    let first: Vec<_> = faults.iter().take(MOST).map(Fault::to_string).collect();
    let more = faults.len().saturating_sub(MOST);
    first.join("; ") + &if more > 0 { format!("; and {more} more") } else { String::new() }
}

/// Makes the roles where they are missing, gives the owner the tables that are there, and the application its rights
/// on these and on those to come. What the application has beyond them is revoked; if it still has, it is refused, and
/// nothing is done. Done before, it changes nothing but passwords. `conn` is of somebody who may create roles and owns
/// the database, or is a superuser.
pub fn establish(conn: &mut PgConnection, roles: &Roles) -> Result<(), RolesError> {
    let Roles { owner, application } = roles;
    conn.transaction(|conn| {
        lock(conn)?;
        if [current(conn)?, signed_in(conn)?].contains(&application.name) {
            return Err(RolesError::MakesItself(application.name.clone()));
        }
        for login in [owner, application] {
            make(conn, login)?;
        }
        let (owner, application) = (quoted(&owner.name), quoted(&application.name));
        if !is_powerful(conn, &roles.owner.name)? {
            // Only a member may give things to a role.
            conn.batch_execute(&format!("GRANT {owner} TO CURRENT_USER"))?;
        }
        conn.batch_execute(&format!(
            "GRANT USAGE, CREATE ON SCHEMA public TO {owner};
             GRANT USAGE ON SCHEMA public TO {application};
             ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public
                 GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {application}"
        ))?;
        hand_over(conn, &roles.owner.name)?;
        for fault in powers::faults(conn, &roles.application.name, &roles.owner.name)? {
            // What a role is by itself was somebody's decision.
            if fault.cure.starts_with("REVOKE ") {
                attempt(conn, &fault.cure)?;
            }
        }
        conn.batch_execute(&format!("SET LOCAL ROLE {owner}"))?;
        give(conn, &roles.application.name)?;
        Ok(conn.batch_execute("RESET ROLE")?)
    })
}

/// Gives the application its rights on every table, and no more than these; false: it has them. An application that
/// can get others all the same is refused. `conn` is the owner's.
pub fn grant(conn: &mut PgConnection, application: &str) -> Result<bool, RolesError> {
    conn.transaction(|conn| {
        lock(conn)?;
        give(conn, application)
    })
}

fn give(conn: &mut PgConnection, application: &str) -> Result<bool, RolesError> {
    let owner = current(conn)?;
    // Before any right is looked at: those of a role that it is a member of, such as the owner's, are not to be revoked.
    fit(application, powers::faults(conn, application, &owner)?)?;
    let faults = rights::faults(conn, application, &owner)?;
    for fault in &faults {
        attempt(conn, &fault.cure)?;
    }
    if !faults.is_empty() {
        fit(application, rights::faults(conn, application, &owner)?)?;
    }
    Ok(!faults.is_empty())
}

fn fit(application: &str, faults: Vec<Fault>) -> Result<(), RolesError> {
    if faults.is_empty() {
        return Ok(());
    }
    Err(RolesError::Unfit { application: application.to_owned(), faults })
}

/// Runs what this role may not be allowed to: whether it helped is looked at afterwards.
fn attempt(conn: &mut PgConnection, statement: &str) -> Result<(), DbError> {
    match conn.transaction(|conn| conn.batch_execute(statement)) {
        Err(DieselError::DatabaseError(_, why)) => {
            tracing::debug!(statement, why = why.message(), "a role could not be mended");
            Ok(())
        }
        done => Ok(done?),
    }
}

/// Gives the owner the tables that others have, but for those of extensions. Who is no superuser must be a member of
/// these others for that, and is one no longer than it takes.
fn hand_over(conn: &mut PgConnection, owner: &str) -> Result<(), DbError> {
    #[derive(QueryableByName)]
    struct Held {
        #[diesel(sql_type = Text)]
        holder: String,
        #[diesel(sql_type = Bool)]
        is_ours: bool,
        #[diesel(sql_type = Array<Text>)]
        tables: Vec<String>,
    }
    let held: Vec<Held> = sql("SELECT quote_ident(pg_get_userbyid(relowner)) AS holder,
             pg_has_role(relowner, 'USAGE') AS is_ours, array_agg(oid::regclass::text) AS tables
         FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND pg_get_userbyid(relowner) <> $1::name
             AND NOT EXISTS (SELECT FROM pg_depend
                 WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')
         GROUP BY relowner")
    .bind::<Text, _>(owner.to_owned())
    .load(conn)?;
    for Held { holder, is_ours, tables } in held {
        if !is_ours {
            conn.batch_execute(&format!("GRANT {holder} TO CURRENT_USER"))?;
        }
        for table in tables {
            conn.batch_execute(&format!("ALTER TABLE {table} OWNER TO {}", quoted(owner)))?;
        }
        if !is_ours {
            conn.batch_execute(&format!("REVOKE {holder} FROM CURRENT_USER"))?;
        }
    }
    Ok(())
}

/// One at a time: of two that change the same row of the catalogue at once, one would fail.
fn lock(conn: &mut PgConnection) -> Result<(), DbError> {
    Ok(conn.batch_execute("SELECT pg_advisory_xact_lock(7091973)")?)
}

/// Makes the role, and gives it its password. What is sent is what the server stores, so that no log has the password.
fn make(conn: &mut PgConnection, login: &Login) -> Result<(), DbError> {
    let name = quoted(&login.name);
    // Another database of the cluster may be making it at this moment: the lock is of this one.
    conn.batch_execute(&format!(
        "DO $make$ BEGIN
             IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {}) THEN CREATE ROLE {name} LOGIN; END IF;
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
         END $make$",
        literal(&login.name)
    ))?;
    if let Some(password) = &login.password {
        let stored = postgres_protocol::password::scram_sha_256(password.expose_secret().as_bytes());
        conn.batch_execute(&format!("ALTER ROLE {name} LOGIN PASSWORD {}", literal(&stored)))?;
    }
    Ok(())
}

/// Whether the role of the connection needs no membership to act as `owner`.
fn is_powerful(conn: &mut PgConnection, owner: &str) -> Result<bool, DbError> {
    let powerful = diesel::dsl::sql::<Bool>("SELECT rolsuper OR rolname = ")
        .bind::<Text, _>(owner)
        .sql(" FROM pg_roles WHERE rolname = current_user");
    Ok(powerful.get_result(conn)?)
}

/// Who the connection works as.
fn current(conn: &mut PgConnection) -> Result<String, DbError> {
    Ok(diesel::select(diesel::dsl::sql::<Text>("current_user::text")).get_result(conn)?)
}

/// Who the connection signed in as, and can work as again.
pub fn signed_in(conn: &mut PgConnection) -> Result<String, DbError> {
    Ok(diesel::select(diesel::dsl::sql::<Text>("session_user::text")).get_result(conn)?)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
