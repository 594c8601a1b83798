//! What a role finds of itself, without the owner's help: whether a server may work as it.

use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Nullable, Text};

use super::{Fault, powers, rights, signed_in};
use crate::db::{DbError, sql};

/// What the role of a connection is to this version's tables.
#[derive(Debug)]
pub enum Standing {
    /// It owns them, or may make them where there are none: one role for everything may do everything.
    Owner,
    /// Somebody else owns them, or is to. What the role must not be or may not do, or lacks.
    Application { name: String, faults: Vec<Fault> },
}

impl Standing {
    /// Whether a server may work as the role, as far as its rights go.
    #[must_use]
    pub fn is_right(&self) -> bool {
        match self {
            Self::Owner => true,
            Self::Application { faults, .. } => faults.is_empty(),
        }
    }
}

/// What the role of the connection is to the tables. Reads the catalogue only, which everybody may.
///
/// It is the owner if it signs in or works as the owner of all that keeps it from what it must not do; not by being a
/// member or a superuser, for then somebody meant two roles.
pub fn standing(conn: &mut PgConnection) -> Result<Standing, DbError> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Nullable<Text>)]
        other_owner: Option<String>,
        #[diesel(sql_type = Bool)]
        is_made: bool,
        #[diesel(sql_type = Bool)]
        may_make: bool,
    }
    let Found { other_owner, is_made, may_make } = sql("SELECT
             (array_agg(owner ORDER BY place) FILTER (WHERE owner NOT IN (session_user, current_user)))[1] AS other_owner,
             count(*) > 0 AS is_made,
             coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_make
         FROM (
             SELECT pg_get_userbyid(relowner)::text AS owner, place
             FROM unnest($1) WITH ORDINALITY AS guarded (name, place) JOIN pg_class ON pg_class.oid = to_regclass(name)
         ) held")
    .bind::<Array<Text>, _>(rights::guarded())
    .get_result(conn)?;
    let name = signed_in(conn)?;
    Ok(match other_owner {
        None if is_made || may_make => Standing::Owner,
        None => Standing::Application { name, faults: Vec::new() },
        Some(owner) => {
            let mut faults = powers::faults(conn, &name, &owner)?;
            if faults.is_empty() {
                faults = rights::faults(conn, &name, &owner)?;
            }
            Standing::Application { name, faults }
        }
    })
}
