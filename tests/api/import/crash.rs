//! Killed halfway, or run twice at once: every hotel comes once and whole.

use std::time::{Duration, Instant};

use super::desk::{Desk, Ended, csv, line};

const DAYS: i64 = 30;

fn file(hotels: u32) -> String {
    csv(&(1..=hotels).map(line).collect::<Vec<_>>())
}

/// Every hotel is there once, with all its room types, plans, taxes and nights.
fn assert_whole(desk: &Desk, hotels: i64) {
    let app = &desk.app;
    assert_eq!(app.rows("hotels"), hotels);
    assert_eq!(app.number("SELECT count(DISTINCT external_key) FROM hotels"), hotels);
    let counted = |table: &str, wanted: &str| {
        let sql = format!(
            "SELECT count(*) FROM hotels h
             WHERE (SELECT count(*) FROM {table} x WHERE x.hotel_id = h.hotel_id) <> {wanted}"
        );
        assert_eq!(app.number(&sql), 0, "hotels without all their {table}");
    };
    // The number says how many rooms there are, and they say how many types: line() and the README.
    let rooms = "(1 + split_part(h.external_key, ':', 2)::int % 12)";
    let types = format!("(1 + ({rooms} * 30 / 100 > 0)::int + ({rooms} * 10 / 100 > 0)::int)");
    counted("room_types", &types);
    counted("rate_plans", "4");
    counted("taxes", "2");
    counted("rate_plan_room_types", &format!("4 * {types}"));
    counted("inventory", &format!("{DAYS} * {types}"));
    counted("rates", &format!("{DAYS} * {types}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_import_goes_on_where_it_was() {
    let desk = Desk::new().await;
    desk.write("hotels.csv", file(2_000).as_bytes());
    let import = ["import", "hotels", "hotels.csv", "--days", "30"];
    let mut killed = desk.start(&import);
    let deadline = Instant::now() + Duration::from_secs(60);
    while desk.app.rows("hotels") == 0 {
        assert!(Instant::now() < deadline, "no batch came in");
        std::thread::sleep(Duration::from_millis(5));
    }
    killed.kill().expect("SIGKILL");
    assert!(!killed.wait().expect("its end").success());
    let (there, without) = (
        desk.app.rows("hotels"),
        desk.app.number(
            "SELECT count(*) FROM hotels h WHERE NOT EXISTS (SELECT FROM rates r WHERE r.hotel_id = h.hotel_id)",
        ),
    );
    assert!(there < 2_000, "it was to be killed halfway");
    assert_eq!(without, 0, "what is there is whole");
    desk.run(&import).done();
    assert_whole(&desk, 2_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_importers_at_once_add_nothing_twice() {
    let desk = Desk::new().await;
    desk.write("hotels.csv", file(500).as_bytes());
    let import = |rejects| ["import", "hotels", "hotels.csv", "--days", "30", "--rejects", rejects];
    let both = ["one", "two"].map(|rejects| desk.start(&import(rejects)));
    let added = both.map(|child| {
        let summary = Ended::from(child.wait_with_output().expect("its end")).done();
        let words: Vec<_> = summary.split_whitespace().collect();
        words[2].parse::<i64>().unwrap_or_else(|_| panic!("{summary}"))
    });
    assert_eq!(added.iter().sum::<i64>(), 500, "{added:?}");
    assert_whole(&desk, 500);
}
