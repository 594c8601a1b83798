//! `lastroom replay` as an operator runs it: the real binary, on real and invented histories.

mod bad_input;
mod naive;
mod odd;
mod real;

use serde_json::Value;

use crate::import::desk::{Desk, Ended};
use naive::{Expected, History};

/// The hotel's rooms as the command takes them.
fn capacity(rooms: &[(&str, u32)]) -> String {
    rooms.iter().map(|(name, rooms)| format!("{name}={rooms}")).collect::<Vec<_>>().join(",")
}

/// What the command printed as JSON.
#[track_caller]
fn report(ended: Ended) -> Value {
    serde_json::from_str(&ended.done()).expect("a JSON document")
}

/// The report tells what the naive model expects, name by name.
#[track_caller]
fn assert_told(report: &Value, expected: &Expected) {
    for (name, value) in expected.document().as_object().expect("an object") {
        assert_eq!(&report[name], value, "{name} of {report:#}");
    }
}

/// What the rows say of a replayed hotel is what the model expects: every booking's state, and every night's rooms.
#[track_caller]
fn assert_stored(desk: &Desk, report: &Value, expected: &Expected) {
    let hotel = report["hotel_id"].as_str().expect("an id");
    let states = desk.app.text(&format!(
        "SELECT coalesce(string_agg(substring(guest_email from '[0-9]+') || ' ' || status, E'\\n'
                                    ORDER BY substring(guest_email from '[0-9]+')::bigint), '')
         FROM bookings WHERE hotel_id = '{hotel}'"
    ));
    assert_eq!(states, expected.states());
    let sold = desk.app.text(&format!(
        "SELECT coalesce(string_agg(concat_ws(' ', name, stay_date, sold), E'\\n' ORDER BY name COLLATE \"C\", stay_date), '')
         FROM inventory JOIN room_types USING (hotel_id, room_type_id)
         WHERE inventory.hotel_id = '{hotel}' AND sold > 0"
    ));
    assert_eq!(sold, expected.sold());
    let held = desk.app.number(&format!("SELECT sum(held) FROM inventory WHERE hotel_id = '{hotel}'"));
    assert_eq!(held, 0, "no hold is left over");
}

/// A history's two files, in the desk's folder.
fn write(desk: &Desk, history: &History) {
    desk.write("bookings.csv", history.bookings_csv().as_bytes());
    desk.write("events.csv", history.events_csv().as_bytes());
}
