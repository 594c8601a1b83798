//! SQL of who administers.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

use crate::access::admin::ADMIN;
use crate::access::guard::{Permission, UsersWrite};
use crate::db::{DbError, Tx, sql};
use crate::schema::permissions;

/// `FOR NO KEY UPDATE`: roles may be given the permission meanwhile, whose foreign key needs the row.
pub(super) fn lock_administration(tx: &mut Tx<'_>) -> Result<(), DbError> {
    permissions::table
        .find(UsersWrite::NAME)
        .select(permissions::permission)
        .for_no_key_update()
        .first::<String>(&mut **tx)?;
    Ok(())
}

/// Whether an enabled user is an admin, and one has `users:write`, by whatever role.
pub(super) fn is_administered(tx: &mut Tx<'_>) -> Result<bool, DbError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        is_administered: bool,
    }
    let row: Row = sql("SELECT EXISTS (
                SELECT FROM user_roles JOIN users USING (user_id) WHERE role = $1 AND disabled_at IS NULL
            ) AND EXISTS (
                SELECT FROM role_permissions JOIN user_roles USING (role) JOIN users USING (user_id)
                WHERE permission = $2 AND disabled_at IS NULL
            ) AS is_administered")
    .bind::<Text, _>(ADMIN)
    .bind::<Text, _>(UsersWrite::NAME)
    .get_result(&mut **tx)?;
    Ok(row.is_administered)
}
