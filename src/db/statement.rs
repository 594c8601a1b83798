//! SQL written by hand, prepared once per connection.
//!
//! diesel's `sql_query` is parsed and planned anew each time it runs, which for the search takes longer than running
//! it. This is the same with the statement kept: parameters are `$1`, `$2` … in the text, used as often as needed.

use diesel::RunQueryDsl;
use diesel::connection::Connection;
use diesel::expression::{AsExpression, TypedExpressionType};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{SqlType, Untyped};

/// A statement with its parameters.
pub struct Statement {
    text: String,
    binds: Vec<Box<dyn QueryFragment<Pg> + Send>>,
}

/// A statement from its text. There should be few different texts: each is kept by every connection.
pub fn sql(text: impl Into<String>) -> Statement {
    Statement { text: text.into(), binds: Vec::new() }
}

impl Statement {
    /// The next parameter: the first is `$1`.
    #[must_use]
    pub fn bind<ST, T>(mut self, value: T) -> Self
    where
        ST: SqlType + TypedExpressionType,
        T: AsExpression<ST>,
        T::Expression: QueryFragment<Pg> + Send + 'static,
    {
        self.binds.push(Box::new(value.as_expression()));
        self
    }
}

impl QueryFragment<Pg> for Statement {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut pieces = self.text.split('$');
        out.push_sql(pieces.next().unwrap_or_default());
        for piece in pieces {
            let digits = piece.len() - piece.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, rest) = piece.split_at(digits);
            let bind = number.parse::<usize>().ok().and_then(|n| self.binds.get(n.checked_sub(1)?));
            let bind =
                bind.ok_or_else(|| diesel::result::Error::QueryBuilderError(format!("no parameter ${number}").into()))?;
            bind.walk_ast(out.reborrow())?;
            out.push_sql(rest);
        }
        Ok(())
    }
}

impl QueryId for Statement {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement {
    type SqlType = Untyped;
}

impl<Conn: Connection> RunQueryDsl<Conn> for Statement {}
