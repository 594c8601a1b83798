//! Search on the demo catalogue: places, filters, orders and pages.

use std::collections::BTreeSet;

use chrono::{Datelike, Days, NaiveDate, Utc, Weekday};
use serde_json::{Value, json};

use crate::support::{Guest, TestApp};

/// A Tuesday ten days on or more: no demo hotel refuses an arrival or a short stay then.
pub fn tuesday() -> NaiveDate {
    let from = Utc::now().date_naive() + Days::new(10);
    from.iter_days().find(|day| day.weekday() == Weekday::Tue).expect("a Tuesday")
}

/// `check_in=…&check_out=…` from that Tuesday.
pub fn nights(nights: u64) -> String {
    format!("check_in={}&check_out={}", tuesday(), tuesday() + Days::new(nights))
}

async fn found(guest: &Guest, query: &str) -> Vec<Value> {
    let page = guest.get(&format!("/search?{}&{query}", nights(2))).await.ok(200);
    assert_eq!(page["next_cursor"], Value::Null, "{query} fits a page");
    page["data"].as_array().expect("rows").clone()
}

fn names(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["name"].as_str().expect("a name")).collect()
}

fn totals(rows: &[Value]) -> Vec<i64> {
    rows.iter().map(|row| row["cheapest_offer"]["total"]["amount"].as_i64().expect("an amount")).collect()
}

const PARIS: [&str; 5] = ["Paris Central", "Paris Garden Inn", "Paris Grand", "Paris Riverside", "Paris Station"];

#[tokio::test(flavor = "multi_thread")]
async fn a_city_is_found_however_it_is_typed() {
    let app = TestApp::start_demo().await;
    let ada = app.guest();
    for city in ["Paris", "pArIs", "París", "Paris%2010e", "PARIS%2010E%20ARRONDISSEMENT", "Paris+1er"] {
        for country in ["FR", "fr"] {
            let rows = found(&ada, &format!("city={city}&country={country}&sort=name")).await;
            assert_eq!(names(&rows), PARIS, "{city} {country}");
        }
    }
    let rows = found(&ada, "city=sao+paulo&country=BR").await;
    assert_eq!(rows.len(), 5);
    assert!(rows.iter().all(|row| row["city"] == "São Paulo" && row["country"] == "BR"));
    assert!(found(&ada, "city=Paris&country=US").await.is_empty(), "another Paris");
    assert!(found(&ada, "city=Par&country=FR").await.is_empty(), "a city is no prefix");
}

/// Great-circle kilometres, on the mean earth.
fn haversine(a: (f64, f64), b: (f64, f64)) -> f64 {
    let half = |x: f64| (x.to_radians() / 2.0).sin().powi(2);
    let h = half(b.0 - a.0) + a.0.to_radians().cos() * b.0.to_radians().cos() * half(b.1 - a.1);
    2.0 * 6371.0088 * h.sqrt().asin()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_point_finds_what_lies_within_its_radius_nearest_first() {
    let app = TestApp::start_demo().await;
    let ada = app.guest();
    let centre = (48.8566, 2.3522);
    let at = format!("lat={}&lon={}", centre.0, centre.1);
    let rows = found(&ada, &format!("{at}&radius_km=50&sort=distance")).await;
    assert_eq!(names(&rows).into_iter().collect::<BTreeSet<_>>(), PARIS.into_iter().collect());
    let distances: Vec<f64> = rows.iter().map(|row| row["distance_km"].as_f64().expect("a distance")).collect();
    assert!(distances.is_sorted(), "{distances:?}");
    for (row, told) in rows.iter().zip(&distances) {
        let there = (row["location"]["lat"].as_f64().expect("lat"), row["location"]["lon"].as_f64().expect("lon"));
        assert!((haversine(centre, there) - told).abs() < 0.001, "{row}");
    }
    let farthest = distances.last().expect("hotels");
    let nearer = found(&ada, &format!("{at}&radius_km={}", farthest - 0.01)).await;
    assert_eq!(nearer.len(), 4, "the farthest lies outside");
    assert_eq!(found(&ada, &format!("{at}&radius_km=20038&limit=200")).await.len(), 40, "the whole earth");
    let across = found(&ada, "lat=-33.8688&lon=-179.9&radius_km=3000").await;
    assert_eq!(across.len(), 5, "Sydney lies across the date line");
}

#[tokio::test(flavor = "multi_thread")]
async fn hotels_are_found_by_their_ids() {
    let app = TestApp::start_demo().await;
    let ada = app.guest();
    let rows = found(&ada, "city=Paris&country=FR&sort=name").await;
    let (first, last) = (&rows[0], &rows[4]);
    let ids = format!("{},{}", first["hotel_id"].as_str().expect("an id"), last["hotel_id"].as_str().expect("an id"));
    let both = found(&ada, &format!("hotel_ids={ids}&sort=name")).await;
    assert_eq!(names(&both), ["Paris Central", "Paris Station"]);
    assert!(both[0].get("distance_km").is_none(), "there is no point to be distant from");
    assert_eq!(both[0]["location"], first["location"]);
    assert!(found(&ada, "hotel_ids=019a0000-0000-7000-8000-000000000000").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_filter_leaves_what_fits() {
    let app = TestApp::start_demo().await;
    let ada = app.guest();
    let paris = "city=Paris&country=FR";
    let all = found(&ada, paris).await;
    let amounts = totals(&all);
    assert!(amounts.is_sorted() && amounts.len() == 5, "cheapest first is the default: {amounts:?}");

    let middle = amounts[2];
    let cheap = found(&ada, &format!("{paris}&max_price={middle}&currency=EUR")).await;
    assert_eq!(totals(&cheap), amounts[..3], "what costs just as much still fits");
    let cheaper = found(&ada, &format!("{paris}&max_price={}&currency=EUR", middle - 1)).await;
    assert_eq!(totals(&cheaper), amounts[..2]);
    assert!(found(&ada, &format!("{paris}&max_price=99999999&currency=USD")).await.is_empty(), "other money");

    let starred = found(&ada, &format!("{paris}&min_stars=4&sort=name")).await;
    assert_eq!(names(&starred), ["Paris Grand", "Paris Riverside"]);
    let equipped = found(&ada, &format!("{paris}&amenities=BAR,%20gym&sort=name")).await;
    assert_eq!(names(&equipped), ["Paris Grand", "Paris Riverside"]);
    assert_eq!(names(&found(&ada, &format!("{paris}&amenities=gym,pool")).await), ["Paris Grand"]);
    assert!(found(&ada, &format!("{paris}&amenities=helipad")).await.is_empty());

    let fed = found(&ada, &format!("{paris}&meal_plan=breakfast")).await;
    assert_eq!(fed.len(), 5);
    assert!(fed.iter().all(|row| row["cheapest_offer"]["meal_plan"] == "breakfast"));
    assert!(found(&ada, &format!("{paris}&meal_plan=all_inclusive")).await.is_empty());

    assert!(all.iter().all(|row| row["cheapest_offer"]["refundable"] == false), "the cheapest is not refundable");
    let free = found(&ada, &format!("{paris}&refundable=true")).await;
    assert!(free.iter().all(|row| row["cheapest_offer"]["refundable"] == true));
    assert!(totals(&free).iter().zip(&amounts).all(|(free, cheapest)| free > cheapest), "freedom has its price");
    assert_eq!(totals(&found(&ada, &format!("{paris}&refundable=false")).await), amounts);
}

/// What each order sorts by; the id decides between equals.
fn sort_key(sort: &str, row: &Value) -> (String, i64, String) {
    let offer = &row["cheapest_offer"]["total"];
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let (first, second) = match sort {
        "price" => (text(&offer["currency"]), offer["amount"].as_i64().expect("an amount")),
        "stars" => (String::new(), -row["stars"].as_i64().expect("stars")),
        // Zero-padded metres sort as text just as they do as numbers.
        "distance" => (format!("{:011.3}", row["distance_km"].as_f64().expect("km")), 0),
        _ => (text(&row["name"]), 0),
    };
    (first, second, text(&row["hotel_id"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn walking_all_pages_meets_every_hotel_once_in_order() {
    let app = TestApp::start_demo().await;
    let ada = app.guest();
    for sort in ["price", "stars", "distance", "name"] {
        let query = format!("/search?{}&lat=48.8566&lon=2.3522&radius_km=20038&sort={sort}&limit=3", nights(2));
        let mut rows: Vec<Value> = Vec::new();
        let mut page = ada.get(&query).await.ok(200);
        loop {
            let data = page["data"].as_array().expect("rows");
            assert!((1..=3).contains(&data.len()));
            rows.extend(data.iter().cloned());
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            page = ada.get(&format!("{query}&cursor={cursor}")).await.ok(200);
        }
        let keys: Vec<_> = rows.iter().map(|row| sort_key(sort, row)).collect();
        assert!(keys.is_sorted(), "{sort}: {keys:?}");
        let ids: BTreeSet<_> = rows.iter().map(|row| row["hotel_id"].to_string()).collect();
        assert_eq!((rows.len(), ids.len()), (40, 40), "{sort}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_serves_only_the_list_that_issued_it() {
    let app = TestApp::start_demo().await;
    let ada = app.guest();
    let query = format!("/search?{}&city=Paris&country=FR", nights(2));
    let page = ada.get(&format!("{query}&limit=2")).await.ok(200);
    let cursor = page["next_cursor"].as_str().expect("a cursor").to_owned();
    let rest = ada.get(&format!("{query}&limit=200&cursor={cursor}")).await.ok(200);
    assert_eq!(rest["data"].as_array().map(Vec::len), Some(3), "pages may differ in size");
    assert_eq!(rest["next_cursor"], json!(null));

    let other = if cursor.starts_with('A') { "B" } else { "A" };
    for tampered in [format!("{other}{}", &cursor[1..]), cursor[..cursor.len() - 2].to_owned(), "x".to_owned()] {
        ada.get(&format!("{query}&cursor={tampered}")).await.problem(400, "cursor_invalid");
    }
    ada.get(&format!("{query}&min_stars=2&cursor={cursor}")).await.problem(400, "cursor_invalid");
    ada.get(&format!("{query}&sort=name&cursor={cursor}")).await.problem(400, "cursor_invalid");
    ada.get(&format!("/holds?cursor={cursor}")).await.problem(400, "cursor_invalid");
    ada.get(&format!("/bookings?cursor={cursor}")).await.problem(400, "cursor_invalid");
}
