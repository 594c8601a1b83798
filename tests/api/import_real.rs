//! A cut of a real file: the classified hotels of France. It is not part of the repository; where it is absent this
//! test says so and ends, except in CI.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use chrono::{Days, Utc};
use liblzma::read::XzDecoder;
use serde_json::Value;

use crate::import::desk::Desk;
use crate::support::{Guest, real};

const FILE: &str = "hotels_france.csv.xz";
/// Lines from the top, and hotels of Paris at most.
const TOP: usize = 400;
const PARIS: usize = 120;

/// The first lines, and Paris further down until there is enough of it.
fn cut(path: PathBuf) -> String {
    let lines = BufReader::new(XzDecoder::new(File::open(path).expect("the file"))).lines();
    let mut paris = 0;
    let mut cut = String::new();
    for (at, line) in lines.enumerate() {
        let line = line.expect("a line");
        let in_paris = line.contains(",PARIS ");
        if at < TOP || (in_paris && paris < PARIS) {
            paris += usize::from(in_paris);
            cut.push_str(&line);
            cut.push('\n');
        }
    }
    cut
}

/// Every row of a search, page by page.
async fn pages(guest: &Guest, query: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = guest.get(&format!("/search?{query}&limit=25{cursor}")).await.ok(200);
        rows.extend(page["data"].as_array().expect("rows").iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_hotels_are_imported_found_and_booked() {
    let Some(path) = real::file(FILE) else { return };
    let desk = Desk::new().await;
    let app = &desk.app;
    let cut = cut(path);
    let summary = desk.import(&cut, &["--days", "40"]).done();
    let lines = i64::try_from(cut.lines().count()).expect("a count") - 1;
    let rejected = i64::try_from(desk.rejects().expect("a reject file").len()).expect("a count");
    assert_eq!(app.rows("hotels") + rejected, lines, "in or told: {summary}");
    assert!(rejected * 20 < lines, "most of it is usable: {summary}");

    let ada = app.guest();
    let today = Utc::now().date_naive();
    let stay = format!("check_in={}&check_out={}", today + Days::new(20), today + Days::new(22));
    let rows = pages(&ada, &format!("city=Paris&country=FR&{stay}")).await;
    let found: BTreeSet<_> = rows.iter().map(|row| row["hotel_id"].as_str().expect("an id")).collect();
    assert_eq!(found.len(), rows.len(), "nothing twice");
    let in_paris = app.number("SELECT count(*) FROM hotels WHERE city_key = 'paris'");
    assert_eq!(i64::try_from(rows.len()).expect("a count"), in_paris, "nothing left out");
    let arrondissements = rows.iter().filter(|row| row["city"].as_str().is_some_and(|c| c.contains("ARRONDISSEMENT")));
    assert!(arrondissements.count() >= PARIS / 2, "the arrondissements of Paris are Paris");

    let hotel = rows.last().expect("a hotel");
    let quote = ada.quote(&hotel["cheapest_offer"]["offer_id"]).await;
    assert_eq!(quote["total"], hotel["cheapest_offer"]["total"]);
    let hold = ada.hold(&quote["quote_id"]).await.ok(201);
    ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    let booking = ada.confirm(&hold["hold_id"]).await.ok(201);
    assert_eq!(booking["status"], "confirmed");
    assert_eq!(app.number("SELECT sum(sold) FROM inventory"), 2);
}
