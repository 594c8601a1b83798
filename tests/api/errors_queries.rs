//! Query strings that are refused: 422 that names the field.

use chrono::Days;

use crate::search::{nights, tuesday};
use crate::support::{Hotel, TestApp};

const NOBODY: &str = "019a0000-0000-7000-8000-000000000000";

#[tokio::test(flavor = "multi_thread")]
async fn a_search_names_the_parameter_at_fault() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let eleven = ["1"; 11].join(",");
    let many = [NOBODY; 201].join(",");
    for (wrong, field) in [
        ("page=2", "page"),
        ("rooms=0", "rooms"),
        ("rooms=-1", "rooms"),
        ("rooms=10", "rooms"),
        ("rooms=1.5", "rooms"),
        ("adults=0", "adults"),
        ("adults=21", "adults"),
        ("adults=99999999999999999999", "adults"),
        ("adults=two", "adults"),
        ("adults=", "adults"),
        ("children_ages=18", "children_ages"),
        ("children_ages=-1", "children_ages"),
        ("children_ages=4;9", "children_ages"),
        (&format!("children_ages={eleven}"), "children_ages"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-9223372036854775809", "limit"),
        ("max_price=12.5&currency=EUR", "max_price"),
        ("max_price=-1&currency=EUR", "max_price"),
        ("max_price=1", "currency"),
        ("currency=EUR", "max_price"),
        ("max_price=1&currency=EURO", "currency"),
        ("max_price=1&currency=eur", "currency"),
        ("min_stars=0", "min_stars"),
        ("min_stars=6", "min_stars"),
        ("meal_plan=lunch", "meal_plan"),
        ("refundable=yes", "refundable"),
        ("sort=cheap", "sort"),
        ("sort=distance", "sort"),
        ("amenities=pool%00", "amenities"),
        ("country=FR", "country"),
        ("adults=2&adults=2", "adults"),
    ] {
        ada.get(&format!("/search?{}&city=Paris&country=FR&{wrong}", nights(2))).await.invalid(field);
    }
    for (place, field) in [
        ("", "city"),
        ("city=Paris", "country"),
        ("city=&country=FR", "city"),
        ("city=Paris&country=FRA", "country"),
        ("city=Paris&country=F1", "country"),
        ("city=Paris&country=FR&lat=1&lon=1&radius_km=1", "city"),
        ("lat=1", "lon"),
        ("lon=2.3", "lat"),
        ("radius_km=3", "lat"),
        ("lon=2.3&radius_km=3", "lat"),
        ("lat=1&lon=1", "radius_km"),
        ("lat=91&lon=1&radius_km=1", "lat"),
        ("lat=1&lon=-181&radius_km=1", "lon"),
        ("lat=NaN&lon=1&radius_km=1", "lat"),
        ("lat=1&lon=inf&radius_km=1", "lon"),
        ("lat=1&lon=1&radius_km=0", "radius_km"),
        ("lat=1&lon=1&radius_km=-5", "radius_km"),
        ("lat=1&lon=1&radius_km=20038.1", "radius_km"),
        ("lat=1&lon=1&radius_km=NaN", "radius_km"),
        ("hotel_ids=", "hotel_ids"),
        ("hotel_ids=abc", "hotel_ids"),
        (&format!("hotel_ids={many}"), "hotel_ids"),
    ] {
        ada.get(&format!("/search?{}&{place}", nights(2))).await.invalid(field);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn impossible_stays_are_refused_by_every_reader() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let from = tuesday();
    let stay = |nights: i64| match u64::try_from(nights) {
        Ok(nights) => format!("check_in={from}&check_out={}", from + Days::new(nights)),
        Err(_) => format!("check_in={from}&check_out={}", from - Days::new(nights.unsigned_abs())),
    };
    for (stay, field) in [
        (stay(0), "check_out"),
        (stay(-1), "check_out"),
        (stay(100), "check_out"),
        ("check_in=2027-02-29&check_out=2027-03-02".to_owned(), "check_in"),
        ("check_in=2028-02-28&check_out=2028-02-30".to_owned(), "check_out"),
        ("check_in=tomorrow&check_out=2028-02-29".to_owned(), "check_in"),
        ("check_in=2028-02-28T00:00:00Z&check_out=2028-02-29".to_owned(), "check_in"),
        ("check_in=2028-2-28&check_out=2028-02-29".to_owned(), "check_in"),
        ("check_in=2028-02-28".to_owned(), "check_out"),
        ("check_in=1999-12-31&check_out=2000-01-01".to_owned(), "check_in"),
        ("check_in=%2B262142-12-30&check_out=%2B262142-12-31".to_owned(), "check_in"),
    ] {
        ada.get(&format!("/search?hotel_ids={}&{stay}", hotel.id())).await.invalid(field);
        ada.get(&format!("/hotels/{}/offers?{stay}", hotel.id())).await.invalid(field);
    }
    for wrong in ["rooms=0", "rooms=10", "adults=0", "children_ages=99", "include_unavailable=1", "currency=EUR"] {
        let (field, _) = wrong.split_once('=').expect("a pair");
        ada.get(&format!("/hotels/{}/offers?{}&{wrong}", hotel.id(), stay(1))).await.invalid(field);
    }
    // The longest stay is fine, and a leap day is a day.
    ada.get(&format!("/hotels/{}/offers?{}", hotel.id(), stay(99))).await.ok(200);
    ada.get(&format!("/hotels/{}/offers?check_in=2028-02-29&check_out=2028-03-01", hotel.id())).await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_paged_within_limits() {
    let app = TestApp::start().await;
    let ada = app.guest();
    for list in ["/holds", "/bookings"] {
        for (wrong, field) in [("limit=0", "limit"), ("limit=201", "limit"), ("limit=x", "limit"), ("page=1", "page")] {
            ada.get(&format!("{list}?{wrong}")).await.invalid(field);
        }
        ada.get(&format!("{list}?cursor=x")).await.problem(400, "cursor_invalid");
        ada.get(&format!("{list}?limit=200")).await.ok(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_without_parameters_take_none() {
    let app = TestApp::start().await;
    let ada = app.guest();
    for path in ["/quotes", "/holds", "/payments", "/bookings"] {
        ada.get(&format!("{path}/{NOBODY}?expand=all")).await.invalid("expand");
        let body = serde_json::json!({});
        ada.post_keyed(&format!("{path}?dry_run=true"), &crate::support::key(), body).await.invalid("dry_run");
    }
    ada.delete(&format!("/holds/{NOBODY}?force=1")).await.invalid("force");
    ada.get("/auth/me?x=1").await.invalid("x");
}
