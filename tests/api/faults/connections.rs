//! Connections that are ended, again and again.

use std::sync::Arc;
use std::time::Duration;

use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use lastroom::db::{Db, DbError, sql};

use crate::support::database::{Database, pool};
use crate::support::storm::{Door, Storm};
use crate::support::{Start, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_ends_on_any_line_of_a_transaction_is_away() {
    let database = Arc::new(Database::create(Start::Blank));
    let db = Db::new(&pool(database.url()));
    for line in ["statement", "savepoint", "its end", "commit", "nothing"] {
        let database = database.clone();
        let written = db.write(move |tx| {
            let ends_before = |next| {
                if next == line {
                    assert_eq!(database.end_sessions(), 1);
                }
            };
            ends_before("statement");
            tx.batch_execute("SELECT 1")?;
            ends_before("savepoint");
            let saved = tx.savepoint(|tx| {
                tx.batch_execute("SELECT 1")?;
                ends_before("its end");
                Ok::<_, DbError>(())
            });
            saved.map_err(|failed| failed.unwrap_or_else(|error| error))?;
            ends_before("commit");
            Ok::<_, DbError>(())
        });
        match written.await {
            Ok(()) => assert_eq!(line, "nothing"),
            Err(DbError::Away(_)) => {}
            Err(error) => panic!("ended before {line}: {error:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_every_pooled_connection_has_ended_the_next_work_gets_a_new_one() {
    let database = Database::create(Start::Blank);
    let db = Db::new(&pool(database.url()));
    db.write(|tx| tx.batch_execute("SELECT 1").map_err(DbError::from)).await.expect("a first connection");
    for _ in 0..5 {
        assert_eq!(database.end_sessions(), 1);
        db.write(|tx| tx.batch_execute("SELECT 1").map_err(DbError::from)).await.expect("a new connection");
        assert_eq!(database.end_sessions(), 1);
        // Prepared, as most statements are: their failure leaves the connection looking sound.
        let number = |conn: &mut _| sql("SELECT 1").execute(conn).map_err(DbError::from);
        db.read(number).await.expect("a new connection");
    }
}

async fn end_every_connection(times: usize, guests: usize) {
    let mut app = TestApp::start_with(Start::Migrated, super::hasty).await;
    let door = Door::at(&app.address.to_string());
    let storm = Storm::begin(&app, &door, guests);
    let mut ended = 0;
    for time in 0..times {
        tokio::time::sleep(Duration::from_millis(20 + u64::try_from(time * 17 % 80).expect("a time"))).await;
        ended += app.database.end_sessions();
    }
    let told = storm.end().await;
    app.kept_its_word(&told, &door).await;
    eprintln!("{ended} sessions ended");
    assert!(ended >= times, "{ended}");
    assert!(!door.told().contains_key("no answer"), "the server itself went on: {:?}", door.told());
    app.sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_connections_are_replaced_and_nobody_sees_a_failure() {
    end_every_connection(10, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "slow: 300 times"]
async fn connections_ended_hundreds_of_times_are_replaced() {
    end_every_connection(300, 16).await;
}
