//! SQL of roles and permissions.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Text};
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::tx::exactly;
use crate::db::{DbError, Tx, sql};
use crate::schema::{permissions, role_permissions, roles};

/// A role, and what it may do.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName, Serialize, ToSchema)]
pub struct Role {
    #[diesel(sql_type = Text)]
    #[schema(example = "manager")]
    pub role: String,
    #[diesel(sql_type = Text)]
    pub description: String,
    /// In alphabetical order.
    #[diesel(sql_type = Array<Text>)]
    pub permissions: Vec<String>,
    #[diesel(sql_type = Integer)]
    pub version: i32,
}

const ROLES: &str = "
    SELECT r.role, r.description, r.version,
           ARRAY(SELECT permission FROM role_permissions p WHERE p.role = r.role ORDER BY permission) AS permissions
    FROM roles r";

/// Roles after the one named, by their names.
pub fn list(conn: &mut PgConnection, after: &str, rows: i64) -> Result<Vec<Role>, DbError> {
    Ok(sql(format!("{ROLES} WHERE r.role > $1 ORDER BY r.role LIMIT $2"))
        .bind::<Text, _>(after.to_owned())
        .bind::<BigInt, _>(rows)
        .load(conn)?)
}

pub fn find(conn: &mut PgConnection, role: &str) -> Result<Option<Role>, DbError> {
    Ok(sql(format!("{ROLES} WHERE r.role = $1")).bind::<Text, _>(role.to_owned()).get_result(conn).optional()?)
}

/// The same under its row lock: nobody changes it meanwhile, and it may be granted.
pub fn lock(tx: &mut Tx<'_>, role: &str) -> Result<Option<Role>, DbError> {
    let locked = roles::table.find(role).select(roles::role).for_no_key_update();
    match locked.first::<String>(&mut **tx).optional()? {
        Some(role) => find(tx, &role),
        None => Ok(None),
    }
}

/// Every permission there is, in alphabetical order.
pub fn permissions(conn: &mut PgConnection) -> Result<Vec<String>, DbError> {
    Ok(permissions::table.select(permissions::permission).order(permissions::permission).load(conn)?)
}

/// Gives a locked role this description and these permissions; it is a version later then.
pub fn update(tx: &mut Tx<'_>, before: &Role, wanted: &Role) -> Result<Role, DbError> {
    let updated = diesel::update(roles::table.find(&before.role))
        .filter(roles::version.eq(before.version))
        .set((roles::description.eq(&wanted.description), roles::version.eq(before.version + 1)))
        .execute(&mut **tx)?;
    exactly(updated, 1, "role of a version")?;
    diesel::delete(role_permissions::table.filter(role_permissions::role.eq(&before.role))).execute(&mut **tx)?;
    let rows: Vec<_> = wanted
        .permissions
        .iter()
        .map(|permission| (role_permissions::role.eq(&before.role), role_permissions::permission.eq(permission)))
        .collect();
    diesel::insert_into(role_permissions::table).values(rows).execute(&mut **tx)?;
    find(tx, &before.role)?.ok_or_else(|| DbError::invariant("a locked role is there"))
}
