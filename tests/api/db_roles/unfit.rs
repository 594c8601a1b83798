//! An application that could take back what it wrote: brought right by `db roles` where something can be revoked, refused
//! by name otherwise; and the same at each start, as the owner may. The application alone sees as much and mends nothing.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use lastroom::db::roles::{self, Login, Roles, RolesError, Standing};

use super::Managed;

/// What becomes of a wrong set-up; of a refusal, what it says.
#[derive(Clone, Copy)]
enum Then {
    IsMended,
    Refuses(&'static str),
}
use Then::{IsMended, Refuses};

/// A wrong set-up; then what the next start does, and what `db roles` does. `{db}`, `{app}`, `{owner}`, `{admin}` and
/// `{team}` (a role of nothing) stand for names.
struct Case {
    wrong: &'static str,
    start: Then,
    db_roles: Then,
}

const fn case(wrong: &'static str, start: Then, db_roles: Then) -> Case {
    Case { wrong, start, db_roles }
}

const CASES: &[Case] = &[
    // What the role is.
    case(
        "ALTER ROLE {app} SUPERUSER",
        Refuses("must not work as {app}: it is a superuser (ALTER ROLE {app} NOSUPERUSER)"),
        Refuses("{app}: it is a superuser (ALTER ROLE {app} NOSUPERUSER)"),
    ),
    case(
        "ALTER ROLE {app} CREATEROLE",
        Refuses("it may create roles (ALTER ROLE {app} NOCREATEROLE)"),
        Refuses("it may create roles (ALTER ROLE {app} NOCREATEROLE)"),
    ),
    case(
        "ALTER ROLE {app} BYPASSRLS",
        Refuses("it bypasses row security (ALTER ROLE {app} NOBYPASSRLS)"),
        Refuses("it bypasses row security (ALTER ROLE {app} NOBYPASSRLS)"),
    ),
    // What it owns.
    case(
        "ALTER DATABASE {db} OWNER TO {app}; GRANT {app} TO {admin}",
        Refuses("it owns the database (ALTER DATABASE {db} OWNER TO {owner})"),
        Refuses("it owns the database (ALTER DATABASE {db} OWNER TO {owner})"),
    ),
    case(
        "ALTER SCHEMA public OWNER TO {app}; GRANT {app} TO {admin}",
        Refuses("it owns the schema public (ALTER SCHEMA public OWNER TO {owner})"),
        Refuses("it owns the schema public (ALTER SCHEMA public OWNER TO {owner})"),
    ),
    case(
        "CREATE SCHEMA {owner} AUTHORIZATION {app}",
        Refuses("it owns the schema {owner} (ALTER SCHEMA {owner} OWNER TO {owner})"),
        Refuses("it owns the schema {owner}"),
    ),
    case("ALTER TABLE audit_seals OWNER TO {app}", Refuses("it owns table public.audit_seals"), IsMended),
    case(
        "ALTER TABLE quotes OWNER TO {app}; ALTER TABLE audit_entries OWNER TO {app}",
        Refuses("it owns table public.audit_entries and 1 more (REASSIGN OWNED BY {app} TO {owner})"),
        IsMended,
    ),
    case(
        "CREATE FUNCTION lower(jsonb) RETURNS text LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION lower(jsonb) OWNER TO {app}",
        Refuses("it owns function public.lower(pg_catalog.jsonb) (REASSIGN OWNED BY {app} TO {owner})"),
        Refuses("it owns function public.lower(pg_catalog.jsonb)"),
    ),
    // Whom it can become.
    case(
        "GRANT {owner} TO {app}",
        Refuses("it is a member of {owner}, which is the owner (REVOKE {owner} FROM {app})"),
        IsMended,
    ),
    case(
        "ALTER ROLE {app} NOINHERIT; GRANT {owner} TO {team}; GRANT {team} TO {app}",
        Refuses("it is a member of {owner}, which is the owner (REVOKE {team} FROM {app})"),
        IsMended,
    ),
    case(
        "ALTER TABLE audit_entries OWNER TO {team}; GRANT {team} TO {app}",
        Refuses("it is a member of {team}, which owns table public.audit_entries (REVOKE {team} FROM {app})"),
        IsMended,
    ),
    case(
        "GRANT {admin} TO {app}",
        Refuses("it is a member of {admin}, which owns the database (REVOKE {admin} FROM {app})"),
        IsMended,
    ),
    case("GRANT pg_write_all_data TO {app}", Refuses("pg_write_all_data, which may write every table"), IsMended),
    case("GRANT pg_execute_server_program TO {app}", Refuses("which may run programs on the server"), IsMended),
    case("GRANT pg_write_server_files TO {team}; GRANT {team} TO {app}", Refuses("may write files of the"), IsMended),
    // Where it may put things: up to PostgreSQL 14 everybody may in `public`.
    case(
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        Refuses("it may create objects in the schema public (REVOKE CREATE ON SCHEMA public FROM PUBLIC)"),
        IsMended,
    ),
    case(
        "GRANT CREATE ON SCHEMA public TO {app}",
        Refuses("it may create objects in the schema public (REVOKE CREATE ON SCHEMA public FROM {app})"),
        IsMended,
    ),
    case(
        "GRANT CREATE ON SCHEMA public TO {team}; GRANT {team} TO {app}",
        Refuses("it may create objects in the schema public (REVOKE CREATE ON SCHEMA public FROM {team})"),
        IsMended,
    ),
    case(
        "GRANT CREATE ON DATABASE {db} TO {app}",
        Refuses("it may create schemas (REVOKE CREATE ON DATABASE {db} FROM {app})"),
        IsMended,
    ),
    // What it may do to tables: the owner takes that back at each start.
    case("GRANT UPDATE (action) ON audit_entries TO {app}", IsMended, IsMended),
    case("GRANT ALL ON audit_entries TO {app}; GRANT TRUNCATE ON quotes TO {app}", IsMended, IsMended),
    case("GRANT DELETE ON audit_seals TO PUBLIC; GRANT UPDATE (hash) ON audit_seals TO PUBLIC", IsMended, IsMended),
    case("GRANT TRIGGER, REFERENCES ON hotels TO {app}", IsMended, IsMended),
    case(
        "ALTER ROLE {app} NOINHERIT; GRANT UPDATE ON audit_entries TO {team}; GRANT {team} TO {app}",
        IsMended,
        IsMended,
    ),
    case("REVOKE INSERT ON quotes FROM {app}; REVOKE SELECT ON audit_entries FROM {app}", IsMended, IsMended),
    // But for what somebody else has given, or owns.
    case(
        "GRANT UPDATE ON audit_entries TO {team} WITH GRANT OPTION; SET ROLE {team};
         GRANT UPDATE ON audit_entries TO {app}; RESET ROLE",
        Refuses("it may UPDATE audit_entries (REVOKE UPDATE ON audit_entries FROM {app})"),
        Refuses("it may UPDATE audit_entries (REVOKE UPDATE ON audit_entries FROM {app})"),
    ),
    case(
        "ALTER TABLE audit_seals OWNER TO {team}; GRANT UPDATE ON audit_seals TO {app}",
        Refuses("it may UPDATE audit_seals (REVOKE UPDATE ON audit_seals FROM {app})"),
        IsMended,
    ),
];

struct Names<'a>(&'a str);

impl Names<'_> {
    fn name(&self, role: &str) -> String {
        format!("{}_{role}", self.0)
    }

    fn filled(&self, text: &str) -> String {
        ["app", "owner", "admin", "team"]
            .iter()
            .fold(text.replace("{db}", self.0), |text, role| text.replace(&format!("{{{role}}}"), &self.name(role)))
    }

    fn roles(&self) -> Roles {
        let login = |role| Login { name: self.name(role), password: None };
        Roles { owner: login("owner"), application: login("app") }
    }

    /// Runs `work` as if `role` had signed in.
    fn acting<T>(&self, conn: &mut PgConnection, role: &str, work: impl FnOnce(&mut PgConnection) -> T) -> T {
        conn.batch_execute(&format!("SET SESSION AUTHORIZATION {}", self.name(role))).expect("a role");
        let done = work(conn);
        conn.batch_execute("RESET SESSION AUTHORIZATION").expect("the superuser again");
        done
    }

    fn start(&self, conn: &mut PgConnection) -> Result<bool, RolesError> {
        self.acting(conn, "owner", |conn| roles::grant(conn, &self.name("app")))
    }

    fn db_roles(&self, conn: &mut PgConnection) -> Result<(), RolesError> {
        self.acting(conn, "admin", |conn| roles::establish(conn, &self.roles()))
    }

    /// What the application finds of itself.
    fn seen(&self, conn: &mut PgConnection) -> Result<(), RolesError> {
        match self.acting(conn, "app", roles::standing)? {
            Standing::Application { name, faults } if !faults.is_empty() => {
                Err(RolesError::Unfit { application: name, faults })
            }
            Standing::Application { .. } => Ok(()),
            Standing::Owner => panic!("the application owns nothing that matters"),
        }
    }

    /// What is not as `then` says.
    fn judged<T>(&self, what: &str, then: Then, done: Result<T, RolesError>) -> Option<String> {
        match (then, done) {
            (IsMended, Ok(_)) => None,
            (Refuses(says), Err(error @ RolesError::Unfit { .. }))
                if error.to_string().contains(&self.filled(says)) =>
            {
                None
            }
            (IsMended, Err(error)) => Some(format!("{what}: {error}")),
            (Refuses(says), Ok(_)) => Some(format!("{what} does not say {says}")),
            (Refuses(says), Err(error)) => Some(format!("{what} does not say {says} but {error}")),
        }
    }

    /// Tries a set-up, of which nothing is left; what is not as it should be.
    fn tried(&self, conn: &mut PgConnection, case: &Case) -> Vec<String> {
        let mut wrong = Vec::new();
        for (what, then, is_start) in [("start", case.start, true), ("db roles", case.db_roles, false)] {
            let rolled_back = conn.transaction::<(), DieselError, _>(|conn| {
                conn.batch_execute(&self.filled(case.wrong))?;
                let what = format!("{}: {what}", case.wrong);
                let all = Refuses("the server must not work as {app}: it ");
                let alone = if let Refuses(_) = case.start { case.start } else { all };
                wrong.extend(self.judged(&format!("{what}, seen alone"), alone, self.seen(conn)));
                let done = if is_start { self.start(conn).map(|_| ()) } else { self.db_roles(conn) };
                wrong.extend(self.judged(&what, then, done));
                if let IsMended = then {
                    let again = self.start(conn);
                    wrong.extend((!matches!(again, Ok(false))).then(|| format!("{what}, and then a start: {again:?}")));
                    wrong.extend(self.judged(&format!("{what}, and then seen alone"), IsMended, self.seen(conn)));
                }
                Err(DieselError::RollbackTransaction)
            });
            assert!(matches!(rolled_back, Err(DieselError::RollbackTransaction)), "{}: {rolled_back:?}", case.wrong);
        }
        wrong
    }
}

#[test]
fn whoever_could_take_back_what_it_wrote_is_mended_or_refused_by_name() {
    let managed = Managed::new();
    for command in [&["db", "roles"], &["migrate", "--demo=false"]] {
        managed.done(command);
    }
    let names = Names(&managed.name);
    let mut conn = managed.database.connect();
    conn.batch_execute(&names.filled("CREATE ROLE {team}; SET client_min_messages = error")).expect("a team");
    assert!(matches!(names.start(&mut conn), Ok(false)), "what is right starts quietly");
    assert!(matches!(names.seen(&mut conn), Ok(())), "and is right to the application itself");
    let wrong: Vec<_> = CASES.iter().flat_map(|case| names.tried(&mut conn, case)).collect();
    // What is not ours is left alone: somebody else's table, and an extension's.
    let others = "CREATE TABLE theirs (x int); GRANT TRUNCATE ON theirs TO PUBLIC; ALTER TABLE theirs OWNER TO {team}";
    conn.batch_execute(&names.filled(others)).expect("a table");
    let beside = names.start(&mut conn);
    let itself = names.acting(&mut conn, "app", |conn| roles::establish(conn, &names.roles()));
    conn.batch_execute(&names.filled("DROP TABLE theirs; DROP ROLE {team}")).expect("its end");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(matches!(beside, Ok(false)), "{beside:?}");
    assert!(matches!(itself, Err(RolesError::MakesItself(_))), "{itself:?}");
}

#[test]
fn a_server_does_not_start_as_whoever_could_take_back_what_it_wrote() {
    let managed = Managed::new();
    managed.done(&["db", "roles"]);
    managed.done(&["migrate", "--demo=false"]);
    let app = Names(&managed.name).name("app");
    managed.database.connect().batch_execute(&format!("ALTER ROLE {app} CREATEROLE")).expect("a right");
    for command in ["serve", "migrate"] {
        let output = managed.run(&[command], &[]);
        assert_eq!(output.status.code(), Some(1));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let refusal = format!(
            "lastroom: the server must not work as {app}: it may create roles (ALTER ROLE {app} NOCREATEROLE)\n"
        );
        assert!(told.ends_with(&refusal), "{told}");
    }
}
