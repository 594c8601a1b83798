//! SQL of users as admins see them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::store::email_key;
use crate::db::tx::exactly;
use crate::db::{DbError, Tx, sql};
use crate::hotels::staff::Refusal;
use crate::hotels::staff::http::Wanted;
use crate::kernel::ids::UserId;
use crate::schema::{user_roles, users};

/// Somebody who can sign in, or could.
#[derive(Clone, Debug, QueryableByName, Serialize, ToSchema)]
pub struct User {
    #[diesel(sql_type = SqlUuid)]
    pub user_id: UserId,
    #[diesel(sql_type = Text)]
    pub email: String,
    #[diesel(sql_type = Text)]
    pub full_name: String,
    #[diesel(sql_type = Array<Text>)]
    pub roles: Vec<String>,
    #[diesel(sql_type = Integer)]
    pub version: i32,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When the account was disabled; `null` while it is not.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[schema(required)]
    pub disabled_at: Option<DateTime<Utc>>,
}

const USERS: &str = "
    SELECT u.user_id, u.email, u.full_name, u.version, u.created_at, u.disabled_at,
           ARRAY(SELECT role FROM user_roles r WHERE r.user_id = u.user_id ORDER BY role) AS roles
    FROM users u";

/// Which users a list is to have.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// In any case.
    pub email: Option<String>,
    pub role: Option<String>,
    pub disabled: Option<bool>,
}

/// Users by their ids: the oldest account first.
pub fn list(conn: &mut PgConnection, filter: &Filter, wanted: Wanted<UserId>) -> Result<Vec<User>, DbError> {
    // Only what is asked for stands in the statement, so that each has the plan that suits it.
    let by_email = filter.email.as_ref().map_or("", |_| " AND u.email_key = $3");
    let by_role = " AND EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.user_id AND r.role = $4)";
    let by_role = filter.role.as_ref().map_or("", |_| by_role);
    let by_state = match filter.disabled {
        None => "",
        Some(true) => " AND u.disabled_at IS NOT NULL",
        Some(false) => " AND u.disabled_at IS NULL",
    };
    Ok(sql(format!("{USERS} WHERE u.user_id > $1{by_email}{by_role}{by_state} ORDER BY u.user_id LIMIT $2"))
        .bind::<SqlUuid, _>(wanted.after)
        .bind::<BigInt, _>(wanted.rows)
        .bind::<Nullable<Text>, _>(filter.email.as_deref().map(email_key))
        .bind::<Nullable<Text>, _>(filter.role.clone())
        .load(conn)?)
}

pub fn find(conn: &mut PgConnection, user_id: UserId) -> Result<Option<User>, DbError> {
    Ok(sql(format!("{USERS} WHERE u.user_id = $1")).bind::<SqlUuid, _>(user_id).get_result(conn).optional()?)
}

/// The same under the user's row lock: nobody changes them or their roles meanwhile.
pub fn lock(tx: &mut Tx<'_>, user_id: UserId) -> Result<Option<User>, DbError> {
    let locked = users::table.find(user_id).select(users::user_id).for_no_key_update();
    match locked.first::<UserId>(&mut **tx).optional()? {
        Some(user_id) => find(tx, user_id),
        None => Ok(None),
    }
}

/// Disables or enables a locked user; they are a version later then.
pub fn mark_disabled(tx: &mut Tx<'_>, before: &User, disabled: bool) -> Result<User, DbError> {
    let now_or_null = if disabled { "clock_timestamp()" } else { "NULL" };
    let marked = sql(format!(
        "UPDATE users SET disabled_at = {now_or_null}, version = version + 1 WHERE user_id = $1 AND version = $2"
    ))
    .bind::<SqlUuid, _>(before.user_id)
    .bind::<Integer, _>(before.version)
    .execute(&mut **tx)?;
    exactly(marked, 1, "user of a version")?;
    find(tx, before.user_id)?.ok_or_else(|| DbError::invariant("a locked user is there"))
}

/// A locked user is a version later, because what is shown of them has changed.
pub fn step(tx: &mut Tx<'_>, before: &User) -> Result<(), DbError> {
    let stepped = diesel::update(users::table.find(before.user_id))
        .filter(users::version.eq(before.version))
        .set(users::version.eq(before.version + 1))
        .execute(&mut **tx)?;
    exactly(stepped, 1, "user of a version")
}

/// A role that somebody has.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = user_roles)]
pub struct Grant {
    pub user_id: UserId,
    #[schema(example = "manager")]
    pub role: String,
    pub granted_at: DateTime<Utc>,
}

/// A user's roles after the one named, by their names.
pub fn grants(conn: &mut PgConnection, user_id: UserId, after: &str, rows: i64) -> Result<Vec<Grant>, DbError> {
    Ok(user_roles::table
        .filter(user_roles::user_id.eq(user_id).and(user_roles::role.gt(after)))
        .order(user_roles::role)
        .limit(rows)
        .select(Grant::as_select())
        .load(conn)?)
}

pub fn find_grant(conn: &mut PgConnection, user_id: UserId, role: &str) -> Result<Option<Grant>, DbError> {
    Ok(user_roles::table.find((user_id, role)).select(Grant::as_select()).first(conn).optional()?)
}

/// False: they have it already.
pub fn insert_grant(tx: &mut Tx<'_>, user_id: UserId, role: &str) -> Result<bool, Refusal> {
    let inserted = diesel::insert_into(user_roles::table)
        .values((user_roles::user_id.eq(user_id), user_roles::role.eq(role)))
        .on_conflict_do_nothing()
        .execute(&mut **tx);
    match inserted {
        Ok(rows) => Ok(rows == 1),
        // The user is locked, so it is the role that is not there.
        Err(DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _)) => {
            Err(Refusal::invalid("role", "is no role"))
        }
        Err(error) => Err(DbError::from(error).into()),
    }
}

pub fn delete_grant(tx: &mut Tx<'_>, user_id: UserId, role: &str) -> Result<(), DbError> {
    exactly(diesel::delete(user_roles::table.find((user_id, role))).execute(&mut **tx)?, 1, "grant of a role")
}
