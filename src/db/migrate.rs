//! The schema's steps, compiled in.

use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::Text;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::DbError;

/// Every step under `migrations/`.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Runs the steps not yet run, and tells how many they were. Two processes at once: an advisory lock makes one wait.
pub fn run_pending(conn: &mut PgConnection) -> Result<usize, DbError> {
    use diesel::connection::SimpleConnection;
    // Session-level, so that it covers steps that each have a transaction of their own. The number is arbitrary.
    conn.batch_execute("SELECT pg_advisory_lock(7091972)")?;
    let done = conn
        .run_pending_migrations(MIGRATIONS)
        .map(|steps| steps.len())
        .map_err(|error| DbError::invariant(format!("a migration failed: {error}")));
    conn.batch_execute("SELECT pg_advisory_unlock(7091972)")?;
    done
}

/// Whether every step has been run. Reads only: the application's role need not be allowed to change the schema.
pub fn is_current(conn: &mut PgConnection) -> Result<bool, DbError> {
    let steps: Vec<Box<dyn Migration<Pg>>> =
        MIGRATIONS.migrations().map_err(|error| DbError::invariant(error.to_string()))?;
    let known: Vec<_> = steps.iter().map(|step| step.name().version().to_string()).collect();
    let run = super::sql("SELECT version FROM __diesel_schema_migrations").load::<Step>(conn);
    let run = match run {
        Ok(run) => run,
        Err(DieselError::DatabaseError(_, info)) if info.message().contains("does not exist") => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    Ok(known.iter().all(|version| run.iter().any(|step| step.version == *version)))
}

/// How the database keeps text, by PostgreSQL's name for it. Only `UTF8` has every character that a client may send.
pub fn encoding(conn: &mut PgConnection) -> Result<String, DbError> {
    Ok(diesel::select(diesel::dsl::sql::<Text>("current_setting('server_encoding')")).get_result(conn)?)
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    version: String,
}
