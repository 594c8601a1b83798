//! What cannot be replayed is told in one line, and changes nothing.

use super::odd::history;
use crate::import::desk::{Desk, Ended};

#[track_caller]
fn assert_refused(ended: Ended, why: &str) {
    assert_eq!(ended.code, Some(2), "{why}: {}", ended.stderr);
    assert_eq!(ended.stderr.trim_end().lines().count(), 1, "{}", ended.stderr);
    assert!(ended.stderr.contains(why), "{why}: {}", ended.stderr);
    assert_eq!(ended.stdout, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_do_not_fit_together_change_nothing() {
    let desk = Desk::new().await;
    let (bookings, events) = (history().bookings_csv(), history().events_csv());
    // Two lines that follow one another.
    let swapped =
        |one: &str, other: &str| events.replace(&format!("\n{one}\n{other}\n"), &format!("\n{other}\n{one}\n"));
    let in_bookings = |from: &str, to: &str| (bookings.replacen(from, to, 1), events.clone());
    let in_events = |from: &str, to: &str| (bookings.clone(), events.replacen(from, to, 1));
    for ((bookings, events), why) in [
        (in_bookings("adults", "grown_ups"), "bookings.csv: the first line names no column adults"),
        (in_bookings("reserved_room_type", "room_type"), "names no column reserved_room_type"),
        (in_events("booking_no", "no"), "events.csv: the first line names no column booking_no"),
        ((String::new(), events.clone()), "bookings.csv: the first line names no column booking_no"),
        ((bookings.clone(), bookings.clone()), "events.csv: the first line names no column date"),
        (
            in_events("1,2031-01-01,CHECKIN\n", "99,2031-01-01,CHECKIN\n"),
            "events.csv: line 16: the event is about booking 99",
        ),
        (in_events("1,2031-01-01,CHECKIN\n", "1,2031-02-30,CHECKIN\n"), "line 16: date is not a date"),
        (in_events("1,2031-01-01,CHECKIN\n", "1,2031-01-01,DANCE\n"), "line 16: event is none of CREATE"),
        (in_events("1,2031-01-01,CHECKIN\n", "1,2031-01-01\n"), "line 16: fewer fields"),
        // Out of order: within a phase, between phases, between days, and against what the booking is.
        (
            (bookings.clone(), swapped("2,2030-12-01,CREATE", "3,2030-12-01,CREATE")),
            "line 4: the event is out of order",
        ),
        (
            (bookings.clone(), swapped("9,2030-12-02,CANCEL", "10,2030-12-02,CREATE")),
            "line 14: the event is out of order",
        ),
        (
            (bookings.clone(), swapped("1,2031-01-01,CHECKIN", "2,2031-01-10,CHECKIN")),
            "line 17: the event is out of order",
        ),
        (in_events("8,2030-12-01,CREATE\n", ""), "out of order: CANCEL of booking 8, which was not created"),
        (
            in_events("8,2030-12-01,CANCEL\n", "8,2030-12-01,CREATE\n"),
            "out of order: CREATE of booking 8, which was created",
        ),
        (
            in_events("1,2031-01-01,CHECKIN\n", "1,2030-12-31,CHECKIN\n"),
            "out of order: CHECKIN of booking 1 before its arrival",
        ),
        (in_events("10,2031-01-11,NOSHOW", "10,2031-01-11,CHECKOUT"), "out of order: CHECKOUT of booking 10"),
        (in_bookings("2031-03-11,69", "2031-03-11,68"), "bookings.csv: line 2: 68 nights are not"),
        (in_bookings("2031-03-11,69", "2031-03-11,many"), "line 2: nights is not a whole number"),
        (in_bookings("80.005", "NULL"), "line 2: adr is not a number"),
        (in_bookings("80.005", "99999999999"), "line 2: adr is too high"),
        (in_bookings("2031-03-11,69", "2032-03-11,435"), "line 2: a stay has at most 99 nights"),
        (
            (bookings.clone() + bookings.lines().last().expect("a line") + "\n", events.clone()),
            "line 13: booking 11 stands above",
        ),
    ] {
        desk.write("bookings.csv", bookings.as_bytes());
        desk.write("events.csv", events.as_bytes());
        assert_refused(desk.run(&["replay", "bookings.csv", "events.csv"]), why);
    }
    assert_eq!(desk.app.rows("hotels"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_and_no_capacity_is_told() {
    let desk = Desk::new().await;
    desk.write("bookings.csv", history().bookings_csv().as_bytes());
    desk.write("events.csv", history().events_csv().as_bytes());
    desk.write("plain.csv.xz", history().events_csv().as_bytes());
    desk.write("noise.csv", &[0xfd, b'7', 0, 0xff, b'\n', 3]);
    for (arguments, why) in [
        (["nowhere.csv", "events.csv", ""], "cannot read nowhere.csv"),
        (["bookings.csv", "nowhere.csv", ""], "cannot read nowhere.csv"),
        (["bookings.csv", "plain.csv.xz", ""], "cannot read plain.csv.xz"),
        (["noise.csv", "events.csv", ""], "noise.csv: the first line names no column"),
        (["bookings.csv", "noise.csv", ""], "noise.csv: the first line names no column"),
        (["bookings.csv", "events.csv", "--capacity="], "--capacity: there is no ="),
        (["bookings.csv", "events.csv", "--capacity=7"], "--capacity: there is no ="),
        (["bookings.csv", "events.csv", "--capacity=7=many"], "--capacity: the rooms are not a number"),
        (["bookings.csv", "events.csv", "--capacity=7=-1"], "--capacity: the rooms are not a number"),
        (["bookings.csv", "events.csv", "--capacity=7=1,7=2"], "--capacity: the room type stands there twice"),
    ] {
        let arguments: Vec<_> = ["replay"].into_iter().chain(arguments).filter(|word| !word.is_empty()).collect();
        assert_refused(desk.run(&arguments), why);
    }
    assert_eq!(desk.app.rows("hotels"), 0);
}
