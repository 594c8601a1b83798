//! Roles of the database: one owns the tables and changes the schema, the other is what the server works as.
//!
//! The application's role cannot change the schema, and of the audit log it can only read and add: whoever takes the
//! server over cannot take back what was written. Roles are the cluster's and not the database's, so no step of the
//! schema makes them. [`establish`] does, once; [`grant`] is for the owner, after each change of the schema.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Text};
use secrecy::{ExposeSecret, SecretString};

use super::{DbError, sql};

/// The owner in a private cluster.
pub const OWNER: &str = "lastroom_owner";
/// The application's role in a private cluster.
pub const APPLICATION: &str = "lastroom_app";

/// Tables that the application reads and adds to, and no more.
const ADD_ONLY: &[&str] = &["audit_entries", "audit_seals"];
/// Tables that the application reads.
const READ_ONLY: &[&str] = &["__diesel_schema_migrations"];

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

/// Makes the roles where they are missing, gives the owner the tables that are there, and the application its rights
/// on these and on those to come. Done before, it changes nothing but passwords. `conn` is of somebody who may create
/// roles and owns the database, or is a superuser.
pub fn establish(conn: &mut PgConnection, roles: &Roles) -> Result<(), DbError> {
    let Roles { owner, application } = roles;
    conn.transaction(|conn| {
        lock(conn)?;
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
        for table in tables(conn, "pg_get_userbyid(relowner) <> ALL($1::name[])", vec![roles.owner.name.clone()])? {
            conn.batch_execute(&format!("ALTER TABLE {table} OWNER TO {owner}"))?;
        }
        conn.batch_execute(&format!("SET LOCAL ROLE {owner}"))?;
        give(conn, &roles.application.name)?;
        Ok(conn.batch_execute("RESET ROLE")?)
    })
}

/// Gives the application its rights on every table, and no more than these; false: it has them. `conn` is the owner's.
pub fn grant(conn: &mut PgConnection, application: &str) -> Result<bool, DbError> {
    conn.transaction(|conn| {
        lock(conn)?;
        give(conn, application)
    })
}

fn give(conn: &mut PgConnection, application: &str) -> Result<bool, DbError> {
    if wrong(conn, application)? == 0 {
        return Ok(false);
    }
    let role = quoted(application);
    conn.batch_execute(&format!(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
         REVOKE TRUNCATE ON ALL TABLES IN SCHEMA public FROM {role}"
    ))?;
    for (rights, names) in [("UPDATE, DELETE", ADD_ONLY), ("INSERT, UPDATE, DELETE", READ_ONLY)] {
        // The roles may be made before the tables are.
        for table in tables(conn, "relname::text = ANY($1)", owned(names))? {
            conn.batch_execute(&format!("REVOKE {rights} ON {table} FROM {role}"))?;
        }
    }
    if wrong(conn, application)? > 0 {
        tracing::warn!(role = application, "the role has more rights than the application is to have");
    }
    Ok(true)
}

/// Rights on tables that the application lacks or should not have.
fn wrong(conn: &mut PgConnection, application: &str) -> Result<i64, DbError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        wrong: i64,
    }
    let row: Row = sql("SELECT count(*) AS wrong
         FROM pg_class t CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS its (right_)
         WHERE t.relnamespace = 'public'::regnamespace AND t.relkind IN ('r', 'p')
           AND has_table_privilege($1::name, t.oid, its.right_) <> CASE
               WHEN t.relname::text = ANY($2) THEN its.right_ IN ('SELECT', 'INSERT')
               WHEN t.relname::text = ANY($3) THEN its.right_ = 'SELECT'
               ELSE its.right_ <> 'TRUNCATE' END")
    .bind::<Text, _>(application.to_owned())
    .bind::<Array<Text>, _>(owned(ADD_ONLY))
    .bind::<Array<Text>, _>(owned(READ_ONLY))
    .get_result(conn)?;
    Ok(row.wrong)
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

/// Tables for which a condition on `pg_class` and these names holds, by their quoted names.
fn tables(conn: &mut PgConnection, condition: &str, names: Vec<String>) -> Result<Vec<String>, DbError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let rows: Vec<Row> = sql(format!(
        "SELECT oid::regclass::text AS name FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND {condition} ORDER BY 1"
    ))
    .bind::<Array<Text>, _>(names)
    .load(conn)?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Who the connection works as.
pub fn current(conn: &mut PgConnection) -> Result<String, DbError> {
    Ok(diesel::select(diesel::dsl::sql::<Text>("current_user::text")).get_result(conn)?)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
