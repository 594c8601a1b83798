//! The schema's steps, and rules that every table keeps.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_migrations::MigrationHarness;
use lastroom::db::migrate::{self, MIGRATIONS};

use crate::support::database::{Database, Start};

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// The lines that a query with one text column named `line` finds.
pub fn lines(conn: &mut PgConnection, sql: &str) -> Vec<String> {
    let found: Vec<Line> = diesel::sql_query(sql).load(conn).unwrap_or_else(|error| panic!("{error}: {sql}"));
    found.into_iter().map(|found| found.line).collect()
}

/// Everything that a step can make, each on a line.
fn catalogue(conn: &mut PgConnection) -> Vec<String> {
    lines(
        conn,
        "WITH own AS (
             SELECT c.oid, c.relname, c.relkind, c.reloptions FROM pg_class c
             WHERE c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE '\\_\\_diesel%'
         )
         SELECT format('%s %s %s', relkind, relname, reloptions) AS line FROM own
         UNION ALL
         SELECT format('column %s.%s %s %s null:%s generated:%s default:%s', relname, attnum, attname,
                       format_type(atttypid, atttypmod), NOT attnotnull, attgenerated, pg_get_expr(adbin, adrelid))
         FROM own JOIN pg_attribute ON attrelid = oid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
         WHERE relkind IN ('r', 'v', 'm', 'p') AND attnum > 0 AND NOT attisdropped
         UNION ALL
         SELECT format('constraint %s.%s %s', relname, conname, pg_get_constraintdef(k.oid))
         FROM own JOIN pg_constraint k ON conrelid = own.oid
         UNION ALL
         SELECT format('index %s', pg_get_indexdef(indexrelid)) FROM own JOIN pg_index ON indrelid = oid
         UNION ALL
         SELECT format('comment %s %s', pg_describe_object(classoid, objoid, objsubid), description)
         FROM pg_description WHERE objoid >= 16384
         UNION ALL
         SELECT format('function %s', pg_get_functiondef(oid)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
             AND prokind <> 'a' AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
         UNION ALL
         SELECT format('trigger %s', pg_get_triggerdef(t.oid)) FROM own JOIN pg_trigger t ON tgrelid = own.oid
         WHERE NOT tgisinternal
         UNION ALL
         SELECT format('extension %s', extname) FROM pg_extension
         UNION ALL
         SELECT format('type %s', typname) FROM pg_type
         WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd') ORDER BY 1",
    )
}

/// Fails with the lines that only one side has.
#[track_caller]
fn assert_same(what: &str, before: &[String], after: &[String]) {
    let lost: Vec<_> = before.iter().filter(|line| !after.contains(line)).collect();
    let left: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
    assert!(lost.is_empty() && left.is_empty(), "{what}:\nlost {lost:#?}\nleft behind {left:#?}");
}

fn steps() -> Vec<Box<dyn Migration<Pg>>> {
    MIGRATIONS.migrations().expect("the steps")
}

#[test]
fn every_step_can_be_taken_back_and_taken_again() {
    let database = Database::create(Start::Blank);
    let mut conn = database.connect();
    assert!(!migrate::is_current(&mut conn).expect("no steps taken"));
    conn.pending_migrations(MIGRATIONS).expect("diesel's own table is made");
    let mut before = catalogue(&mut conn);
    let blank = before.clone();
    for step in steps() {
        conn.run_migration(&*step).unwrap_or_else(|error| panic!("{} up: {error}", step.name()));
        let up = catalogue(&mut conn);
        assert_ne!(before, up, "{} changes nothing that the catalogue shows", step.name());
        conn.revert_migration(&*step).unwrap_or_else(|error| panic!("{} down: {error}", step.name()));
        assert_same(&format!("{}: down.sql is to undo up.sql", step.name()), &before, &catalogue(&mut conn));
        conn.run_migration(&*step).unwrap_or_else(|error| panic!("{} up again: {error}", step.name()));
        assert_same(&format!("{}: up, down, up", step.name()), &up, &catalogue(&mut conn));
        before = up;
    }
    assert!(migrate::is_current(&mut conn).expect("the steps taken"));
    conn.revert_all_migrations(MIGRATIONS).expect("all down");
    assert_same("all steps down", &blank, &catalogue(&mut conn));
    assert_eq!(migrate::run_pending(&mut conn).expect("all up"), steps().len());
    assert_eq!(migrate::run_pending(&mut conn).expect("nothing to do"), 0);
    assert_same("all steps up", &before, &catalogue(&mut conn));
}

#[test]
fn many_processes_may_migrate_at_once() {
    let database = Database::create(Start::Blank);
    let taken: usize = std::thread::scope(|scope| {
        let migrate = || migrate::run_pending(&mut database.connect()).expect("one waits for the other");
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(migrate)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    assert_eq!(taken, steps().len(), "each step is taken once");
}

/// What diesel calls a type of PostgreSQL.
fn diesel_type(sql: &str, nullable: bool) -> String {
    let array = sql.strip_suffix("[]");
    let name = match array.unwrap_or(sql).split('(').next().unwrap_or_default() {
        "uuid" => "Uuid",
        "text" => "Text",
        "timestamp with time zone" => "Timestamptz",
        "smallint" => "Int2",
        "integer" => "Int4",
        "bigint" => "Int8",
        "boolean" => "Bool",
        "jsonb" => "Jsonb",
        "bytea" => "Bytea",
        "date" => "Date",
        "time without time zone" => "Time",
        "numeric" => "Numeric",
        "double precision" => "Float8",
        other => panic!("{other} is a type that diesel_type() does not know yet: add it"),
    };
    let whole = if array.is_some() { format!("Array<Nullable<{name}>>") } else { name.to_owned() };
    if nullable { format!("Nullable<{whole}>") } else { whole }
}

/// `table.column` to its type, as `src/schema.rs` has it.
fn written_schema() -> BTreeMap<String, String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/schema.rs")).expect("schema.rs");
    let mut table = String::new();
    let mut columns = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with("diesel::")) {
        if let Some((column, written)) = line.trim().trim_end_matches(',').split_once(" -> ") {
            columns.insert(format!("{table}.{column}"), written.to_owned());
        } else if line.ends_with(") {") {
            line.trim().split(' ').next().unwrap_or_default().clone_into(&mut table);
        }
    }
    columns
}

#[test]
fn schema_rs_is_in_step_with_the_database() {
    let database = Database::create(Start::Migrated);
    let found = lines(
        &mut database.connect(),
        "SELECT format('%s.%s|%s|%s', relname, attname, format_type(atttypid, atttypmod), NOT attnotnull) AS line
         FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
         WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname NOT LIKE '\\_\\_diesel%'
           AND attnum > 0 AND NOT attisdropped",
    );
    let column = |line: &String| {
        let mut parts = line.split('|').map(str::to_owned);
        let (name, sql, nullable) = (parts.next()?, parts.next()?, parts.next()?);
        Some((name, diesel_type(&sql, nullable == "t")))
    };
    let real: BTreeMap<_, _> = found.iter().filter_map(column).collect();
    let written = written_schema();
    assert!(written.len() > 200, "schema.rs was read: {} columns", written.len());
    let differing: Vec<_> = real
        .keys()
        .chain(written.keys())
        .filter(|name| real.get(*name) != written.get(*name))
        .map(|name| format!("{name}: database {:?}, schema.rs {:?}", real.get(name), written.get(name)))
        .collect();
    assert!(differing.is_empty(), "run `diesel print-schema` (see CONTRIBUTING.md):\n{}", differing.join("\n"));
}

/// Tables with a `hotel_id` that is not merely a note.
const OF_A_HOTEL: &str = "SELECT attrelid AS id, attnum FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
    WHERE attname = 'hotel_id' AND attnotnull AND relkind = 'r' AND relnamespace = 'public'::regnamespace";

/// A rule that every table keeps, and a query for those that do not; `{HOTEL}` stands for [`OF_A_HOTEL`].
const RULES: &[(&str, &str)] = &[
    (
        "a foreign key without an index locks and scans when its target changes; CREATE INDEX for it",
        "SELECT conrelid::regclass || ': ' || pg_get_constraintdef(k.oid) AS line FROM pg_constraint k
         WHERE contype = 'f' AND NOT EXISTS (
             SELECT 1 FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indpred IS NULL
               AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
               AND k.conkey @> (i.indkey::int2[])[0:cardinality(k.conkey) - 1])",
    ),
    (
        "tables are to be distributable by hotel: PRIMARY KEY (hotel_id, …)",
        "SELECT h.id::regclass::text AS line FROM ({HOTEL}) h LEFT JOIN pg_index i ON indrelid = h.id AND indisprimary
         WHERE i.indkey[0] IS DISTINCT FROM h.attnum",
    ),
    (
        "a hotel's rows may name their own hotel's rows only, by (hotel_id, …) and never users: they may be elsewhere",
        "WITH hotel AS ({HOTEL})
         SELECT k.conrelid::regclass || ': ' || pg_get_constraintdef(k.oid) AS line
         FROM pg_constraint k JOIN hotel h ON h.id = k.conrelid LEFT JOIN hotel t ON t.id = k.confrelid
         WHERE contype = 'f' AND (t.id IS NULL OR k.conkey[1] <> h.attnum OR k.confkey[1] <> t.attnum)",
    ),
    (
        "a unique index that spans hotels cannot be distributed: begin it with hotel_id",
        "SELECT indexrelid::regclass::text AS line FROM ({HOTEL}) h JOIN pg_index i ON indrelid = h.id
         WHERE indisunique AND i.indkey[0] <> h.attnum",
    ),
    (
        "a sequence is one place that every shard would ask; use a UUIDv7",
        "SELECT oid::regclass::text AS line FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace",
    ),
    (
        "money is bigint in minor units and time is timestamptz; nothing floats but coordinates",
        "SELECT attrelid::regclass || '.' || attname AS line FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
         WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attnum > 0 AND attname NOT IN ('lat', 'lon')
           AND relname NOT LIKE '\\_\\_diesel%'
           AND atttypid IN ('float4'::regtype, 'float8'::regtype, 'money'::regtype, 'timestamp'::regtype)",
    ),
];

fn offenders(conn: &mut PgConnection, rule: &str) -> Vec<String> {
    lines(conn, &rule.replace("{HOTEL}", OF_A_HOTEL))
}

#[test]
fn every_table_keeps_the_rules() {
    let database = Database::create(Start::Migrated);
    let mut conn = database.connect();
    for (rule, query) in RULES {
        let offenders = offenders(&mut conn, query);
        assert!(offenders.is_empty(), "{rule}:\n{}", offenders.join("\n"));
    }
}

#[test]
fn an_invented_table_breaks_every_rule() {
    let database = Database::create(Start::Migrated);
    let mut conn = database.connect();
    let table = "CREATE TABLE stray (stray_id serial PRIMARY KEY, hotel_id uuid NOT NULL, price float8, seen timestamp,
                                     user_id uuid REFERENCES users)";
    diesel::sql_query(table).execute(&mut conn).expect("a table");
    for (rule, query) in RULES {
        let found = offenders(&mut conn, query);
        assert!(!found.is_empty() && found.iter().all(|line| line.starts_with("stray")), "{rule}: {found:?}");
    }
}
