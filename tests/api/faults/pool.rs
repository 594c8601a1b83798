//! A crowd before two connections: most are refused early, the others served, and nothing piles up.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::crowd::crowd;
use crate::support::program::Serving;
use crate::support::storm::Door;
use crate::support::{Answer, Guest, Hotel, Terms, TestApp, key};

const CONNECTIONS: u64 = 2;
/// A call waits for a connection twice, for its token and for its work. The rest is for a slow machine.
const SLACK: Duration = Duration::from_secs(3);

/// One guest's one wish.
#[derive(Clone)]
struct Wish {
    guest: Guest,
    key: String,
    body: Value,
}

impl Wish {
    async fn ask(self) -> (Answer, Duration) {
        let begun = Instant::now();
        (self.guest.post_keyed("/holds", &self.key, self.body).await, begun.elapsed())
    }
}

/// The threads of a process, where the system tells.
fn threads(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("Threads:")?.trim().parse().ok())
}

/// The most threads that a process has until it is told to stop looking.
fn most_threads(pid: u32, over: Arc<AtomicBool>) -> thread::JoinHandle<Option<u64>> {
    thread::spawn(move || {
        let mut most = None;
        while !over.load(Ordering::SeqCst) {
            most = most.max(threads(pid));
            thread::sleep(Duration::from_millis(5));
        }
        most
    })
}

/// How many of the clients got what they wanted at once. Where the rooms are locked for longer than anybody waits for a
/// connection, those are the few who have one.
async fn storm(clients: usize, pool_wait_ms: u64, rooms_are_locked: bool) -> usize {
    let mut app = TestApp::start().await;
    let hotel = Hotel::with(&app, &Terms { capacity: 1_000, ..Terms::default() });
    let guests = crowd(&app, clients);
    let offer_id = guests[0].offer(&hotel.id(), &hotel.stay(10, 12)).await["offer_id"].clone();
    let folder = tempfile::tempdir().expect("a folder");
    let wait = pool_wait_ms.to_string();
    let settings = [("LASTROOM_POOL_SIZE", "2"), ("LASTROOM_POOL_WAIT_MS", wait.as_str()), ("LASTROOM_WORKERS", "1")];
    let serving = Serving::beside(&app, folder.path(), &settings);
    let mut wishes = Vec::new();
    for guest in guests {
        let body = json!({ "quote_id": guest.quote(&offer_id).await["quote_id"] });
        wishes.push(Wish { guest: guest.behind(&serving.address), key: key(), body });
    }
    let usual = threads(serving.pid());
    let over = Arc::new(AtomicBool::new(false));
    let counting = most_threads(serving.pid(), over.clone());

    let mut outside = app.connect();
    if rooms_are_locked {
        outside.batch_execute("BEGIN; SELECT FROM inventory FOR UPDATE").expect("locks");
    }
    let asked: Vec<_> = wishes.iter().cloned().map(|wish| tokio::spawn(wish.ask())).collect();
    if rooms_are_locked {
        tokio::time::sleep(Duration::from_millis(2 * pool_wait_ms)).await;
        outside.batch_execute("ROLLBACK").expect("no locks");
    }
    let (mut served, mut longest) = (0, Duration::ZERO);
    for asked in asked {
        let (answer, took) = asked.await.expect("an answer");
        longest = longest.max(took);
        if answer.status == 201 {
            served += 1;
        } else {
            answer.problem(503, "busy");
            assert!(answer.header("retry-after").is_some(), "{}", answer.text);
        }
    }
    // The storm is over: whoever comes now is served at once.
    let begun = Instant::now();
    wishes[0].guest.get("/holds").await.ok(200);
    let recovered = begun.elapsed();
    over.store(true, Ordering::SeqCst);
    let most = counting.join().expect("a count");
    eprintln!(
        "{clients} clients, {CONNECTIONS} connections: {served} served, none waited longer than {longest:?}, the next one \
         {recovered:?}; threads {usual:?}, at most {most:?}"
    );
    assert!(longest < 2 * Duration::from_millis(pool_wait_ms) + SLACK, "{longest:?}");
    assert!(recovered < Duration::from_secs(1), "{recovered:?}");
    if let (Some(usual), Some(most)) = (usual, most) {
        // A thread for each connection, and those that have just let go of one; never one for each client.
        let more = u64::try_from(clients).expect("a count") / 10;
        assert!(most <= usual + more, "{usual} threads grew to {most}");
    }
    let door = Door::at(&serving.address);
    for wish in &wishes {
        door.insist(&wish.guest, Method::POST, "/holds", &wish.key, Some(&wish.body)).await.ok(201);
    }
    assert_eq!(app.rows("holds"), i64::try_from(clients).expect("a count"));
    assert_eq!(serving.terminate().0, Some(0));
    drop(outside);
    app.sound();
    served
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_before_two_connections_is_refused_early_and_served_afterwards() {
    let served = storm(100, 500, true).await;
    assert!((1..100).contains(&served), "{served}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "slow: 500 clients"]
async fn five_hundred_before_two_connections_are_refused_early_and_served_afterwards() {
    assert!(storm(500, 1_500, false).await > 0);
    let served = storm(500, 500, true).await;
    assert!((1..500).contains(&served), "{served}");
}
