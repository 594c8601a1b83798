//! The database: pool, transactions, constraints by name, migrations, and the private PostgreSQL.

pub mod constraint;
pub mod embedded;
pub mod error;
pub mod migrate;
pub mod pool;
pub mod roles;
pub mod statement;
pub mod tx;

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use diesel::expression::{AsExpression, SqlLiteral, UncheckedBind};
use diesel::prelude::*;
use diesel::sql_types::{Integer, Timestamptz};

pub use error::{CarriesDb, DbError};
pub use pool::{Db, PoolSettings};
pub use statement::sql;
pub use tx::Tx;

diesel::define_sql_function! {
    /// The database's clock, read when the expression is evaluated. It decides, never the process' clock.
    fn clock_timestamp() -> Timestamptz;
}

/// The expression of [`in_seconds`].
pub type InSeconds =
    SqlLiteral<Timestamptz, UncheckedBind<SqlLiteral<Timestamptz>, <i32 as AsExpression<Integer>>::Expression>>;

/// So many seconds from now, by the database's clock.
#[must_use]
pub fn in_seconds(seconds: i32) -> InSeconds {
    diesel::dsl::sql::<Timestamptz>("clock_timestamp() + interval '1 second' * ").bind::<Integer, _>(seconds).sql("")
}

/// Reads the database's clock.
pub fn now(conn: &mut PgConnection) -> Result<DateTime<Utc>, DbError> {
    Ok(diesel::select(clock_timestamp()).get_result(conn)?)
}
