//! The roles of the database: the owner changes the schema, the application works and cannot take back what it wrote.

mod alone;
mod unfit;

use std::process::Output;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use lastroom::db::roles::{APPLICATION, OWNER};
use serde_json::json;

use crate::migrations::lines;
use crate::support::app::SECRET;
use crate::support::database::Database;
use crate::support::home::Home;
use crate::support::program::lastroom;
use crate::support::{Guest, Made, Start, TestApp};

/// Refused for want of a right, and for nothing else.
#[track_caller]
fn assert_denied(conn: &mut PgConnection, sql: &str) {
    let refused = conn.batch_execute(sql).expect_err(sql).to_string();
    assert!(refused.contains("permission denied") || refused.contains("must be owner"), "{sql}: {refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_works_as_a_role_that_cannot_take_back_what_it_wrote() {
    let app = TestApp::start().await;
    let admin = app.admin();
    Made::by(&admin).await;
    app.all_sealed().await;
    let users = "SELECT string_agg(DISTINCT usename, ' ') FROM pg_stat_activity
                 WHERE application_name = 'lastroom' AND datname = current_database()";
    // The helper that makes the first admin comes as the superuser, and is gone.
    app.eventually(users, APPLICATION).await;
    let mut conn = app.database.connect_as(APPLICATION);
    for table in ["audit_entries", "audit_seals"] {
        assert_denied(&mut conn, &format!("UPDATE {table} SET audit_id = audit_id"));
        assert_denied(&mut conn, &format!("DELETE FROM {table}"));
        assert_denied(&mut conn, &format!("TRUNCATE {table} CASCADE"));
        assert_denied(&mut conn, &format!("ALTER TABLE {table} DISABLE TRIGGER ALL"));
        assert_denied(&mut conn, &format!("SELECT FROM {table} FOR UPDATE"));
        assert!(conn.batch_execute(&format!("SELECT * FROM {table}")).is_ok());
    }
    assert_denied(&mut conn, "TRUNCATE quotes CASCADE");
    assert_denied(&mut conn, "CREATE TABLE loot (x int)");
    assert_denied(&mut conn, "DROP TABLE audit_entries");
    assert_denied(&mut conn, "DELETE FROM __diesel_schema_migrations");
    assert_denied(&mut conn, "CREATE ROLE me");
    assert_denied(&mut conn, &format!("SET ROLE {OWNER}"));

    // What the owner alters is done, and found.
    let mut owner = app.database.connect_as(OWNER);
    owner.batch_execute("UPDATE audit_entries SET after = '{}' WHERE resource = 'room'").expect("the owner may");
    let report = lastroom::verify::examine(&mut conn).expect("a database to examine");
    let broken: Vec<_> = report.lines.iter().filter(|line| line.breaches > 0).map(|line| line.name).collect();
    assert_eq!(broken, ["audit.seal_follows_the_one_before"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_a_later_step_is_the_applications_too() {
    let database = Database::create(Start::Migrated);
    database.connect_as(OWNER).batch_execute("CREATE TABLE later (id uuid PRIMARY KEY)").expect("a step");
    let all = "INSERT INTO later VALUES (gen_random_uuid()); UPDATE later SET id = id; SELECT * FROM later; DELETE FROM later";
    database.connect_as(APPLICATION).batch_execute(all).expect("rights by default");
}

/// Roles are the cluster's: one test's own have names of their own, and go with it.
struct Managed {
    database: Database,
    name: String,
    folder: tempfile::TempDir,
}

impl Managed {
    /// A database of somebody who may create roles and is no superuser, as providers give it.
    fn new() -> Self {
        let database = Database::create(Start::Blank);
        let name = database.name.clone();
        database
            .connect()
            .batch_execute(&format!(
                "CREATE ROLE {name}_admin LOGIN CREATEROLE; ALTER DATABASE {name} OWNER TO {name}_admin"
            ))
            .expect("an admin");
        Self { database, name, folder: tempfile::tempdir().expect("a folder") }
    }

    /// The socket's URL with a password in it, which the server does not ask for.
    fn url(&self, role: &str) -> String {
        let role = format!("{}_{role}", self.name);
        self.database.url_as(&role).replacen('@', ":p%40ss'word%2F@", 1)
    }

    fn run(&self, command: &[&str], settings: &[(&str, &str)]) -> Output {
        let (url, owner) = (self.url("app"), self.url("owner"));
        let ground = [
            ("DATABASE_URL", url.as_str()),
            ("LASTROOM_MIGRATE_DATABASE_URL", owner.as_str()),
            ("LASTROOM_SECRET_KEY", SECRET),
        ];
        let settings = [ground.as_slice(), settings].concat();
        lastroom(self.folder.path(), &settings).args(command).output().expect("the binary")
    }

    /// Runs it to a good end.
    #[track_caller]
    fn done(&self, command: &[&str]) -> String {
        let admin = self.url("admin");
        let output = self.run(command, &[("LASTROOM_ADMIN_DATABASE_URL", &admin)]);
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Who has which rights on what, and who owns it.
    fn rights(&self) -> Vec<String> {
        lines(
            &mut self.database.connect(),
            "SELECT concat_ws(' ', oid::regclass, pg_get_userbyid(relowner), relacl) AS line FROM pg_class
             WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
             UNION ALL SELECT concat_ws(' ', 'default', defaclacl) FROM pg_default_acl
             UNION ALL SELECT concat_ws(' ', 'schema', nspacl) FROM pg_namespace WHERE nspname = 'public'
             ORDER BY 1",
        )
    }
}

impl Drop for Managed {
    fn drop(&mut self) {
        let mut conn = self.database.connect();
        for role in ["app", "owner", "admin"].map(|role| format!("{}_{role}", self.name)) {
            let gone = format!("REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}; DROP ROLE {role}");
            if let Err(error) = conn.batch_execute(&gone) {
                eprintln!("{role} stays behind: {error}");
            }
        }
    }
}

#[test]
fn a_managed_database_gets_its_roles_from_somebody_who_is_no_superuser() {
    let managed = Managed::new();
    let name = &managed.name;
    for command in [&["db", "roles"], &["migrate", "--demo=false"]] {
        let told = managed.done(command);
        assert!(!told.contains("p@ss"), "{told}");
    }
    let whole = managed.rights();
    assert!(whole.contains(&format!(
        "audit_entries {name}_owner {{{name}_owner=arwdDxt/{name}_owner,{name}_app=ar/{name}_owner}}"
    )));
    assert!(
        whole.contains(&format!(
            "quotes {name}_owner {{{name}_owner=arwdDxt/{name}_owner,{name}_app=arwd/{name}_owner}}"
        ))
    );
    assert_eq!(
        managed.done(&["db", "roles"]),
        format!("{name}_owner owns the tables; {name}_app is the application's.\n")
    );
    managed.done(&["migrate"]);
    assert_eq!(managed.rights(), whole, "done again, nothing changes");
    // A right too many, and one too few: the next start mends both.
    managed
        .database
        .connect()
        .batch_execute(&format!("GRANT DELETE ON audit_seals TO {name}_app; REVOKE INSERT ON quotes FROM {name}_app"))
        .expect("other rights");
    managed.done(&["migrate"]);
    assert_eq!(managed.rights(), whole);
    let stored = format!(
        "SELECT string_agg(left(rolpassword, 18), ' ') AS line FROM pg_authid WHERE rolname IN ('{name}_app', '{name}_owner')"
    );
    assert_eq!(lines(&mut managed.database.connect(), &stored), ["SCRAM-SHA-256$4096 SCRAM-SHA-256$4096"]);
}

#[test]
fn tables_that_were_there_before_change_their_owner() {
    let managed = Managed::new();
    let admin = managed.url("admin");
    let alone = [("DATABASE_URL", admin.as_str()), ("LASTROOM_MIGRATE_DATABASE_URL", admin.as_str())];
    assert!(managed.run(&["migrate"], &alone).status.success());
    managed.done(&["db", "roles"]);
    let owners = "SELECT DISTINCT tableowner::text AS line FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(lines(&mut managed.database.connect(), owners), [format!("{}_owner", managed.name)]);
    managed.done(&["migrate"]);
}

#[test]
fn what_is_missing_is_named_and_no_password_is_told() {
    let managed = Managed::new();
    let url = managed.url("app");
    for (settings, told) in [
        (vec![], "LASTROOM_ADMIN_DATABASE_URL is required"),
        (vec![("LASTROOM_ADMIN_DATABASE_URL", "mysql://x:p@ssword@y")], "LASTROOM_ADMIN_DATABASE_URL must begin with"),
        (
            vec![("LASTROOM_ADMIN_DATABASE_URL", url.as_str()), ("LASTROOM_MIGRATE_DATABASE_URL", url.as_str())],
            "the owner and the application are two",
        ),
        (vec![("LASTROOM_ADMIN_DATABASE_URL", url.as_str())], "the application cannot give itself its rights"),
        (
            vec![("LASTROOM_ADMIN_DATABASE_URL", url.as_str()), ("DATABASE_URL", "postgres://localhost/x")],
            "must be postgres://USER",
        ),
    ] {
        let output = managed.run(&["db", "roles"], &settings);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains(told), "{told}: {error}");
        assert!(!error.contains("ssword") && !error.contains("ss'word"), "{error}");
    }
    managed.done(&["db", "roles"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_private_database_has_its_roles_from_the_first_start() {
    let home = Home::new();
    let folder = tempfile::tempdir().expect("a folder");
    let data_dir = home.data_dir.to_string_lossy().into_owned();
    let settings = [("LASTROOM_DATA_DIR", data_dir.as_str()), ("LASTROOM_DEMO", "false")];
    let serving = crate::support::program::Serving::start(folder.path(), &settings);
    let cluster = home.acquire();
    let mut conn = PgConnection::establish(&cluster.url("lastroom")).expect("a connection");
    let owners = "SELECT DISTINCT tableowner::text AS line FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(lines(&mut conn, owners), [OWNER]);
    let users = "SELECT DISTINCT usename::text AS line FROM pg_stat_activity WHERE application_name = 'lastroom'";
    let account = json!({ "email": "ada@example.com", "password": "correct horse battery", "full_name": "Ada" });
    Guest::stranger_at(&format!("http://{}/api/v1", serving.address)).post("/auth/register", account).await.ok(202);
    assert_eq!(lines(&mut conn, users), [APPLICATION]);
    drop(conn);
    assert_eq!(serving.terminate().0, Some(0));
    let again = lastroom(folder.path(), &settings).args(["db", "roles"]).output().expect("the binary");
    assert_eq!(
        String::from_utf8_lossy(&again.stdout),
        format!("{OWNER} owns the tables; {APPLICATION} is the application's.\n")
    );
    cluster.release().expect("the last one out stops it");
}
