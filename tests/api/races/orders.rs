//! Stays that overlap, asked for in opposite orders: whoever locks nights in the order of the request deadlocks here.

use std::thread;

use diesel::connection::SimpleConnection;
use serde_json::Value;

use super::at_once;
use crate::support::crowd::crowd;
use crate::support::{Guest, Hotel, Terms, TestApp};

/// Nights of a stay.
const WEEK: u64 = 7;
/// The stays begin on so many days in a row.
const STARTS: u64 = 12;

/// What one guest wants of the two room types.
async fn items(guest: &Guest, types: &[Hotel; 2], no: usize) -> Vec<Value> {
    let start = |shift: usize| 5 + (u64::try_from(no + shift).expect("a few") * 5) % STARTS;
    let mut quotes = Vec::new();
    for (item, room_type) in types.iter().enumerate() {
        let from = start(item * 3);
        quotes.push(guest.quoted(room_type, from, from + WEEK, 1).await);
        // A second stay of the same type, which overlaps the first: their rooms are summed a night.
        if no.is_multiple_of(3) {
            quotes.push(guest.quoted(room_type, from + 2, from + 2 + WEEK, 1).await);
        }
    }
    if no.is_multiple_of(2) {
        quotes.reverse();
    }
    quotes
}

/// Holds of everybody at once, then their release in the other direction while the refused ones try again.
async fn storm(clients: usize, rounds: usize) {
    let mut app = TestApp::start().await;
    let beside = app.beside().await;
    let doubles = Hotel::with(&app, &Terms { capacity: 3, ..Terms::default() });
    let suites = doubles.another_room_type(&app, &Terms { capacity: 3, ..Terms::default() });
    let types = [doubles, suites];
    let guests: Vec<_> = crowd(&app, clients)
        .into_iter()
        .enumerate()
        .map(|(no, guest)| if no.is_multiple_of(2) { guest } else { guest.at(&beside) })
        .collect();
    let mut placed = 0;
    for _ in 0..rounds {
        let mut wanted = Vec::new();
        for (no, guest) in guests.iter().enumerate() {
            wanted.push((guest.clone(), items(guest, &types, no).await));
        }
        let calls = wanted.into_iter().map(|(guest, quotes)| async move {
            let held = guest.hold_items(&quotes).await;
            if held.status != 201 {
                return held;
            }
            let path = format!("/holds/{}", held.json()["hold_id"].as_str().expect("an id"));
            guest.delete(&path).await.ok(204);
            held
        });
        for answer in at_once(calls).await {
            match answer.status {
                201 => placed += 1,
                _ => drop(answer.problem(409, "sold_out")),
            }
        }
    }
    assert!(placed >= rounds, "{placed}");
    assert_eq!(app.rows("holds"), i64::try_from(placed).expect("a count"));
    assert_eq!(app.number("SELECT sum(held) + sum(sold) FROM inventory"), 0, "every hold was given back");
    eprintln!("{clients} clients, {rounds} rounds: {placed} holds placed and given back");
    drop(beside);
    app.sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn weeks_in_opposite_orders_never_deadlock() {
    storm(24, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "slow: 100 clients, 20 rounds"]
async fn a_hundred_weeks_in_opposite_orders_never_deadlock() {
    storm(100, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_would_be_seen() {
    let mut app = TestApp::start().await;
    let hotel = Hotel::one_room(&app);
    let lock = |day| format!("SELECT 1 FROM inventory WHERE stay_date = '{}' FOR UPDATE", hotel.day(day));
    let [mut one, mut two] = [(1, 2), (2, 1)].map(|(first, second)| {
        let mut conn = app.connect();
        conn.batch_execute(&format!("SET deadlock_timeout = '20ms'; BEGIN; {}", lock(first))).expect("a lock");
        let then = lock(second);
        (conn, then)
    });
    thread::scope(|scope| {
        scope.spawn(|| one.0.batch_execute(&one.1));
        scope.spawn(|| two.0.batch_execute(&two.1));
    });
    drop((one, two));
    assert_eq!(app.deadlocks(), 1);
}
