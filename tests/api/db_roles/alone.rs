//! A server that is given the application's password and no other.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::json;

use super::{Managed, assert_denied};
use crate::migrations::lines;
use crate::support::app::SECRET;
use crate::support::program::{Serving, lastroom};

impl Managed {
    /// What a command says that has one address of the database, and whether it was done.
    fn alone(&self, command: &str, url: &str) -> Result<String, String> {
        let settings = [("DATABASE_URL", url), ("LASTROOM_SECRET_KEY", SECRET), ("LASTROOM_DEMO", "false")];
        let output = lastroom(self.folder.path(), &settings).arg(command).output().expect("the binary");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    /// Refused, in one line that says this.
    #[track_caller]
    fn refused(&self, command: &str, url: &str, says: &str) {
        let told = self.alone(command, url).expect_err(command);
        let refusals: Vec<_> = told.lines().filter(|line| line.starts_with("lastroom: ")).collect();
        assert!(refusals.len() == 1 && refusals[0].contains(says), "{command} is to say {says}: {told}");
    }
}

const BEHIND: &str = "lastroom: the schema is not up to date, and the role of DATABASE_URL may not change it: \
                      run lastroom migrate with LASTROOM_MIGRATE_DATABASE_URL";

#[tokio::test(flavor = "multi_thread")]
async fn the_application_serves_without_the_owners_password() {
    let managed = Managed::new();
    managed.done(&["db", "roles"]);
    managed.done(&["migrate", "--demo=false"]);
    let (url, before) = (managed.url("app"), managed.rights());
    let settings = [("DATABASE_URL", url.as_str()), ("LASTROOM_SECRET_KEY", SECRET)];
    let serving = Serving::start(managed.folder.path(), &settings);
    let nobody = serving.caller();
    let ready = nobody.get("//readyz").await.ok(200);
    assert_eq!((&ready["ready"], &ready["migrations"]), (&json!(true), &json!("current")));
    let account = json!({ "email": "ada@example.com", "password": "correct horse battery", "full_name": "Ada" });
    nobody.post("/auth/register", account).await.ok(202);
    let mut conn = managed.database.connect();
    let sessions = "SELECT DISTINCT usename::text AS line FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert_eq!(lines(&mut conn, sessions), [format!("{}_app", managed.name)]);
    assert_eq!(lines(&mut conn, "SELECT count(*)::text AS line FROM hotels"), ["40"], "the demo needs no owner");
    assert_eq!(serving.terminate().0, Some(0));
    assert_eq!(managed.rights(), before);

    // All that the environment of such a server leads to.
    let mut taken_over = PgConnection::establish(&url).expect("a connection");
    assert_denied(&mut taken_over, "DELETE FROM audit_seals");
    assert_denied(&mut taken_over, "DROP TABLE audit_entries");
    // And nobody else is asked where nothing is to be done.
    let nowhere = [("LASTROOM_MIGRATE_DATABASE_URL", "postgres://owner@127.0.0.1:1/nowhere")];
    let output = managed.run(&["migrate"], &nowhere);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "The schema is up to date.\n");
}

#[test]
fn an_application_that_owns_all_the_tables_is_not_the_owner_that_was_named() {
    let managed = Managed::new();
    managed.done(&["db", "roles"]);
    managed.done(&["migrate", "--demo=false"]);
    let name = &managed.name;
    let mut conn = managed.database.connect();
    conn.batch_execute(&format!("REASSIGN OWNED BY {name}_owner TO {name}_app")).expect("another owner");
    for command in ["serve", "migrate"] {
        let output = managed.run(&[command], &[]);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && told.contains("run lastroom db roles"), "{command}: {told}");
    }
    managed.done(&["db", "roles"]);
    managed.done(&["migrate"]);
    assert_denied(&mut PgConnection::establish(&managed.url("app")).expect("a connection"), "DELETE FROM audit_seals");
}

#[test]
fn what_only_the_owner_may_do_is_asked_for_in_one_line() {
    let managed = Managed::new();
    managed.done(&["db", "roles"]);
    let url = managed.url("app");
    // Nothing is made yet.
    for command in ["serve", "migrate"] {
        managed.refused(command, &url, BEHIND);
    }
    managed.done(&["migrate", "--demo=false"]);
    assert_eq!(managed.alone("migrate", &url).expect("nothing to do"), "The schema is up to date.\n");
    // A version later.
    let mut conn = managed.database.connect();
    let steps = "__diesel_schema_migrations";
    let last = format!("WHERE version = (SELECT max(version) FROM {steps})");
    conn.batch_execute(&format!("UPDATE {steps} SET version = 'x' || version {last}")).expect("a step less");
    managed.refused("serve", &url, BEHIND);
    conn.batch_execute(&format!("UPDATE {steps} SET version = substr(version, 2) {last}")).expect("the step");
    // Rights that are not right.
    let (name, right) = (&managed.name, managed.rights());
    conn.batch_execute(&format!("GRANT DELETE ON audit_seals TO {name}_app")).expect("a right");
    let too_much = format!("{name}_app: it may DELETE audit_seals (REVOKE DELETE ON audit_seals FROM {name}_app)");
    managed.refused("serve", &url, &too_much);
    managed.done(&["migrate"]);
    assert_eq!(managed.rights(), right);
    conn.batch_execute(&format!("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {name}_app")).expect("no rights");
    managed.refused("serve", &url, &format!("must not work as {name}_app: it may not "));
    managed.done(&["migrate"]);
    assert!(managed.alone("migrate", &url).is_ok());
}

#[test]
fn one_role_that_owns_everything_needs_no_other() {
    let managed = Managed::new();
    let admin = managed.url("admin");
    for _ in 0..2 {
        assert_eq!(managed.alone("migrate", &admin).expect("its own tables"), "The schema is up to date.\n");
    }
    // Two roles are meant where the tables are somebody else's: a superuser is not let pass for their owner.
    managed.refused("serve", &managed.database.url(), "must not work as lastroom: it is a superuser");
}
