//! Reaping: what is over goes, what is young, running or referred to stays.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use lastroom::app::reaper::{self, Round};
use lastroom::config::LEAST_RETENTION_DAYS;
use lastroom::db::Db;
use lastroom::verify;
use serde_json::{Value, json};

use crate::support::database::pool;
use crate::support::staff::text;
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

/// One round as the application's role, whatever the server's own does; how many rows went.
async fn round(app: &TestApp) -> usize {
    let Round { removed, failed, skipped } = round_with_failures(app).await;
    assert!(failed.is_empty() && skipped.is_empty(), "{failed:?} {skipped:?}");
    removed.values().sum()
}

async fn round_with_failures(app: &TestApp) -> Round {
    reaper::round(&Db::new(&pool(app.database.app_url())), 30).await
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

const COUNTED: [&str; 10] = [
    "quotes",
    "idempotency_keys",
    "sessions",
    "refresh_tokens",
    "jobs",
    "outbox_events",
    "simulator_requests",
    "webhook_events",
    "simulator_events",
    "simulator_deliveries",
];

fn counts(app: &TestApp) -> [i64; 10] {
    COUNTED.map(|table| app.rows(table))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_goes_and_what_is_young_or_referred_to_stays() {
    let app = TestApp::start().await;
    let hotel = Hotel::one_room(&app);
    let (ada, unused) = walk(&app, &hotel).await;
    let before = counts(&app);
    let [quotes, keys, sessions, tokens, jobs, events, requests, webhooks, told, copies] = before;
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
    assert_eq!(counts(&app), [quotes, 1, sessions, tokens, jobs, events, requests, webhooks, told, copies]);
    app.verified();

    // The session that goes on is not to be refreshed in 30 days' time: it is made to last.
    app.execute("UPDATE sessions SET expires_at = clock_timestamp() + interval '90 days' WHERE revoked_at IS NULL");
    // One webhook is put aside, and one copy of an event never arrived: both stay, and the event with its copy.
    app.execute(
        "UPDATE webhook_events SET status = 'quarantined', reason = 'test'
         WHERE event_id = (SELECT min(event_id) FROM webhook_events);
         UPDATE simulator_deliveries SET delivered_at = NULL, send_at = clock_timestamp() + interval '90 days'
         WHERE event_id = (SELECT max(event_id) FROM simulator_events)",
    );
    days_pass(&app, 31);
    round(&app).await;
    assert_eq!(counts(&app), [quotes - 1, 1, 1, 1, 0, 0, 0, 1, 1, 1]);
    assert_eq!(
        app.number(&format!("SELECT count(*) FROM quotes WHERE quote_id = '{}'", unused.as_str().expect("an id"))),
        0
    );
    // An old key is as new; the booking is as it was.
    assert!(keys > 1);
    let ada = Guest::stranger(&app).login(&ada.email, crate::support::actors::PASSWORD).await;
    let shown = ada.get("/bookings").await.ok(200)["data"].clone();
    assert_eq!(shown[0]["booking_id"], bookings[0]["booking_id"]);
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_the_oldest_first_and_verify_asks_for_those_that_are_to_be_there() {
    let app = TestApp::start().await;
    let hotel = Hotel::one_room(&app);
    // Each by another guest, for days end sessions.
    let hold = async |is_kept: bool| {
        let guest = app.guest();
        let hold = guest.held(&hotel.id(), &hotel.stay(10, 12)).await["hold_id"].clone();
        if !is_kept {
            guest.delete(&format!("/holds/{}", text(&hold))).await.ok(204);
        }
        hold
    };
    hold(false).await;
    days_pass(&app, 20);
    let younger = hold(false).await;
    days_pass(&app, 20);
    assert_eq!((app.rows("outbox_events"), round(&app).await > 0), (4, true));
    let left = "SELECT string_agg(DISTINCT subject_id::text, ' ') FROM outbox_events";
    assert_eq!(app.text(left), text(&younger));
    app.verified();

    // What is younger than the oldest event that is left has lost none by itself.
    let breaches = || {
        let report = verify::examine(&mut app.connect()).expect("a report");
        let line = report.lines.into_iter().find(|line| line.name == "trail.hold_has_its_events");
        line.expect("the check").ids
    };
    let last = hold(true).await;
    app.execute(&format!("DELETE FROM outbox_events WHERE subject_id = '{}' AND topic = 'hold.active'", text(&last)));
    assert_eq!(breaches(), [text(&last)]);
    // Nor has what is younger than anything that may be removed, though none is left.
    app.execute("DELETE FROM outbox_events");
    assert_eq!(breaches(), [text(&last)]);
    days_pass(&app, u32::try_from(LEAST_RETENTION_DAYS).expect("days"));
    assert_eq!(breaches(), [""; 0]);
}

#[test]
fn verify_expects_no_more_than_the_shortest_retention_leaves() {
    let told: Vec<_> = verify::checks()
        .flat_map(|check| check.select.split("interval '").skip(1))
        .filter_map(|rest| rest.split_once(" days'"))
        .map(|(days, _)| days)
        .collect();
    assert!(told.len() >= 5 && told.iter().all(|days| *days == LEAST_RETENTION_DAYS.to_string()), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_removed_keeps_nothing_but_what_it_names() {
    let app = TestApp::start().await;
    let hotel = Hotel::one_room(&app);
    walk(&app, &hotel).await;
    app.execute("UPDATE sessions SET revoked_at = clock_timestamp(), revoked_because = 'logout'");
    days_pass(&app, 40);
    let before = counts(&app);
    app.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now'; END $$;
         CREATE TRIGGER refuse BEFORE DELETE ON idempotency_keys EXECUTE FUNCTION refuse();
         CREATE TRIGGER refuse BEFORE DELETE ON refresh_tokens EXECUTE FUNCTION refuse()",
    );
    let Round { removed, failed, skipped } = round_with_failures(&app).await;
    let failed: Vec<_> = failed.iter().map(|(what, _)| *what).collect();
    assert_eq!((failed, skipped), (vec!["idempotency keys", "refresh tokens"], vec!["quotes", "sessions"]));
    let [quotes, keys, sessions, tokens, ..] = before;
    assert_eq!(counts(&app), [quotes, keys, sessions, tokens, 0, 0, 0, 0, 0, 0]);
    assert_eq!(
        removed.keys().copied().collect::<Vec<_>>(),
        [
            "events",
            "jobs",
            "the simulator's deliveries",
            "the simulator's events",
            "the simulator's requests",
            "webhooks",
        ]
    );
    app.execute("DROP TRIGGER refuse ON idempotency_keys; DROP TRIGGER refuse ON refresh_tokens");
    round(&app).await;
    assert_eq!(counts(&app), [quotes - 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], "the next round goes on");
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn quotes_that_stay_do_not_hide_those_behind_them() {
    let app = TestApp::start().await;
    let hotel = Hotel::one_room(&app);
    let ada = app.guest();
    ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    // More than two batches of quotes that became holds, and one behind them that did not.
    app.execute(
        "ALTER TABLE hold_items DROP CONSTRAINT hold_items_hotel_id_hold_id_fkey;
         CREATE TEMP TABLE more AS SELECT q.* FROM quotes q, generate_series(1, 2101);
         UPDATE more SET quote_id = gen_random_uuid(), expires_at = clock_timestamp() - interval '40 days';
         INSERT INTO quotes SELECT * FROM more;
         INSERT INTO hold_items SELECT hotel_id, gen_random_uuid(), 1, quote_id FROM more;
         UPDATE quotes SET expires_at = expires_at + interval '1 day' WHERE quote_id = (SELECT min(quote_id::text)::uuid FROM more);
         DELETE FROM hold_items WHERE quote_id = (SELECT min(quote_id::text)::uuid FROM more)",
    );
    assert_eq!((round(&app).await, app.rows("quotes")), (1, 2101));
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
