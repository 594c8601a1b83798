//! The City hotel's history. It is not part of the repository.

use std::path::PathBuf;

use serde_json::Value;

use super::naive::History;
use super::{assert_stored, assert_told, capacity, report, write};
use crate::import::desk::{Desk, Ended};
use crate::support::real;

/// Fewer than the two months' bookings ask for, so that some are rejected.
const FEW: [(&str, u32); 4] = [("A", 60), ("B", 1), ("D", 1), ("E", 4)];

fn files() -> Option<[PathBuf; 2]> {
    Some([real::file("city_bookings.csv.xz")?, real::file("city_events.csv.xz")?])
}

#[tokio::test(flavor = "multi_thread")]
async fn two_months_are_as_a_naive_model_has_them() {
    let Some([bookings, events]) = files() else { return };
    let of_may_or_june = |created: &str| created.starts_with("2015-05") || created.starts_with("2015-06");
    let history = History::read(&bookings, &events).cut(|row| of_may_or_june(&row["created_on"]));
    let expected = history.play(&FEW);
    assert!(expected.accepted() > 500 && expected.rejected.len() > 2, "a cut that shows something: {expected:?}");

    let desk = Desk::new().await;
    write(&desk, &history);
    // Two hotels of one database, at the same time.
    let rooms = capacity(&FEW);
    let command = ["replay", "bookings.csv", "events.csv", "--json", "--capacity", &rooms];
    let crowded = desk.start(&[command.as_slice(), &["--concurrency", "16"]].concat());
    let alone = report(desk.run(&command));
    assert_told(&alone, &expected);
    assert_stored(&desk, &alone, &expected);

    // Who of one phase gets the last room is another matter with 16 at a time. That none is sold twice is not.
    let crowded = report(Ended::from(crowded.wait_with_output().expect("its end")));
    let count = |name: &str| crowded[name].as_u64().expect("a count");
    assert_eq!(count("accepted") + count("rejected_full") + count("rejected_invalid"), 671);
    assert!(count("rejected_full") > 0);
    for (name, rooms) in FEW {
        assert!(crowded["final_max_occupancy_by_type"][name].as_u64() <= Some(u64::from(rooms)), "{crowded:#}");
    }
    desk.app.verified();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "four years of bookings, four times: see CONTRIBUTING"]
async fn golden_runs() {
    let Some([bookings, events]) = files() else { return };
    let Some(golden) = real::file("city_golden.json") else { return };
    let golden: Value = serde_json::from_slice(&std::fs::read(golden).expect("a file")).expect("JSON");
    let desk = Desk::new().await;
    for run in golden["runs"].as_array().expect("runs") {
        let rooms = run["capacity"].as_object().expect("rooms by type").iter();
        let rooms: Vec<_> = rooms.map(|(name, rooms)| format!("{name}={rooms}")).collect();
        let [bookings, events] = [&bookings, &events].map(|path| path.to_str().expect("UTF-8"));
        let told = report(desk.run(&["replay", bookings, events, "--json", "--capacity", &rooms.join(",")]));
        for (name, value) in run.as_object().expect("results").iter().filter(|(name, _)| *name != "capacity_rule") {
            assert_eq!(&told[name], value, "{name}, {}", run["capacity_rule"]);
        }
        assert_eq!(told["events"], golden["events"]);
        eprintln!("{}: equal, {} s, {} bookings/s", run["capacity_rule"], told["seconds"], told["bookings_per_second"]);
        desk.app.verified();
    }
}
