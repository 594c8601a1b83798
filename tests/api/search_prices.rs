//! The search prices in SQL, the offers in Rust: both to the cent the same.

use std::collections::BTreeMap;

use chrono::Utc;
use serde_json::Value;

use crate::search::nights;
use crate::support::{Guest, TestApp};

/// Numbers that do not divide evenly, so that every rounding shows.
pub const ODD: &str = "
    UPDATE rates SET price = price + 7;
    INSERT INTO taxes (hotel_id, tax_id, name, kind, percent, amount, included, due)
    SELECT hotel_id, gen_random_uuid(), kind, kind, percent, amount, included, due
    FROM hotels, (VALUES ('percent', 3.333, NULL::bigint, true, 'now'), ('percent', 7.125, NULL, false, 'now'),
                         ('per_night', NULL, 13, true, 'now'), ('per_night', NULL, 11, false, 'at_property'),
                         ('per_person_night', NULL, 3, true, 'at_property')) AS tax (kind, percent, amount, included, due);
    INSERT INTO child_bands (hotel_id, rate_plan_id, max_age, amount)
    SELECT hotel_id, rate_plan_id, max_age, amount
    FROM rate_plans, (VALUES (2::smallint, 0::bigint), (11::smallint, 1501::bigint)) AS band (max_age, amount);
";

/// The restrictions of the base plans on the plans derived from them, which have their own.
pub const RESTRICT_DERIVED: &str = "
    INSERT INTO rates (hotel_id, rate_plan_id, room_type_id, stay_date, min_stay, closed_to_arrival)
    SELECT p.hotel_id, p.rate_plan_id, r.room_type_id, r.stay_date, r.min_stay, r.closed_to_arrival
    FROM rate_plans p JOIN rates r ON r.hotel_id = p.hotel_id AND r.rate_plan_id = p.derived_from
    WHERE r.min_stay IS NOT NULL OR r.closed_to_arrival;
";

async fn searched(guest: &Guest, query: &str) -> BTreeMap<String, Value> {
    let path = format!("/search?{query}&lat=0&lon=0&radius_km=20038&limit=200");
    let page = guest.get(&path).await.ok(200);
    let rows = page["data"].as_array().expect("rows").iter();
    rows.map(|row| (row["hotel_id"].as_str().expect("an id").to_owned(), row["cheapest_offer"].clone())).collect()
}

fn refundable(offer: &Value) -> bool {
    let now = Utc::now().to_rfc3339();
    let mut deadlines = offer["cancellation"].as_array().expect("deadlines").iter();
    deadlines.any(|d| d["penalty"]["amount"] == 0 && d["until"].as_str().is_some_and(|until| until > now.as_str()))
}

/// Every hotel's cheapest offer, found either way; how many hotels had one.
async fn compare(guest: &Guest, hotel_ids: &[String], query: &str) -> usize {
    let cheapest = searched(guest, query).await;
    for hotel_id in hotel_ids {
        let offers = guest.get(&format!("/hotels/{hotel_id}/offers?{query}")).await.ok(200);
        let (Some(offer), found) = (offers["data"].get(0), cheapest.get(hotel_id)) else {
            assert_eq!(cheapest.get(hotel_id), None, "{query}: the search sells what the hotel does not");
            continue;
        };
        let found = found.unwrap_or_else(|| panic!("{query}: the search misses {offer}"));
        for member in ["total", "room_type_id", "rate_plan_id", "rooms_left", "meal_plan"] {
            assert_eq!(found[member], offer[member], "{query} {member}: {found} {offer}");
        }
        assert_eq!(found["refundable"], refundable(offer), "{query}");
        let total = found["total"]["amount"].as_i64().expect("an amount");
        let nights = i64::try_from(offer["nightly"].as_array().map_or(0, Vec::len)).expect("nights");
        assert_eq!(found["per_night"]["amount"].as_i64(), Some((total * 2 + nights) / (2 * nights)), "{query}");
    }
    cheapest.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_search_and_the_offers_agree_to_the_cent() {
    let app = TestApp::start_demo().await;
    let ada = app.guest();
    app.execute(ODD);
    let all = searched(&ada, &nights(1)).await;
    let currencies: Vec<_> = all.values().map(|offer| offer["total"]["currency"].as_str().expect("a code")).collect();
    assert!(currencies.contains(&"JPY") && currencies.contains(&"BHD"), "{currencies:?}");
    let hotel_ids: Vec<_> = all.into_keys().collect();
    assert_eq!(hotel_ids.len(), 40);
    for (stay, party, hotels) in [
        (1, "adults=1", 40),
        (2, "adults=2&children_ages=4", 40),
        (3, "adults=2&children_ages=1,11,12&rooms=2", 40),
        (2, "adults=4&children_ages=2,17&rooms=1", 40),
        // The family suite has two rooms, nothing else sleeps four adults.
        (1, "adults=4&rooms=3", 0),
        (1, "adults=5", 0),
        // Over a weekend some hotels want two nights, or take no arrivals.
        (9, "adults=2&rooms=9", 40),
    ] {
        assert_eq!(compare(&ada, &hotel_ids, &format!("{}&{party}", nights(stay))).await, hotels, "{stay} {party}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_search_and_the_offers_agree_on_what_is_not_sold() {
    let app = TestApp::start_demo().await;
    let ada = app.guest();
    let hotel_ids: Vec<_> = searched(&ada, &nights(1)).await.into_keys().collect();
    app.execute(RESTRICT_DERIVED);
    let friday = crate::search::tuesday() + chrono::Days::new(3);
    let stay = |from: u64, to: u64| {
        format!("check_in={}&check_out={}", friday + chrono::Days::new(from), friday + chrono::Days::new(to))
    };
    assert_eq!(compare(&ada, &hotel_ids, &stay(0, 1)).await, 32, "one hotel a city wants two nights from a Friday");
    assert_eq!(compare(&ada, &hotel_ids, &stay(0, 2)).await, 40);
    assert_eq!(compare(&ada, &hotel_ids, &stay(2, 3)).await, 32, "one hotel a city takes no arrivals on Sundays");
}
