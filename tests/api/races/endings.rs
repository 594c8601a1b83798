//! A hold ends, or is given more time, while others ask for its room without pause: it goes to one of them, or to none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::crowd::crowd;
use crate::support::program::Serving;
use crate::support::{Guest, Hotel, Start, TestApp};

/// What the owner does when little is left of the hold.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Release,
    Extend,
    Nothing,
}

/// A hold's last moments are so long.
const LEFT_MS: i64 = 80;
/// Nobody asks longer than this for a room that is free.
const PATIENCE: Duration = Duration::from_secs(10);

/// A hotel's only room, its owner, and others who want it, half of them through a second process.
struct Ring {
    app: TestApp,
    process: Serving,
    hotel: Hotel,
    offer_id: Value,
    owner: Guest,
    others: Vec<Guest>,
    _folder: tempfile::TempDir,
}

impl Ring {
    async fn new(others: usize) -> Self {
        let app = TestApp::start_with(Start::Migrated, |given| given.sweep_interval_ms = Some("10".to_owned())).await;
        let folder = tempfile::tempdir().expect("a folder");
        let process = Serving::beside(&app, folder.path(), &[("LASTROOM_SWEEP_INTERVAL_MS", "10")]);
        let hotel = Hotel::one_room(&app);
        let mut guests = crowd(&app, others + 1);
        let owner = guests.pop().expect("an owner");
        let offer_id = owner.offer(&hotel.id(), &hotel.stay(10, 12)).await["offer_id"].clone();
        for guest in guests.iter_mut().step_by(2) {
            *guest = guest.behind(&process.address);
        }
        Self { app, process, hotel, offer_id, owner, others: guests, _folder: folder }
    }

    /// The owner acts when `wait` has passed of the hold's last moments. Whether the hold outlived them.
    async fn round(&self, act: Act, wait: Duration) -> bool {
        let mut quotes = Vec::new();
        for guest in &self.others {
            quotes.push((guest.clone(), guest.quote(&self.offer_id).await["quote_id"].clone()));
        }
        let quote = self.owner.quote(&self.offer_id).await;
        let hold = self.owner.hold(&quote["quote_id"]).await.ok(201);
        let over = Arc::new(AtomicBool::new(false));
        let asking = quotes
            .into_iter()
            .map(|(guest, quote_id)| tokio::spawn(ask_until_it_is_over(guest, quote_id, over.clone())));
        let asking: Vec<_> = asking.collect();
        self.app.execute(&format!(
            "UPDATE holds SET expires_at = clock_timestamp() + interval '{LEFT_MS} ms' WHERE status = 'active'"
        ));
        tokio::time::sleep(wait).await;
        let lives = self.act(act, &hold).await;
        if lives {
            over.store(true, Ordering::SeqCst);
        }
        let mut winners = Vec::new();
        for (guest, asked) in self.others.iter().zip(asking) {
            if let Some(won) = asked.await.expect("a winner or none") {
                winners.push((guest, won));
            }
        }
        assert_eq!(winners.len(), usize::from(!lives), "{act:?} after {wait:?}");
        assert_eq!(self.hotel.stock(&self.app, self.hotel.day(10)), (1, 0), "{act:?} after {wait:?}");
        winners.push((&self.owner, hold));
        for (guest, hold) in winners {
            guest.delete(&path(&hold)).await.ok(204);
        }
        lives
    }

    /// Whether the hold still lives after what its owner does.
    async fn act(&self, act: Act, hold: &Value) -> bool {
        match act {
            Act::Nothing => false,
            Act::Release => {
                self.owner.delete(&path(hold)).await.ok(204);
                false
            }
            Act::Extend => {
                let extended = self.owner.extend(hold, 1, json!({})).await;
                if extended.status != 200 {
                    extended.problem(410, "hold_expired");
                }
                extended.status == 200
            }
        }
    }
}

fn path(hold: &Value) -> String {
    format!("/holds/{}", hold["hold_id"].as_str().expect("an id"))
}

/// Asks for the room again and again: a hold, or none if it is over or somebody else has it.
async fn ask_until_it_is_over(guest: Guest, quote_id: Value, over: Arc<AtomicBool>) -> Option<Value> {
    let asking = async {
        loop {
            // Looked at first: the last try begins after the end.
            let last = over.load(Ordering::SeqCst);
            let answer = guest.hold(&quote_id).await;
            if answer.status == 201 {
                over.store(true, Ordering::SeqCst);
                return Some(answer.json());
            }
            answer.problem(409, "sold_out");
            if last {
                return None;
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.expect("a room that is free goes to somebody")
}

/// Pairs of holds that had the one room at the same instant, by the database's clock.
const TWO_AT_ONCE: &str = "
    WITH life AS (
        SELECT h.hold_id, n.stay_date, h.created_at AS from_then,
               least(h.expires_at, (SELECT e.created_at FROM outbox_events e
                                    WHERE e.hotel_id = h.hotel_id AND e.subject_id = h.hold_id
                                      AND e.topic = 'hold.released')) AS to_then
        FROM holds h JOIN hold_nights n USING (hotel_id, hold_id)
    )
    SELECT count(*) FROM life a JOIN life b USING (stay_date)
    WHERE a.hold_id < b.hold_id AND a.from_then < b.to_then AND b.from_then < a.to_then";

/// Rounds in which the owner acts well before the last second, shortly before it, at it, and too late.
async fn rounds(act: Act, others: usize, each: u64) {
    let mut ring = Ring::new(others).await;
    let (mut kept, mut lost) = (0, 0);
    for round in 0..each {
        let step = u64::try_from(2 * LEFT_MS).expect("a time") / each;
        let outlived = ring.round(act, Duration::from_millis(round * step)).await;
        *if outlived { &mut kept } else { &mut lost } += 1;
    }
    eprintln!("{act:?}, {each} rounds against {others} others: {kept} kept, {lost} lost");
    assert!(lost > 0, "{kept} kept");
    assert_eq!(ring.app.number(TWO_AT_ONCE), 0, "one room, two holds");
    drop(ring.process);
    ring.app.sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_released_room_goes_to_one_of_those_who_wait() {
    rounds(Act::Release, 4, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_room_goes_to_one_of_those_who_wait_and_not_a_moment_early() {
    rounds(Act::Nothing, 4, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_wins_or_the_room_is_free_never_both() {
    rounds(Act::Extend, 4, 8).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "slow: a hundred endings of each kind"]
async fn a_hundred_endings_leave_one_holder_each() {
    for act in [Act::Release, Act::Nothing, Act::Extend] {
        rounds(act, 12, 100).await;
    }
}
