//! What the application may do to each table: enough to work, and not to take back what the audit log says.
//!
//! A right counts whoever holds it of those that the application can act as: itself, a role that it is a member of,
//! everybody. Rights on columns count as on their table, and are revoked with them.

use diesel::PgConnection;
use diesel::RunQueryDsl;
use diesel::sql_types::{Array, Text};

use super::Fault;
use crate::db::{DbError, sql};

/// Tables that the application reads and adds to, and no more.
const ADD_ONLY: &[&str] = &["audit_entries", "audit_seals"];
/// Tables that the application reads.
const READ_ONLY: &[&str] = &["__diesel_schema_migrations"];

/// The tables that the application may not change as it likes.
pub(super) fn guarded() -> Vec<String> {
    owned(&[READ_ONLY, ADD_ONLY].concat())
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The rights that the application lacks, or has and should not, table by table, with the GRANT or REVOKE for each.
/// Of tables that `owner` cannot grant rights on, only those of the audit log are looked at: the others are somebody
/// else's, such as an extension's.
///
/// TRIGGER and REFERENCES are too much everywhere: what a trigger runs, it runs as whoever writes, and bulk work is the
/// owner's.
pub(super) fn faults(conn: &mut PgConnection, application: &str, owner: &str) -> Result<Vec<Fault>, DbError> {
    Ok(sql("WITH ours AS (
             SELECT oid, oid::regclass::text AS name, relacl, CASE
                 WHEN relname::text = ANY($2) THEN ARRAY['SELECT', 'INSERT']
                 WHEN relname::text = ANY($3) THEN ARRAY['SELECT']
                 ELSE ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'] END AS wanted
             FROM pg_class
             WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
                 AND (pg_has_role($4::name, relowner, 'USAGE') OR relname::text = ANY($2))
                 AND NOT EXISTS (SELECT FROM pg_depend
                     WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')
         ), too_much AS (
             SELECT name, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS holder,
                 string_agg(DISTINCT privilege_type, ', ') AS rights
             FROM ours CROSS JOIN LATERAL (
                 SELECT grantee, privilege_type FROM aclexplode(relacl)
                 UNION SELECT grantee, privilege_type FROM pg_attribute CROSS JOIN aclexplode(attacl)
                 WHERE attrelid = ours.oid
             ) held
             WHERE privilege_type <> ALL (wanted) AND (grantee = 0 OR pg_has_role($1::name, grantee, 'MEMBER'))
             GROUP BY name, grantee
         ), too_little AS (
             SELECT name, string_agg(wants, ', ') AS rights
             FROM ours CROSS JOIN unnest(wanted) wants
             WHERE NOT has_table_privilege($1::name, oid, wants) GROUP BY name
         )
         SELECT format('may %s %s', rights, name) AS what, format('REVOKE %s ON %s FROM %s', rights, name, holder) AS cure
         FROM too_much
         UNION ALL SELECT format('may not %s %s', rights, name), format('GRANT %s ON %s TO %I', rights, name, $1)
         FROM too_little ORDER BY 1, 2")
    .bind::<Text, _>(application.to_owned())
    .bind::<Array<Text>, _>(owned(ADD_ONLY))
    .bind::<Array<Text>, _>(owned(READ_ONLY))
    .bind::<Text, _>(owner.to_owned())
    .load(conn)?)
}
