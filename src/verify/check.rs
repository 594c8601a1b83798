//! One invariant: what it says, and how it is recomputed.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde::Serialize;

use crate::db::DbError;

/// How many offenders a line names; it counts them all.
const NAMED: usize = 20;

/// An invariant.
#[derive(Debug)]
pub struct Check {
    /// `group.invariant`, as printed.
    pub name: &'static str,
    /// What holds, in one sentence.
    pub says: &'static str,
    /// A SELECT of two columns, a row for each thing examined: its id as a text, and whether it is sound. NULL counts as
    /// a breach, so that what a join does not find is one.
    pub select: &'static str,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    pub name: &'static str,
    /// What the invariant says.
    pub says: &'static str,
    /// Things examined.
    pub rows: i64,
    /// Things for which the invariant does not hold.
    pub breaches: i64,
    /// The first of them, at most 20.
    pub ids: Vec<String>,
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    rows: i64,
    #[diesel(sql_type = BigInt)]
    breaches: i64,
}

#[derive(QueryableByName)]
struct Offender {
    #[diesel(sql_type = Text)]
    id: String,
}

impl Check {
    pub(super) fn run(&self, conn: &mut PgConnection) -> Result<Line, DbError> {
        self.examine(conn).map_err(|error| match DbError::from(error) {
            DbError::Query(error) => DbError::invariant(format!("{} cannot be examined: {error}", self.name)),
            error => error,
        })
    }

    /// Counts in one pass; a second one names the offenders, if there are any.
    fn examine(&self, conn: &mut PgConnection) -> QueryResult<Line> {
        let Self { name, says, select } = *self;
        let counted: Counted = diesel::sql_query(format!(
            "SELECT count(*) AS rows, count(*) FILTER (WHERE sound IS NOT TRUE) AS breaches
             FROM ({select}) examined (id, sound)"
        ))
        .get_result(conn)?;
        let offenders: Vec<Offender> = if counted.breaches == 0 {
            Vec::new()
        } else {
            diesel::sql_query(format!(
                "SELECT coalesce(id, 'without an id') AS id FROM ({select}) examined (id, sound)
                 WHERE sound IS NOT TRUE ORDER BY 1 LIMIT {NAMED}"
            ))
            .load(conn)?
        };
        let ids = offenders.into_iter().map(|offender| offender.id).collect();
        Ok(Line { name, says, rows: counted.rows, breaches: counted.breaches, ids })
    }
}
