//! One invariant: what it says, and how it is recomputed.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::db::{DbError, sql};

/// How many offenders a line names; it counts them all.
const NAMED: usize = 20;

/// An invariant.
#[derive(Debug)]
pub struct Check {
    /// `group.invariant`, as printed.
    pub name: &'static str,
    /// What holds, in one sentence.
    pub says: &'static str,
    /// A SELECT of two columns, a row for each thing examined: its id as a text, and whether the invariant holds for
    /// it. NULL counts as a breach.
    pub select: &'static str,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub name: &'static str,
    /// Things examined.
    pub rows: i64,
    /// Things for which the invariant does not hold.
    pub breaches: i64,
    /// The first of them.
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
    /// Counts in one pass; a second one names the offenders, if there are any.
    pub(super) fn run(&self, conn: &mut PgConnection) -> Result<Line, DbError> {
        let select = self.select;
        let counted: Counted = sql(format!(
            "SELECT count(*) AS rows, count(*) FILTER (WHERE holds IS NOT TRUE) AS breaches
             FROM ({select}) examined (id, holds)"
        ))
        .get_result(conn)?;
        let offenders: Vec<Offender> = if counted.breaches == 0 {
            Vec::new()
        } else {
            sql(format!(
                "SELECT coalesce(id, '?') AS id FROM ({select}) examined (id, holds)
                 WHERE holds IS NOT TRUE ORDER BY 1 LIMIT {NAMED}"
            ))
            .load(conn)?
        };
        let ids = offenders.into_iter().map(|offender| offender.id).collect();
        Ok(Line { name: self.name, rows: counted.rows, breaches: counted.breaches, ids })
    }
}
