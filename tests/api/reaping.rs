//! Reaping: what is over goes, what is young, running or referred to stays.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use lastroom::app::reaper;
use lastroom::db::Db;
use serde_json::{Value, json};

use crate::support::database::pool;
use crate::support::{Guest, Hotel, TestApp, key};

/// Every time of every row is so many days earlier.
fn days_pass(app: &TestApp, days: u32) {
    let columns = app.text(
        "SELECT string_agg(format('UPDATE %I SET %s', relname, sets), '; ') FROM (
             SELECT relname, string_agg(format('%1$I = %1$I - interval $$DAYS days$$', attname), ', ') AS sets
             FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
             WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
               AND atttypid = 'timestamptz'::regtype AND attgenerated = '' AND relname !~ '^(audit_|__diesel)'
             GROUP BY relname) tables",
    );
    app.execute(&columns.replace("DAYS", &days.to_string()));
}

/// One round as the application's role, whatever the server's own does.
async fn round(app: &TestApp) -> usize {
    reaper::round(&Db::new(&pool(app.database.app_url())), 30).await.expect("a round")
}

/// A guest of whom there is a row of each kind: a booking, a quote that nothing was made of, a key, two sessions.
async fn walk(app: &TestApp, hotel: &Hotel) -> (Guest, Value) {
    let ada = app.guest();
    let unused = ada.offer(&hotel.id(), &hotel.stay(10, 12)).await;
    let unused = ada.quote(&unused["offer_id"]).await["quote_id"].clone();
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    ada.confirm(&hold["hold_id"]).await.ok(201);
    ada.login(&ada.email, crate::support::actors::PASSWORD).await;
    app.eventually("SELECT count(*) FROM jobs WHERE done_at IS NULL", "0").await;
    app.all_told().await;
    (ada, unused)
}

const COUNTED: [&str; 7] =
    ["quotes", "idempotency_keys", "sessions", "refresh_tokens", "jobs", "outbox_events", "simulator_requests"];

fn counts(app: &TestApp) -> [i64; 7] {
    COUNTED.map(|table| app.rows(table))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_goes_and_what_is_young_or_referred_to_stays() {
    let app = TestApp::start().await;
    let hotel = Hotel::one_room(&app);
    let (ada, unused) = walk(&app, &hotel).await;
    let before = counts(&app);
    let [quotes, keys, sessions, tokens, jobs, events, requests] = before;
    assert!(before.iter().all(|rows| *rows > 0), "{before:?}");
    let bookings = ada.get("/bookings").await.ok(200)["data"].clone();
    assert_eq!((round(&app).await, counts(&app)), (0, before), "all is young");
    ada.post("/auth/logout", json!({ "refresh_token": ada.refresh_token })).await.ok(204);
    days_pass(&app, 3);
    app.execute("UPDATE idempotency_keys SET finished_at = finished_at + interval '1 minute'");
    assert_eq!((round(&app).await, counts(&app)), (0, before), "a key is kept for 72 hours");
    days_pass(&app, 1);
    app.verified();
    // Finished keys go, and a key whose call never ended stays for ever.
    app.execute(
        "UPDATE idempotency_keys SET finished_at = NULL, status = NULL, body = NULL, location = NULL,
             lease_until = created_at, hotel_id = (SELECT hotel_id FROM payments),
             resource_id = (SELECT attempt_id FROM payment_attempts)
         WHERE scope LIKE 'POST /api/v1/payments %'",
    );
    round(&app).await;
    assert_eq!(counts(&app), [quotes, 1, sessions, tokens, jobs, events, requests]);
    app.verified();

    // The session that goes on is not to be refreshed in 30 days' time: it is made to last.
    app.execute("UPDATE sessions SET expires_at = clock_timestamp() + interval '90 days' WHERE revoked_at IS NULL");
    app.execute("UPDATE outbox_events SET published_at = clock_timestamp() WHERE topic LIKE 'hold.%'");
    days_pass(&app, 31);
    round(&app).await;
    let left = counts(&app);
    let holds = app.number("SELECT count(*) FROM outbox_events WHERE topic LIKE 'hold.%'");
    assert_eq!((left, holds), ([quotes - 1, 1, 1, 1, 0, left[5], 0], 0));
    assert!(left[5] > 0 && left[5] < events, "what nobody has read stays: {left:?}");
    assert_eq!(
        app.number(&format!("SELECT count(*) FROM quotes WHERE quote_id = '{}'", unused.as_str().expect("an id"))),
        0
    );
    // An old key is as new; the booking is as it was.
    assert!(keys > 1);
    let ada = Guest::stranger(&app).login(&ada.email, crate::support::actors::PASSWORD).await;
    let shown = ada.get("/bookings").await.ok(200)["data"].clone();
    assert_eq!(shown[0]["booking_id"], bookings[0]["booking_id"]);
    app.execute("UPDATE outbox_events SET published_at = created_at");
    round(&app).await;
    assert_eq!(app.rows("outbox_events"), 0);
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_go_in_batches_and_locked_ones_are_passed_over() {
    let app = TestApp::start().await;
    let hotel = Hotel::one_room(&app);
    let ada = app.guest();
    let offer = ada.offer(&hotel.id(), &hotel.stay(10, 12)).await;
    let body = json!({ "offer_id": offer["offer_id"] });
    let kept = ada.post_keyed("/quotes", &key(), body).await.ok(201)["quote_id"].clone();
    let columns = app.text(
        "SELECT string_agg(attname, ', ') FROM pg_attribute
         WHERE attrelid = 'quotes'::regclass AND attnum > 0 AND attname NOT IN ('quote_id', 'expires_at')",
    );
    app.execute(&format!(
        "INSERT INTO quotes (quote_id, expires_at, {columns})
         SELECT gen_random_uuid(), clock_timestamp() - interval '31 days', {columns} FROM quotes, generate_series(1, 2500);
         CREATE TABLE removed (txid bigint, rows bigint);
         GRANT INSERT ON removed TO PUBLIC;
         CREATE FUNCTION count_removed() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN INSERT INTO removed SELECT txid_current(), count(*) FROM old_rows; RETURN NULL; END $$;
         CREATE TRIGGER count_removed AFTER DELETE ON quotes REFERENCING OLD TABLE AS old_rows
             FOR EACH STATEMENT EXECUTE FUNCTION count_removed()"
    ));
    let mut holder = app.connect();
    holder
        .batch_execute("BEGIN; SELECT FROM quotes WHERE expires_at < clock_timestamp() LIMIT 1 FOR KEY SHARE")
        .expect("a lock");
    let begun = Instant::now();
    // Two at once share the work.
    let (one, other) = tokio::join!(round(&app), round(&app));
    assert!(begun.elapsed() < Duration::from_secs(20), "nobody waits for the lock");
    assert_eq!((one + other, app.rows("quotes")), (2499, 2));
    assert!(app.number("SELECT max(rows) FROM removed") <= reaper::BATCH.min(1_000));
    assert_eq!(app.number("SELECT sum(rows) FROM removed"), 2499);
    holder.batch_execute("COMMIT").expect("its end");
    assert_eq!(round(&app).await, 1);
    assert_eq!(app.text("SELECT quote_id FROM quotes"), kept.as_str().expect("an id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_reaps_by_itself() {
    let app = TestApp::start_with(crate::support::Start::Migrated, |given| {
        given.reap_interval_s = Some("1".to_owned());
        given.retention_days = Some("4".to_owned());
    })
    .await;
    let hotel = Hotel::one_room(&app);
    let ada = app.guest();
    let offer = ada.offer(&hotel.id(), &hotel.stay(10, 12)).await;
    ada.quote(&offer["offer_id"]).await;
    app.execute("UPDATE quotes SET expires_at = clock_timestamp() - interval '5 days'");
    app.eventually("SELECT count(*) FROM quotes", "0").await;
}
