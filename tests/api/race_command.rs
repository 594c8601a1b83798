//! `lastroom race` as somebody in doubt runs it: it finds nothing where all is well, and finds what is wrong.

use std::fs::Permissions;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::actors::PASSWORD;
use crate::support::home::kill;
use crate::support::{TestApp, program};

const ADMIN: &str = "admin@lastroom.test";

/// A folder that the race's own server may be below, whoever PostgreSQL runs as.
fn ground() -> TempDir {
    tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().expect("a folder")
}

fn lastroom(ground: &Path, arguments: &str, password: &str) -> Command {
    let below = ground.to_str().expect("UTF-8");
    let mut command = program::lastroom(ground, &[("TMPDIR", below), ("LASTROOM_RACE_PASSWORD", password)]);
    command.arg("race").args(arguments.split_whitespace());
    command
}

/// Exit code, standard output and standard error.
fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// Against a running server, by an account.
fn race_by(email: &str, password: &str, url: &str, arguments: &str) -> (Option<i32>, String, String) {
    let arguments = format!("--url {url} --email {email} {arguments}");
    told(&lastroom(ground().path(), &arguments, password).output().expect("the binary"))
}

fn race_at(app: &TestApp, arguments: &str) -> (Option<i32>, String, String) {
    race_by(ADMIN, PASSWORD, &app.url(""), arguments)
}

/// On a server of its own, which leaves nothing behind: no file, no process.
#[track_caller]
fn race_at_home(arguments: &str) -> (Option<i32>, String, String) {
    let ground = ground();
    let output = lastroom(ground.path(), arguments, PASSWORD).output().expect("the binary");
    assert_nothing_left(ground.path());
    told(&output)
}

#[track_caller]
fn assert_nothing_left(ground: &Path) {
    let left: Vec<_> = ground.read_dir().expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
    assert_eq!(left, Vec::<std::path::PathBuf>::new());
    let listed = Command::new("ps").args(["-eo", "args"]).output().expect("ps is installed");
    let processes = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(!processes.contains(ground.to_str().expect("UTF-8")), "{processes}");
}

fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| panic!("no JSON: {text}"))
}

fn kinds(document: &Value) -> Vec<&str> {
    let faults = document["faults"].as_array().expect("faults");
    let mut kinds: Vec<_> = faults.iter().map(|fault| fault["kind"].as_str().expect("a kind")).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

#[test]
fn at_home_one_guest_a_round_wins_and_nothing_is_left_behind() {
    let (code, text, error) = race_at_home("--clients 8 --rooms 1 --rounds 2 --json");
    assert_eq!(code, Some(0), "{text}{error}");
    let race = document(&text);
    let answers = json!([{ "call": "hold", "answer": "201", "count": 2 },
                         { "call": "hold", "answer": "409 sold_out", "count": 14 }]);
    assert_eq!((&race["answers"], &race["is_clean"], &race["faults"]), (&answers, &json!(true), &json!([])));
    assert_eq!((&race["sound_rounds"], &race["nights"], &race["oversold_nights"]), (&json!(2), &json!(2), &json!(0)));
    assert!(race["latency_ms"]["hold"]["p99"].as_f64() > Some(0.0), "{race}");
}

#[test]
fn in_chaos_each_kill_is_recovered_from_and_each_winner_has_paid_and_booked() {
    let (code, text, error) = race_at_home("--clients 6 --rooms 2 --rounds 2 --nights 2 --pay --chaos --json");
    assert_eq!(code, Some(0), "{text}{error}");
    let race = document(&text);
    let count = |call: &str, answer: &str| {
        let answers = race["answers"].as_array().expect("answers");
        answers.iter().find(|line| line["call"] == call && line["answer"] == answer).map(|line| line["count"].clone())
    };
    assert_eq!(count("hold", "201"), Some(json!(4)));
    assert_eq!(count("hold", "409 sold_out"), Some(json!(8)));
    assert_eq!((count("payment", "201"), count("booking", "201")), (Some(json!(4)), Some(json!(4))));
    assert_eq!((&race["kills"], &race["nights"], &race["oversold_nights"]), (&json!(2), &json!(4), &json!(0)));
}

#[test]
fn interrupted_it_stops_its_server_and_judges_nothing() {
    let ground = ground();
    let mut command = lastroom(ground.path(), "--clients 2 --rounds 1000", PASSWORD);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary");
    let mut lines = BufReader::new(child.stderr.take().expect("its standard error")).lines();
    let begun = lines.find(|line| line.as_ref().is_ok_and(|line| line.starts_with("round 1 ")));
    assert!(begun.is_some(), "no round was run");
    kill("-INT", &[child.id()]);
    let last = lines.map_while(Result::ok).last();
    assert_eq!(last.as_deref(), Some("lastroom: interrupted before the end"));
    let (code, text, _) = told(&child.wait_with_output().expect("its end"));
    assert_eq!((code, text.as_str()), (Some(2), ""));
    assert_nothing_left(ground.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn at_a_running_server_it_prints_a_table_and_takes_its_hotel_away_again() {
    let app = TestApp::start().await;
    app.admin();
    let (code, table, error) = race_at(&app, "--clients 5 --rooms 2 --rounds 1 --nights 3 --chaos");
    assert_eq!(code, Some(0), "{table}{error}");
    let lines: Vec<String> = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for line in ["hold 201 2", "hold 409 sold_out 3", "oversold nights, by the inventory 0 of 3", "lost 0"] {
        assert!(lines.iter().any(|found| found == line), "{line}: {table}");
    }
    assert!(table.ends_with("Nothing was oversold, nothing was lost.\n"), "{table}");
    assert_eq!((app.rows("holds"), app.number("SELECT count(*) FROM hotels WHERE deleted_at IS NULL")), (2, 0));
    app.verified();

    let (code, table, error) = race_at(&app, "--clients 3 --rooms 4 --rounds 1 --pay");
    assert_eq!(code, Some(0), "{table}{error}");
    assert!(table.contains("the race hotel stays: "), "{table}");
    assert_eq!((app.rows("bookings"), app.number("SELECT count(*) FROM hotels WHERE deleted_at IS NULL")), (3, 1));
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_oversells_loses_rooms_or_fails_is_found_out() {
    let app = TestApp::start().await;
    app.admin();
    let rule = |rule: &str| {
        app.execute(&format!(
            "CREATE OR REPLACE FUNCTION bent() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN {rule}; RETURN NEW; END $$;
             CREATE OR REPLACE TRIGGER bent BEFORE UPDATE ON inventory FOR EACH ROW EXECUTE FUNCTION bent()"
        ));
    };

    rule("NEW.held = 0");
    let (code, text, _) = race_at(&app, "--clients 4 --rooms 1 --rounds 1 --json");
    let race = document(&text);
    assert_eq!((code, &race["winners"]), (Some(1), &json!(4)), "{text}");
    assert_eq!(kinds(&race), ["lost", "oversold"]);
    assert_eq!(race["faults"][0]["says"], "4 guests were given one of 1 rooms");

    rule("NEW.held = NEW.held + greatest(NEW.held - OLD.held, 0)");
    let (code, text, _) = race_at(&app, "--clients 4 --rooms 2 --rounds 1 --json");
    let race = document(&text);
    assert_eq!((code, &race["winners"]), (Some(1), &json!(1)), "{text}");
    assert_eq!(kinds(&race), ["lost"]);

    rule("NULL");
    app.execute("ALTER TABLE hold_items RENAME TO hold_items_gone");
    let (code, table, _) = race_at(&app, "--clients 2 --rooms 1 --rounds 1");
    assert_eq!(code, Some(1), "{table}");
    assert!(table.contains("500 internal") && table.contains("NOT CLEAN."), "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_raced_ends_it_with_2_and_one_line() {
    let app = TestApp::start().await;
    app.admin();
    let guest = app.guest();
    let url = app.url("");
    let refused = |(code, text, error): (Option<i32>, String, String), expected: &str| {
        assert_eq!((code, text.as_str()), (Some(2), ""), "{expected}: {error}");
        let last = error.lines().last().unwrap_or_default();
        assert!(last.starts_with("lastroom: ") && last.contains(expected), "{expected}: {error}");
        assert!(!error.contains(PASSWORD), "{error}");
    };
    // Port 1 has no server.
    refused(race_by(ADMIN, PASSWORD, "http://127.0.0.1:1", ""), "cannot reach http://127.0.0.1:1: ");
    refused(race_by(ADMIN, PASSWORD, "localhost:8080", ""), "--url must begin with http:// or https://");
    refused(race_by(ADMIN, PASSWORD, &format!("{url}/somewhere"), ""), "does not answer like Lastroom: 404");
    refused(race_by(ADMIN, "not the right horse", &url, ""), "the address or the password is wrong");
    refused(race_by(&guest.email, PASSWORD, &url, ""), "is no admin");
    let options = |arguments: &str| race_at_home(arguments);
    refused(options(&format!("--url {url}")), "--url needs --email and --password");
    refused(options("--email admin@lastroom.test"), "--email is for a server that runs");
    for (arguments, rule) in [
        ("--clients 0", "--clients must be 1 to 1000"),
        ("--rooms 0", "--rooms must be 1 to 1000"),
        ("--rounds 0", "--rounds must be 1 to 1000"),
        ("--nights 0", "--nights must be 1 to 99"),
        ("--clients 1000000", "--clients must be 1 to 1000"),
        ("--rounds 1000 --nights 99", "--rounds times --nights must be at most 3600"),
    ] {
        refused(options(arguments), rule);
    }
    assert_eq!(app.rows("hotels"), 0, "nothing was made");

    let ground = ground();
    let mut command = lastroom(ground.path(), "--clients 1 --rounds 1", PASSWORD);
    command.env("LASTROOM_PG_BIN", "/nowhere");
    refused(told(&command.output().expect("the binary")), "cannot start a server for the race: ");
    assert_nothing_left(ground.path());
}

#[test]
#[ignore = "slow: four races of thousands of claims, 60 kills, 10 minutes"]
fn two_hundred_guests_race_at_home_in_peace_and_in_chaos() {
    for what in ["--clients 200 --rooms 1 --rounds 50", "--clients 100 --rooms 7 --nights 3 --pay"] {
        for how in ["", " --chaos"] {
            let (code, table, error) = race_at_home(&format!("{what}{how}"));
            eprintln!("{table}");
            assert_eq!(code, Some(0), "{table}{error}");
        }
    }
}
