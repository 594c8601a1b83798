//! A history like no other hotel's.

use std::collections::BTreeMap;

use super::naive::History;
use super::{assert_stored, assert_told, capacity, report, write};
use crate::import::desk::Desk;

fn row(fields: &[(&str, &str)]) -> BTreeMap<String, String> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// number, arrival, departure, nights, adults, type, adr.
fn booking(no: u64, stay: (&str, &str, i64), adults: i64, room_type: &str, adr: &str) -> BTreeMap<String, String> {
    row(&[
        ("booking_no", &no.to_string()),
        ("arrival", stay.0),
        ("departure", stay.1),
        ("nights", &stay.2.to_string()),
        ("adults", &adults.to_string()),
        ("reserved_room_type", room_type),
        ("adr", adr),
        ("colour", "green"),
    ])
}

fn event(date: &str, event: &str, no: u64) -> BTreeMap<String, String> {
    row(&[("date", date), ("event", event), ("booking_no", &no.to_string())])
}

/// Other room types, 55 adults, 69 nights, a rate below zero, a party of none, a stay of none, a type without rooms; rooms
/// that are free again on the same day, and on the next.
pub(super) fn history() -> History {
    let week = ("2031-01-10", "2031-01-12", 2);
    let season = ("2031-01-01", "2031-03-11", 69);
    History {
        bookings: vec![
            booking(1, season, 2, "Río vista", "80.005"),
            booking(2, week, 55, "Río vista", "-6.38"),
            booking(3, week, 1, "Río vista", "5400"),
            booking(4, week, 0, "Río vista", "1"),
            booking(5, ("2031-01-10", "2031-01-10", 0), 2, "Río vista", "0"),
            booking(6, ("2031-01-10", "2031-01-09", -1), 2, "Annex", "0"),
            booking(7, week, 1, "Annex", "10"),
            booking(8, week, 1, "7", "33.3"),
            booking(9, week, 1, "7", "33.3"),
            booking(10, ("2031-01-11", "2031-01-13", 2), 1, "7", "33.3"),
            booking(11, week, 1, "7", "33.3"),
        ],
        events: vec![
            event("2030-12-01", "CREATE", 1),
            event("2030-12-01", "CREATE", 2),
            event("2030-12-01", "CREATE", 3),
            event("2030-12-01", "CREATE", 4),
            event("2030-12-01", "CREATE", 5),
            event("2030-12-01", "CREATE", 6),
            event("2030-12-01", "CREATE", 7),
            event("2030-12-01", "CREATE", 8),
            event("2030-12-01", "CREATE", 9),
            event("2030-12-01", "CANCEL", 6),
            event("2030-12-01", "CANCEL", 8),
            event("2030-12-02", "CANCEL", 9),
            event("2030-12-02", "CREATE", 10),
            event("2030-12-02", "CREATE", 11),
            event("2031-01-01", "CHECKIN", 1),
            event("2031-01-10", "CHECKIN", 2),
            event("2031-01-10", "CHECKIN", 5),
            event("2031-01-10", "CHECKIN", 7),
            event("2031-01-10", "CHECKOUT", 2),
            event("2031-01-10", "CHECKOUT", 5),
            event("2031-01-11", "NOSHOW", 10),
            event("2031-01-12", "CHECKOUT", 7),
            event("2031-03-11", "CHECKOUT", 1),
        ],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_hotel_s_history_is_replayed() {
    let desk = Desk::new().await;
    let history = history();
    write(&desk, &history);
    let rooms = [("Río vista", 2), ("7", 1), ("Attic", 4)];
    let expected = history.play(&rooms);
    assert_eq!(expected.states(), "1 checked_out\n2 checked_out\n8 cancelled\n10 no_show", "the model, by hand");
    let rejected = [("7", 2), ("Annex", 1), ("Río vista", 1)].map(|(name, rooms)| (name.to_owned(), rooms));
    assert_eq!(expected.rejected, BTreeMap::from(rejected), "the same");

    let rooms = capacity(&rooms);
    let told = report(desk.run(&["replay", "bookings.csv", "events.csv", "--json", "--capacity", &rooms]));
    assert_told(&told, &expected);
    assert_stored(&desk, &told, &expected);
    let app = &desk.app;
    assert_eq!(told["hotel"], "", "its name is not in the file");
    let stay = |no: u64| {
        app.text(&format!(
            "SELECT concat_ws(' ', r.check_out - r.check_in, adults, total, due_now, price #>> '{{price,nightly,0,base}}')
             FROM bookings JOIN booking_rooms r USING (hotel_id, booking_id) WHERE guest_email LIKE 'booking-{no}@%'"
        ))
    };
    assert_eq!(stay(1), "69 2 552069 0 8001", "nights, adults, total, due now, and of the first night: half a cent up");
    assert_eq!(stay(2), "2 55 0 0 0", "a rate below zero is nothing to pay");
    let in_the_past = app.number("SELECT count(*) FROM bookings WHERE created_at < now() - interval '1 hour'");
    assert_eq!(in_the_past, 0, "instants are the database's");
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_capacity_everything_fits() {
    let desk = Desk::new().await;
    let history = history();
    write(&desk, &history);
    let expected = history.play(&[("Río vista", 3), ("Annex", 1), ("7", 2)]);
    let told = report(desk.run(&["replay", "bookings.csv", "events.csv", "--json"]));
    assert_told(&told, &expected);
    assert_eq!((&told["rejected_full"], &told["rejected_invalid"]), (&0.into(), &3.into()));
    let summary = desk.run(&["replay", "bookings.csv", "events.csv", "--concurrency", "3"]).done();
    for line in ["11 bookings, 23 events from 2030-12-01 to 2031-03-11", "accepted 8, of these cancelled later 2"] {
        assert!(summary.contains(line), "{summary}");
    }
    assert_eq!(desk.app.rows("hotels"), 2, "each on a hotel of its own");
    desk.app.verified();
}
