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

/// The two room types, and an offer of each for a week from each start.
struct Weeks {
    types: [Hotel; 2],
    offers: Vec<[Value; 2]>,
}

impl Weeks {
    async fn of(guest: &Guest, types: [Hotel; 2]) -> Self {
        let mut offers = Vec::new();
        for start in 0..STARTS {
            let path = format!("/hotels/{}/offers?{}", types[0].id(), types[0].stay(5 + start, 5 + start + WEEK));
            let found = guest.get(&path).await.ok(200);
            offers.push([0, 1].map(|at: usize| {
                let own = |offer: &&Value| offer["room_type_id"] == types[at].room_type_id.to_string();
                let offer = found["data"].as_array().and_then(|data| data.iter().find(own)).expect("an offer");
                offer["offer_id"].clone()
            }));
        }
        Self { types, offers }
    }

    /// What one guest wants: a week of each type, or two weeks that overlap, in this order or the other.
    async fn quoted(&self, guest: &Guest, no: usize) -> Vec<Value> {
        let mut quotes = Vec::new();
        for at in 0..self.types.len() {
            let start = (no + at * 3) * 5;
            quotes.push(guest.quote(&self.offers[start % self.offers.len()][at]).await["quote_id"].clone());
            if no.is_multiple_of(3) {
                quotes.push(guest.quote(&self.offers[(start + 2) % self.offers.len()][at]).await["quote_id"].clone());
            }
        }
        if no.is_multiple_of(2) {
            quotes.reverse();
        }
        quotes
    }
}

/// Holds of everybody at once, then their release in the other direction while the refused ones try again.
async fn storm(clients: usize, rounds: usize) {
    let mut app = TestApp::start().await;
    let beside = app.beside().await;
    let terms = Terms { capacity: 12, ..Terms::default() };
    let doubles = Hotel::with(&app, &terms);
    let suites = doubles.another_room_type(&app, &terms);
    let guests: Vec<_> = crowd(&app, clients)
        .into_iter()
        .enumerate()
        .map(|(no, guest)| if no.is_multiple_of(2) { guest } else { guest.at(&beside) })
        .collect();
    let weeks = Weeks::of(&guests[0], [doubles, suites]).await;
    let mut placed = 0;
    for _ in 0..rounds {
        let mut wanted = Vec::new();
        for (no, guest) in guests.iter().enumerate() {
            wanted.push((guest.clone(), weeks.quoted(guest, no).await));
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
