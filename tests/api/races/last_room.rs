//! A crowd and one room, round after round: one gets it, everybody else is told so, and nobody is told anything else.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::crowd::crowd;
use crate::support::{Guest, Hotel, Start, TestApp};

/// A crowd that wants the same nights of a hotel's only room.
struct Crowd {
    guests: Vec<Guest>,
    offer_id: Value,
    /// A quote of each guest's own. A refused one can be used again.
    quotes: Vec<Value>,
}

impl Crowd {
    async fn gather(app: &TestApp, hotel: &Hotel, clients: usize) -> Self {
        let guests = crowd(app, clients);
        let offer_id = guests[0].offer(&hotel.id(), &hotel.stay(10, 12)).await["offer_id"].clone();
        let mut quotes = Vec::new();
        for guest in &guests {
            quotes.push(guest.quote(&offer_id).await["quote_id"].clone());
        }
        Self { guests, offer_id, quotes }
    }

    /// All ask at once. How long each waited; the winner gives the room back and quotes anew.
    async fn round(&mut self) -> Vec<Duration> {
        let calls = self.guests.iter().cloned().zip(self.quotes.clone()).map(|(guest, quote_id)| {
            tokio::spawn(async move {
                let asked = Instant::now();
                (guest.hold(&quote_id).await, asked.elapsed())
            })
        });
        let calls: Vec<_> = calls.collect();
        let (mut won, mut waited) = (Vec::new(), Vec::new());
        for (at, call) in calls.into_iter().enumerate() {
            let (answer, time) = call.await.expect("an answer");
            waited.push(time);
            if answer.status == 201 {
                won.push((at, answer.json()["hold_id"].clone()));
            } else {
                answer.problem(409, "sold_out");
            }
        }
        let [(winner, hold_id)] = &won[..] else { panic!("{} of {} got the one room", won.len(), self.guests.len()) };
        let path = format!("/holds/{}", hold_id.as_str().expect("an id"));
        self.guests[*winner].delete(&path).await.ok(204);
        self.quotes[*winner] = self.guests[*winner].quote(&self.offer_id).await["quote_id"].clone();
        waited
    }
}

/// The time that so many in a hundred stay below.
fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

async fn race(clients: usize, rounds: usize) {
    // As an operator runs it: the pool and the workers of the default settings.
    let mut app = TestApp::start_with(Start::Migrated, |given| {
        given.pool_size = None;
        given.workers = None;
    })
    .await;
    let hotel = Hotel::one_room(&app);
    let mut crowd = Crowd::gather(&app, &hotel, clients).await;
    let (mut lasted, mut waited) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let begun = Instant::now();
        waited.extend(crowd.round().await);
        lasted.push(begun.elapsed());
    }
    eprintln!(
        "{clients} clients, {rounds} rounds: a round p50 {:?} p99 {:?}, a call p50 {:?} p99 {:?}",
        percentile(&mut lasted, 50),
        percentile(&mut lasted, 99),
        percentile(&mut waited, 50),
        percentile(&mut waited, 99)
    );
    assert_eq!(app.rows("holds"), i64::try_from(rounds).expect("a count"));
    app.sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_races_for_one_room_and_one_gets_it() {
    race(40, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "slow: 200 clients, 50 rounds, a minute"]
async fn two_hundred_race_for_one_room_and_one_gets_it() {
    race(200, 50).await;
}
