//! `lastroom verify` as an operator runs it.

use std::process::Output;

use serde_json::Value;

use crate::support::app::SECRET;
use crate::support::database::{Database, Start};
use crate::support::home::Home;
use crate::support::{Hotel, TestApp, program};

/// The binary in an empty folder, with nothing of this machine's environment.
fn lastroom(arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    program::lastroom(folder.path(), settings).args(arguments).output().expect("the binary")
}

fn on(url: &str, arguments: &[&str]) -> Output {
    lastroom(arguments, &[("DATABASE_URL", url), ("LASTROOM_SECRET_KEY", SECRET)])
}

/// What it printed, and how it ended.
fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_server_it_prints_a_line_an_invariant_and_ends_with_0_or_1() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    let url = app.database.url();

    let (code, table, error) = told(&on(&url, &["verify"]));
    assert_eq!((code, error.as_str()), (Some(0), ""), "{table}");
    let lines: Vec<Vec<_>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["invariant", "rows", "breaches"]);
    assert!(lines.contains(&vec!["stock.held_is_what_holds_take", "60", "0"]), "{table}");
    assert!(lines.contains(&vec!["money.authorised_is_awaited", "1", "0"]), "{table}");
    let all = lastroom::verify::checks().count();
    assert_eq!(lines.len(), all + 2);
    assert!(table.trim_end().ends_with(&format!("All {all} invariants hold.")), "{table}");

    app.execute(
        "UPDATE inventory SET held = held + 1 WHERE stay_date > (SELECT max(stay_date) - 25 FROM inventory)
                 AND held = 0; UPDATE inventory SET capacity = 2",
    );
    let (code, table, _) = told(&on(&url, &["verify"]));
    assert_eq!(code, Some(1), "{table}");
    let told_by: Vec<_> = table.lines().skip_while(|line| !line.starts_with("stock.held")).take(23).collect();
    assert!(told_by[0].ends_with(" 25"), "{table}");
    assert_eq!(told_by[1], "    A night's held rooms are those of all active and paying holds.");
    let night = format!("    {} {} {}", hotel.hotel_id, hotel.room_type_id, hotel.day(35));
    assert_eq!((told_by[2], told_by[22]), (night.as_str(), "    and 5 more"), "{table}");
    assert!(table.trim_end().ends_with(&format!("1 of {all} invariants are broken.")), "{table}");

    let (code, document, error) = told(&on(&url, &["verify", "--json"]));
    assert_eq!((code, error.as_str()), (Some(1), ""));
    let document: Value = serde_json::from_str(&document).expect("JSON");
    assert_eq!(document["is_clean"], false);
    let held = &document["invariants"][0];
    assert_eq!(held["name"], "stock.held_is_what_holds_take");
    assert_eq!((&held["rows"], &held["breaches"]), (&60.into(), &25.into()), "{held}");
    assert_eq!(held["ids"].as_array().map(Vec::len), Some(20), "{held}");

    // The server was not disturbed.
    ada.get("/holds").await.ok(200);
}

#[test]
fn what_cannot_be_examined_ends_it_with_2() {
    let (code, _, error) = told(&on("postgres://app:hunter2@127.0.0.1:1/x", &["verify"]));
    assert_eq!(code, Some(2));
    assert!(error.contains("cannot connect to the database") && !error.contains("hunter2"), "{error}");

    let blank = Database::create(Start::Blank);
    let (code, _, error) = told(&on(&blank.url(), &["verify"]));
    assert_eq!(code, Some(2));
    assert!(error.contains("lastroom migrate"), "{error}");
    let tables = diesel::sql_query("SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace");
    assert_eq!(diesel::RunQueryDsl::execute(tables, &mut blank.connect()), Ok(0), "it makes nothing");

    let broken = Database::create(Start::Migrated);
    diesel::connection::SimpleConnection::batch_execute(&mut broken.connect(), "ALTER TABLE jobs RENAME TO chores")
        .expect("another name");
    let (code, _, error) = told(&on(&broken.url(), &["verify"]));
    assert_eq!(code, Some(2));
    assert!(error.contains("money.authorised_is_awaited") && error.contains("jobs"), "{error}");

    let home = Home::new();
    let data_dir = home.data_dir.to_string_lossy();
    let (code, _, error) = told(&lastroom(&["verify", "--data-dir", &data_dir], &[]));
    assert_eq!(code, Some(2));
    assert!(error.contains("there is no database in"), "{error}");
    assert!(!home.data_dir.exists(), "it makes nothing");
}

#[test]
fn a_private_database_that_nobody_serves_is_started_for_it_and_stopped() {
    let home = Home::new();
    let data_dir = home.data_dir.to_string_lossy();
    let (code, _, error) = told(&lastroom(&["migrate", "--data-dir", &data_dir], &[]));
    assert_eq!(code, Some(0), "{error}");
    let (code, table, error) = told(&lastroom(&["verify", "--data-dir", &data_dir], &[]));
    assert_eq!(code, Some(0), "{error}");
    assert!(table.trim_end().ends_with("invariants hold."), "{table}");
    assert_eq!(home.postmaster(), None);
}
