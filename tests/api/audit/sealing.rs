//! The chains: one place an entry, whoever seals, and whenever it was committed.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use lastroom::audit::sealer;
use lastroom::db::{Db, PoolSettings};

use crate::support::database::{Database, Start, pool};
use crate::support::{Made, TestApp};

const HOTELS: [&str; 3] = [
    "00000000-0000-0000-0000-000000000000",
    "00000000-0000-7000-8000-00000000000a",
    "00000000-0000-7000-8000-00000000000b",
];

/// Writes entries of a hotel as the log writes them, with the time and the id of the past.
fn entries(hotel_id: &str, count: usize, action: &str) -> String {
    format!(
        "WITH entry AS (
             INSERT INTO audit_entries (hotel_id, audit_id, action, resource, after, created_at)
             SELECT '{hotel_id}', gen_random_uuid(), '{action}', 'hotel', jsonb_build_object('n', n, 'é', 1.50),
                 clock_timestamp() - interval '1 hour'
             FROM generate_series(1, {count}) n RETURNING hotel_id, audit_id
         )
         INSERT INTO audit_unsealed SELECT hotel_id, audit_id FROM entry"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_is_sealed_within_5_s() {
    let app = TestApp::start().await;
    let admin = app.first_admin().await;
    let made = Made::by(&admin).await;
    let begun = Instant::now();
    while app.rows("audit_unsealed") > 0 {
        assert!(begun.elapsed() < Duration::from_secs(5), "entries wait still");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let chains = "SELECT string_agg(concat_ws(' ', name, max, count), ', ' ORDER BY name) FROM (
                      SELECT coalesce(name, 'none') AS name, max(seq), count(*) FROM audit_seals LEFT JOIN hotels USING (hotel_id)
                      GROUP BY name) chains";
    assert_eq!(app.text(chains), "Hôtel du Nord 5 5, none 2 2");
    assert_eq!(app.number(&format!("SELECT seq FROM audit_heads WHERE hotel_id = '{}'", made.hotel_id)), 5);
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_is_committed_late_is_sealed_late_and_not_passed_over() {
    let database = Database::create(Start::Migrated);
    let db = Db::new(&pool(database.url()));
    let (mut slow, mut quick) = (database.connect(), database.connect());
    slow.batch_execute(&format!("BEGIN; {}", entries(HOTELS[1], 2, "early"))).expect("an open transaction");
    quick.batch_execute(&entries(HOTELS[1], 3, "late")).expect("a transaction");
    assert_eq!(sealer::round(&db).await.expect("a round"), 3);
    assert_eq!(sealer::round(&db).await.expect("a round"), 0);
    slow.batch_execute("COMMIT").expect("its end");
    assert_eq!(sealer::round(&db).await.expect("a round"), 2);
    let order: Vec<_> = crate::migrations::lines(
        &mut quick,
        "SELECT seq || ' ' || action AS line FROM audit_seals JOIN audit_entries USING (hotel_id, audit_id) ORDER BY seq",
    );
    assert_eq!(order, ["1 late", "2 late", "3 late", "4 early", "5 early"]);
    assert!(lastroom::verify::examine(&mut quick).expect("a database to examine").is_clean());
}

/// Six sealers with connections of their own, while entries keep coming: no fork, no gap, no entry twice.
#[tokio::test(flavor = "multi_thread")]
async fn many_sealers_at_once_make_one_chain_a_hotel() {
    let database = Database::create(Start::Migrated);
    let writers: Vec<_> = HOTELS
        .into_iter()
        .map(|hotel_id| {
            let mut conn = database.connect();
            std::thread::spawn(move || {
                for _ in 0..40 {
                    conn.batch_execute(&entries(hotel_id, 7, "done")).expect("entries");
                }
            })
        })
        .collect();
    let (tell, told) = tokio::sync::watch::channel(false);
    let sealers: Vec<_> = (0..6)
        .map(|_| {
            let db = Db::new(&PoolSettings { size: 1, ..pool(database.url()) });
            let told = told.clone();
            tokio::spawn(async move {
                let mut sealed = 0;
                loop {
                    let over = *told.borrow();
                    match sealer::round(&db).await.expect("a round") {
                        0 if over => return sealed,
                        batch => sealed += batch,
                    }
                }
            })
        })
        .collect();
    tokio::task::spawn_blocking(move || writers.into_iter().for_each(|writer| writer.join().expect("a writer")))
        .await
        .expect("the writers");
    tell.send_replace(true);
    let mut sealed = 0;
    for sealer in sealers {
        sealed += sealer.await.expect("a sealer");
    }
    // Each stops once it finds nothing that it can lock; what the last holder left over is sealed now.
    sealed += sealer::round(&Db::new(&pool(database.url()))).await.expect("a round");
    assert_eq!(sealed, 3 * 40 * 7);
    let dense = "SELECT string_agg(concat_ws(' ', min, max, count), ', ') AS line FROM (
                     SELECT min(seq), max(seq), count(*) FROM audit_seals GROUP BY hotel_id) chains";
    assert_eq!(crate::migrations::lines(&mut database.connect(), dense), ["1 280 280, 1 280 280, 1 280 280"]);
    assert!(lastroom::verify::examine(&mut database.connect()).expect("a database to examine").is_clean());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_whose_head_somebody_keeps_locked_is_noticed() {
    let database = Database::create(Start::Migrated);
    let db = Db::new(&pool(database.url()));
    let (mut locker, mut writer) = (database.connect(), database.connect());
    let overdue = async || {
        let chains = sealer::overdue(&db).await.expect("a look");
        chains.iter().map(|late| (late.hotel_id.to_string(), late.entries, late.waited_s / 60)).collect::<Vec<_>>()
    };
    writer.batch_execute(&entries(HOTELS[1], 1, "first")).expect("an entry");
    assert_eq!(sealer::round(&db).await.expect("a round"), 1);
    assert_eq!(overdue().await, []);
    let lock = format!("BEGIN; SELECT FROM audit_heads WHERE hotel_id = '{}' FOR UPDATE", HOTELS[1]);
    locker.batch_execute(&lock).expect("the head's lock");
    writer.batch_execute(&entries(HOTELS[1], 2, "kept")).expect("entries");
    assert_eq!(sealer::round(&db).await.expect("no error tells of it"), 0);
    // Another's have come just now.
    writer.batch_execute(&entries(HOTELS[2], 3, "new").replace("1 hour", "1 second")).expect("entries");
    assert_eq!(overdue().await, [(HOTELS[1].to_owned(), 2, 60)]);
    locker.batch_execute("COMMIT").expect("its end");
    assert_eq!(sealer::round(&db).await.expect("a round"), 5);
    assert_eq!(overdue().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_altered_by_the_owner_of_the_table_is_reported() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let made = Made::by(&admin).await;
    app.all_sealed().await;
    app.verified();
    app.execute(
        "UPDATE audit_entries SET after = jsonb_set(after, '{value}', '99') WHERE resource = 'tax' AND action = 'created'",
    );
    let report = lastroom::verify::examine(&mut app.connect()).expect("a database to examine");
    let broken: Vec<_> = report.lines.iter().filter(|line| line.breaches > 0).collect();
    let [line] = &broken[..] else { panic!("{broken:?}") };
    assert_eq!((line.name, line.breaches), ("audit.seal_follows_the_one_before", 1));
    assert_eq!(line.ids, [format!("{} 5", made.hotel_id)]);
}
