//! Dependencies run one way, and stay as small as they are promised to be: held for every file under `src`.

mod read;

use std::fs;
use std::path::{Path, PathBuf};

/// Whoever stands earlier may use whoever stands later. `src/lib.rs` says the same.
const ORDER: &[&str] = &[
    "main",
    "cli",
    "app",
    "replay",
    "import",
    "accounts",
    "ari",
    "bookings",
    "payments",
    "holds",
    "quotes",
    "search",
    "rooms",
    "inventory",
    "rates",
    "hotels",
    "access",
    "audit",
    "outbox",
    "http",
    "db",
    "kernel",
];
/// May be used by all but the kernel, and themselves use no more than stands behind them.
const BESIDE: &[(&str, &[&str])] = &[("config", &["kernel"]), ("telemetry", &["config"]), ("schema", &[])];
/// Stand apart: who may use them, and what they may use.
const APART: &[(&str, &[&str], &[&str])] = &[("race", &["cli"], &[]), ("verify", &["cli"], &["db", "kernel"])];
/// Macros stand at the crate's root, whoever they belong to.
const MACROS: &[(&str, &str)] = &[("text_enum", "kernel"), ("carries_db", "db")];

/// Names of diesel that make or run a query.
const QUERYING: &[&str] = &[
    "prelude",
    "dsl",
    "query_dsl",
    "query_builder",
    "expression_methods",
    "RunQueryDsl",
    "QueryDsl",
    "ExpressionMethods",
    "sql_query",
    "select",
    "insert_into",
    "update",
    "delete",
];
/// May query without being called store.rs, and why.
const MAY_QUERY: &[(&str, &str)] = &[
    ("src/db/", "opens transactions, reads the clock and the catalogue"),
    ("src/schema.rs", "is what queries are made of"),
    ("src/hotels/demo.rs", "fills many tables at once, and only when they are empty"),
    ("src/http/health.rs", "asks whether the database answers at all"),
    ("src/outbox/events.rs", "is one insert"),
    ("src/outbox/jobs.rs", "is the outbox's own store: one table, every statement about it"),
    ("src/verify/check.rs", "runs any check; the checks themselves are texts"),
    ("src/payments/simulator/", "plays another company, ledger and all"),
];
/// Rules that neither the web nor the database may reach into.
const PURE: &[&str] = &["pricing.rs", "policy.rs", "restrictions.rs", "plan.rs", "state.rs", "machine.rs"];

const MAX_FILE_LINES: usize = 400;
const LONG_FILE_LINES: usize = 300;
const MAX_FUNCTION_LINES: usize = 70;
/// Longer than they should be, and why.
const LONG: &[(&str, &str)] = &[
    ("src/ari/inventory/store.rs", "the statements of one bulk change, which share what a night is to be"),
    ("src/config.rs", "one list of every setting"),
    ("src/holds/store.rs", "the one place of the hold's statements, which share their definition of live"),
    ("src/hotels/demo.rs", "eight cities' worth of data"),
    ("src/payments/store.rs", "payments and their attempts: their statements share the rows they join"),
];

pub fn sources() -> Vec<(String, String)> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).expect("src") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&root.join("src"), &mut found);
    found.sort();
    let named = |path: PathBuf| {
        let name = path.strip_prefix(root).expect("below the root").to_str().expect("UTF-8").to_owned();
        (name, fs::read_to_string(path).expect("a source"))
    };
    found.into_iter().map(named).collect()
}

/// The file's place in the crate: `src/access/guard.rs` is `access`, `guard`.
fn module(file: &str) -> Vec<&str> {
    let path = file.trim_start_matches("src/").trim_end_matches(".rs");
    path.split('/').filter(|part| *part != "mod" && *part != "lib").collect()
}

/// Why `from` may not use `to`; `None` if it may.
fn against_the_stream(from: &str, to: &str) -> Option<String> {
    let rank = |layer: &str| ORDER.iter().position(|known| *known == layer);
    let beside = |layer: &str| BESIDE.iter().find(|(known, _)| *known == layer).map(|(_, may)| *may);
    let apart = |layer: &str| APART.iter().find(|(known, ..)| *known == layer);
    let allowed = match (beside(from), beside(to)) {
        _ if apart(from).is_some() || apart(to).is_some() => {
            apart(from).is_none_or(|(_, _, may)| may.contains(&to))
                && apart(to).is_none_or(|(_, by, _)| by.contains(&from))
        }
        (Some(may), _) => may.contains(&to),
        (None, Some(_)) => from != "kernel",
        (None, None) => match (rank(from), rank(to)) {
            (Some(from), Some(to)) => from < to,
            _ => return Some(format!("{from} or {to} has no place in the order: give it one here and in src/lib.rs")),
        },
    };
    (!allowed)
        .then(|| format!("{from} uses {to}, which stands before it: move what is shared down, or send an outbox row"))
}

/// What `text` at `file` breaks of the rules of use.
fn violations(file: &str, text: &str) -> Vec<String> {
    let module = module(file);
    let Some(&layer) = module.first() else { return Vec::new() };
    let mut broken = Vec::new();
    let name = file.rsplit('/').next().unwrap_or_default();
    let pure = layer == "kernel" || PURE.contains(&name);
    let may_query = name == "store.rs" || MAY_QUERY.iter().any(|(allowed, _)| file.starts_with(allowed));
    for path in read::paths(&module, text) {
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        match parts[..] {
            ["crate" | "lastroom", to, ..] => {
                let to = MACROS.iter().find(|(known, _)| *known == to).map_or(to, |(_, owner)| owner);
                if to != layer {
                    broken.extend(against_the_stream(layer, to));
                }
            }
            ["diesel", name, ..] if QUERYING.contains(&name) && !may_query => {
                broken.push(format!("queries ({}): only store.rs does", parts.join("::")));
            }
            [root, ..] if root.starts_with("actix") && pure => {
                broken.push(format!("knows the web ({}): rules do not", parts.join("::")));
            }
            _ => {}
        }
    }
    broken.sort();
    broken.dedup();
    broken.into_iter().map(|what| format!("{file}: {what}")).collect()
}

/// What `text` at `file` breaks of the rules of size.
fn too_long(file: &str, text: &str) -> Vec<String> {
    if file == "src/schema.rs" {
        return Vec::new();
    }
    let lines = text.lines().count();
    let excused = LONG.iter().any(|(allowed, _)| *allowed == file);
    let mut broken = Vec::new();
    if lines > MAX_FILE_LINES || (lines > LONG_FILE_LINES && !excused) {
        broken.push(format!("{file}: {lines} lines; split it, or up to {MAX_FILE_LINES} give a reason in LONG"));
    }
    let long = read::functions(text).into_iter().filter(|(_, lines)| *lines > MAX_FUNCTION_LINES);
    broken.extend(long.map(|(name, lines)| format!("{file}: fn {name} has {lines} lines; split it")));
    broken
}

#[test]
fn dependencies_run_one_way() {
    let broken: Vec<_> = sources().iter().flat_map(|(file, text)| violations(file, text)).collect();
    assert!(broken.is_empty(), "the order is that of src/lib.rs:\n{}", broken.join("\n"));
}

#[test]
fn files_and_functions_stay_small() {
    let sources = sources();
    let broken: Vec<_> = sources.iter().flat_map(|(file, text)| too_long(file, text)).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    for (excused, _) in LONG {
        let lines = sources.iter().find(|(file, _)| file == excused).map(|(_, text)| text.lines().count());
        assert!(lines > Some(LONG_FILE_LINES), "{excused} needs no excuse any more: take it out of LONG");
    }
}

#[test]
fn the_map_in_lib_rs_shows_this_order() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).expect("lib.rs");
    let features = ORDER[3..15].join(" → ");
    assert!(text.contains(&features), "src/lib.rs is to say: {features}");
    assert!(text.contains("main → cli → app → features → access → audit, outbox → http → db → kernel"));
}

#[test]
fn an_invented_violation_is_reported() {
    let cases = [
        ("src/rates/plan.rs", "use crate::holds::place::Placed;", "rates uses holds"),
        ("src/holds/place.rs", "fn f() { crate::app::description(); }", "holds uses app"),
        ("src/db/pool.rs", "use super::super::access::guard;", "db uses access"),
        ("src/db/pool.rs", "mod tests { use super::super::super::cli; }", "db uses cli"),
        ("src/kernel/ids.rs", "use crate::config::Config;", "kernel uses config"),
        ("src/config.rs", "use crate::db::Db;", "config uses db"),
        ("src/search/find.rs", "#[diesel(table_name = crate::payments::store)] struct S;", "search uses payments"),
        ("src/quotes/create.rs", "fn f() { wrap!(a, crate::bookings::paid::x()) }", "quotes uses bookings"),
        ("src/verify/stock.rs", "use crate::inventory::store;", "verify uses inventory"),
        ("src/holds/place.rs", "use crate::verify::examine;", "holds uses verify"),
        ("src/race/hotel.rs", "use crate::kernel::ids::HotelId;", "race uses kernel"),
        ("src/app.rs", "use crate::race::Plan;", "app uses race"),
        ("src/pets/feed.rs", "use crate::db::Db;", "pets or db has no place"),
        ("src/holds/place.rs", "use diesel::prelude::*;", "queries (diesel::prelude)"),
        ("src/holds/place.rs", "fn f() { diesel::insert_into(t); }", "queries (diesel::insert_into)"),
        ("src/rates/pricing.rs", "use actix_web::{HttpResponse, web};", "knows the web"),
        ("src/kernel/money.rs", "use diesel::{Connection, RunQueryDsl};", "queries (diesel::RunQueryDsl)"),
    ];
    for (file, text, expected) in cases {
        let broken = violations(file, text);
        assert!(
            !broken.is_empty() && broken.iter().all(|line| line.contains(expected)),
            "{file}: {text}\nreported {broken:?}"
        );
    }
    assert_eq!(violations("src/holds/store.rs", "use crate::{db::Db, kernel::ids}; use diesel::prelude::*;").len(), 0);
    let long = format!("impl T {{\n    pub async fn f<T>() {{\n{}    }}\n}}\n", "        g();\n".repeat(69));
    assert_eq!(too_long("src/a.rs", &long), ["src/a.rs: fn f has 71 lines; split it"]);
    assert_eq!(too_long("src/a.rs", &"//\n".repeat(301)).len(), 1);
}
