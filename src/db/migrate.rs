//! The schema's steps, compiled in.

use diesel::PgConnection;
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

/// Whether every step has been run.
pub fn is_current(conn: &mut PgConnection) -> Result<bool, DbError> {
    conn.has_pending_migration(MIGRATIONS).map(|pending| !pending).map_err(|error| DbError::Away(error.to_string()))
}
