//! What the application's role must not be, beside what it may do to tables: whoever owns a table, may become who
//! does, or may put objects where the owner looks for its own, can take back what the audit log says.

use diesel::PgConnection;
use diesel::RunQueryDsl;
use diesel::sql_types::Text;

use super::Fault;
use crate::db::{DbError, sql};

/// What of it the role is or may, each with the statement that ends it.
///
/// * A superuser may do everything; CREATEROLE makes itself a member of any other role (before PostgreSQL 16), and
///   BYPASSRLS has nothing to do here. CREATEDB is left alone: a database of its own leads to nothing in this one.
/// * The owner of the database or of the schema drops what is in it, whoever owns that. An owner of tables does what it
///   likes to them; a function in `public` is called by whoever meant another one of its name.
/// * Who creates objects in `public`, or in a schema of the owner's name, stands before the owner's own: these are where
///   the owner looks (`search_path`). Up to PostgreSQL 14 everybody may in `public`, and restored databases keep that.
///
/// A member counts as the role, even if it must SET ROLE first.
pub(super) fn faults(conn: &mut PgConnection, application: &str, owner: &str) -> Result<Vec<Fault>, DbError> {
    Ok(sql(FAULTS).bind::<Text, _>(application.to_owned()).bind::<Text, _>(owner.to_owned()).load(conn)?)
}

/// `$1` is the application, `$2` the owner. A superuser is told that and nothing more.
const FAULTS: &str = "
    WITH application AS (SELECT * FROM pg_roles WHERE rolname = $1::name),
    database AS (SELECT * FROM pg_database WHERE datname = current_database()),
    schemas AS (SELECT * FROM pg_namespace WHERE nspname::text IN ('public', $2)),
    becomes AS (
        SELECT role.* FROM pg_roles role CROSS JOIN application
        WHERE role.oid = application.oid OR NOT application.rolsuper AND pg_has_role(application.oid, role.oid, 'MEMBER')
    ), owners AS (
        SELECT refobjid AS owner, min(thing.type || ' ' || thing.identity) AS first, count(*) - 1 AS more
        FROM pg_shdepend JOIN database ON dbid = database.oid
        CROSS JOIN LATERAL pg_identify_object(classid, objid, objsubid) thing
        WHERE refclassid = 'pg_authid'::regclass AND deptype = 'o' AND thing.schema IN ('public', $2) GROUP BY refobjid
    ), mighty (role, what, cure) AS (
        SELECT oid, 'is a superuser', format('ALTER ROLE %I NOSUPERUSER', rolname) FROM pg_roles WHERE rolsuper
        UNION ALL SELECT oid, 'may create roles', format('ALTER ROLE %I NOCREATEROLE', rolname)
        FROM pg_roles WHERE rolcreaterole AND NOT rolsuper
        UNION ALL SELECT oid, 'bypasses row security', format('ALTER ROLE %I NOBYPASSRLS', rolname)
        FROM pg_roles WHERE rolbypassrls AND NOT rolsuper
        UNION ALL SELECT oid, CASE rolname
            WHEN 'pg_write_all_data' THEN 'may write every table'
            WHEN 'pg_write_server_files' THEN 'may write files of the server'
            ELSE 'may run programs on the server' END, ''
        FROM pg_roles WHERE rolname IN ('pg_write_all_data', 'pg_write_server_files', 'pg_execute_server_program')
        UNION ALL SELECT datdba, 'owns the database', format('ALTER DATABASE %I OWNER TO %I', datname, $2) FROM database
        UNION ALL SELECT nspowner, format('owns the schema %I', nspname),
            format('ALTER SCHEMA %I OWNER TO %I', nspname, $2)
        FROM schemas WHERE nspowner <> 'pg_database_owner'::regrole
        UNION ALL SELECT oid, 'is the owner', '' FROM pg_roles WHERE rolname = $2::name
        UNION ALL SELECT owner, format('owns %s%s', first, CASE WHEN more > 0 THEN format(' and %s more', more) END),
            format('REASSIGN OWNED BY %I TO %I', pg_get_userbyid(owner), $2)
        FROM owners WHERE pg_get_userbyid(owner) <> $2::name
    ), grants AS (
        SELECT format('may create objects in the schema %I', nspname) AS what,
            format('CREATE ON SCHEMA %I', nspname) AS granted, held.*, nspowner AS owner
        FROM schemas CROSS JOIN aclexplode(coalesce(nspacl, acldefault('n', nspowner))) held
        UNION ALL SELECT 'may create schemas', format('CREATE ON DATABASE %I', datname), held.*, datdba
        FROM database CROSS JOIN aclexplode(coalesce(datacl, acldefault('d', datdba))) held
    )
    SELECT what, cure FROM application JOIN mighty ON role = oid
    UNION ALL
    SELECT format('is a member of %I, which %s', becomes.rolname, what),
        coalesce((
            SELECT string_agg(format('REVOKE %I FROM %I', pg_get_userbyid(roleid), $1), '; ') FROM pg_auth_members
            WHERE member = application.oid AND pg_has_role(roleid, becomes.oid, 'MEMBER')
        ), cure)
    FROM application JOIN becomes ON becomes.oid <> application.oid JOIN mighty ON role = becomes.oid
    UNION ALL
    SELECT what, format('REVOKE %s FROM %s', granted,
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
    FROM application CROSS JOIN grants
    WHERE privilege_type = 'CREATE' AND grantee <> owner AND NOT rolsuper
        AND (grantee = 0 OR grantee = application.oid
            OR grantee IN (SELECT oid FROM becomes) AND grantee NOT IN (SELECT role FROM mighty))
    ORDER BY 1, 2";
