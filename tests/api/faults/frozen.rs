//! PostgreSQL that neither answers nor is gone: every process of it is stopped with SIGSTOP, under load.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::database::Database;
use crate::support::home::{Home, kill};
use crate::support::program::Serving;
use crate::support::storm::{Door, Storm};
use crate::support::{Answer, Guest, Hotel, Start, TestApp};

/// A caller is answered within this: 1.5 s for a connection, 8 s for what it does, and some for a slow machine.
const BOUND: Duration = Duration::from_secs(12);
/// The same of readiness: 1.5 s and 2 s.
const READINESS_BOUND: Duration = Duration::from_secs(6);

/// Goes on when the test forgets it.
struct Frozen(Vec<u32>);

impl Frozen {
    fn new(home: &Home) -> Self {
        let frozen = Self(home.processes());
        // The postmaster is the first, so that it makes no more of them.
        kill("-STOP", &frozen.0);
        frozen
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        kill("-CONT", &self.0);
    }
}

/// The answer, and how long it took.
async fn timed(call: impl Future<Output = Answer>) -> (Answer, Duration) {
    let begun = Instant::now();
    (call.await, begun.elapsed())
}

/// Whoever calls now is told 503 within the bound, whatever they want.
async fn assert_all_told_in_time(ada: &Guest, hotel: &Hotel) {
    let offers = format!("/hotels/{}/offers?{}", hotel.id(), hotel.stay(10, 12));
    let calls: Vec<_> = (0..40)
        .map(|no| {
            let (ada, offers) = (ada.clone(), offers.clone());
            tokio::spawn(timed(async move {
                match no % 4 {
                    0 => ada.get("/holds").await,
                    1 => ada.get(&offers).await,
                    2 => ada.hold(&uuid::Uuid::now_v7().to_string().into()).await,
                    _ => ada.post("/auth/login", json!({ "email": ada.email, "password": "a guess" })).await,
                }
            }))
        })
        .collect();
    let mut slowest = Duration::ZERO;
    for call in calls {
        let (answer, took) = call.await.expect("an answer");
        assert_eq!(answer.status, 503, "{}", answer.text);
        assert!(answer.header("retry-after").is_some(), "{}", answer.text);
        slowest = slowest.max(took);
    }
    eprintln!("the slowest of 40 answers took {slowest:?}");
    assert!(slowest < BOUND, "{slowest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_hangs_callers_are_answered_in_time() {
    let home = Home::new();
    let mut app = TestApp::on(Arc::new(Database::create_in(&home, Start::Migrated)), super::hasty).await;
    let folder = tempfile::tempdir().expect("a folder");
    let process = Serving::beside(&app, folder.path(), &[("LASTROOM_DRAIN_S", "1")]);
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let door = Door::at(&app.address.to_string());
    let storm = Storm::begin(&app, &door, 4);
    tokio::time::sleep(Duration::from_millis(300)).await;

    let frozen = Frozen::new(&home);
    assert_all_told_in_time(&ada, &hotel).await;
    let (alive, took) = timed(ada.get("//healthz")).await;
    alive.ok(200);
    assert!(took < Duration::from_secs(1), "{took:?}");
    let (not_ready, took) = timed(ada.get("//readyz")).await;
    assert_eq!(not_ready.ok(503)["ready"], false);
    assert!(took < READINESS_BOUND, "{took:?}");
    // A server that is told to stop does not wait for a database that hangs.
    let (code, log) = process.terminate();
    assert_eq!(code, Some(0), "{log}");
    drop(frozen);

    let thawed = Instant::now();
    while ada.get("//readyz").await.status != 200 {
        assert!(thawed.elapsed() < Duration::from_secs(10), "it is not ready again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let told = storm.end().await;
    app.kept_its_word(&told, &door).await;
    assert!(!home.log().contains("deadlock detected"), "{}", home.log());
    app.sound();
}
