//! kill -9 of the server and of PostgreSQL under load: every guest gets a definite answer, and it is true.

use std::sync::Arc;
use std::time::Duration;

use crate::support::database::Database;
use crate::support::home::{Home, kill};
use crate::support::program::Serving;
use crate::support::storm::{Door, Storm};
use crate::support::{Start, TestApp};

/// The load before each kill lasts differently long, so that kills hit every line in the end.
fn a_while(cycle: usize) -> Duration {
    Duration::from_millis(200 + u64::try_from(cycle * 137 % 400).expect("a time"))
}

async fn kill_the_server(cycles: usize, guests: usize) {
    let mut app = TestApp::start().await;
    // Nobody but the process to be killed is to finish its work.
    app.stop();
    let folder = tempfile::tempdir().expect("a folder");
    let serve = || {
        let hasty =
            [("LASTROOM_HOLD_TTL_S", "2"), ("LASTROOM_HOLD_LIMIT", "1000"), ("LASTROOM_SWEEP_INTERVAL_MS", "100")];
        Serving::beside(&app, folder.path(), &hasty)
    };
    let mut serving = serve();
    let door = Door::at(&serving.address);
    let storm = Storm::begin(&app, &door, guests);
    for cycle in 0..cycles {
        tokio::time::sleep(a_while(cycle)).await;
        serving.kill();
        app.run_out_leases();
        serving = serve();
        door.moves_to(&serving.address);
    }
    let told = storm.end().await;
    app.kept_its_word(&told, &door).await;
    let (code, log) = serving.terminate();
    assert_eq!(code, Some(0), "{log}");
    app.sound();
}

async fn kill_postgres(cycles: usize, guests: usize) {
    let home = Home::new();
    let database = Arc::new(Database::create_in(&home, Start::Migrated));
    let mut app = TestApp::on(database, super::hasty).await;
    let door = Door::at(&app.address.to_string());
    let storm = Storm::begin(&app, &door, guests);
    for cycle in 0..cycles {
        tokio::time::sleep(a_while(cycle)).await;
        let mut victims = home.processes();
        if cycle.is_multiple_of(2) {
            // The postmaster alone: its orphans end when they notice.
            victims.truncate(1);
        }
        kill("-KILL", &victims);
        drop(home.acquire_durable());
    }
    let told = storm.end().await;
    app.kept_its_word(&told, &door).await;
    // A crash takes PostgreSQL's counters along; its log stays.
    assert!(!home.log().contains("deadlock detected"), "{}", home.log());
    app.sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_leaves_nothing_half_done() {
    kill_the_server(2, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "slow: 20 kills of the server"]
async fn a_server_killed_twenty_times_leaves_nothing_half_done() {
    kill_the_server(20, 16).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_postgres_loses_nothing_that_was_answered() {
    kill_postgres(1, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "slow: 20 kills of PostgreSQL"]
async fn a_postgres_killed_twenty_times_loses_nothing_that_was_answered() {
    kill_postgres(20, 16).await;
}
