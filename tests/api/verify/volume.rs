//! How long an examination takes on the volume of a country: 79,330 bookings, 7 million nights of stock.

use std::time::Instant;

use diesel::connection::SimpleConnection;
use lastroom::verify;

use super::{Walk, walk};
use crate::migrations::lines;
use crate::support::{Hotel, Terms, TestApp};

const BOOKINGS_A_HOTEL: i64 = 6;
const HOTELS: i64 = 13_222;
const NIGHTS: i64 = 540;

/// Columns whose copies are not made by mapping a UUID, and how they are.
const OTHERWISE: &[(&str, &str, &str)] = &[
    ("idempotency_keys", "key", "key || '-' || n"),
    (
        "idempotency_keys",
        "location",
        "CASE WHEN location LIKE '/api/v1/%' THEN left(location, -36) || copy(right(location, 36)::uuid, n) END",
    ),
    ("payment_attempts", "provider_key", "'lastroom:' || copy(attempt_id, n)"),
    ("payment_attempts", "intent_id", "intent_id || '-' || n"),
    ("simulator_intents", "intent_id", "intent_id || '-' || n"),
    ("simulator_intents", "metadata", "jsonb_build_object('payment_id', copy((metadata ->> 'payment_id')::uuid, n))"),
];

/// Copies every row of the one hotel, ids and all, so often that there are `HOTELS` of it.
fn multiply(app: &TestApp) {
    let mut conn = app.connect();
    conn.batch_execute(
        "SET session_replication_role = 'replica';
         CREATE FUNCTION copy(id uuid, n integer) RETURNS uuid LANGUAGE sql IMMUTABLE
             AS 'SELECT md5(uuid_send(id) || int4send(n))::uuid'",
    )
    .expect("a way to make ids");
    let columns = lines(
        &mut conn,
        "SELECT concat_ws(' ', t.table_name, column_name, data_type) AS line
         FROM information_schema.tables t JOIN information_schema.columns c USING (table_schema, table_name)
         WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND is_generated = 'NEVER'
           AND (t.table_name = 'simulator_intents' OR EXISTS (
               SELECT FROM information_schema.columns h
               WHERE h.table_schema = 'public' AND h.table_name = t.table_name AND h.column_name = 'hotel_id'))
         ORDER BY t.table_name, ordinal_position",
    );
    let columns: Vec<Vec<&str>> = columns.iter().map(|line| line.split(' ').collect()).collect();
    for table in columns.chunk_by(|a, b| a[0] == b[0]) {
        let name = table[0][0];
        let copied = |column: &Vec<&str>| {
            let otherwise = OTHERWISE.iter().find(|(table, other, _)| (*table, *other) == (name, column[1]));
            match (otherwise, column[2]) {
                (Some((_, _, sql)), _) => (*sql).to_owned(),
                (None, "uuid") if column[1] != "user_id" => format!("copy({}, n)", column[1]),
                (None, _) => column[1].to_owned(),
            }
        };
        let names: Vec<_> = table.iter().map(|column| column[1]).collect();
        let copies: Vec<_> = table.iter().map(copied).collect();
        let sql = format!(
            "INSERT INTO {name} ({}) SELECT {} FROM {name}, generate_series(2, {HOTELS}) n",
            names.join(", "),
            copies.join(", ")
        );
        conn.batch_execute(&sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    conn.batch_execute("ANALYZE").expect("statistics");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes, and 3 GB of disk: makes 79,332 bookings and 7 million nights"]
async fn a_countrys_bookings_are_examined_in_one_go() {
    let mut app = TestApp::start().await;
    let hotel = Hotel::with(&app, &Terms { capacity: 20, ..Terms::default() });
    let ada = app.guest();
    for end in (0..BOOKINGS_A_HOTEL).map(|_| Walk::Books).chain([Walk::GivesBack, Walk::IsDeclined]) {
        walk(ada.clone(), hotel.id(), hotel.stay(10, 13), end).await;
    }
    app.eventually("SELECT count(*) FROM jobs WHERE done_at IS NULL", "0").await;
    app.stop();
    app.execute(&format!(
        "INSERT INTO inventory (hotel_id, room_type_id, stay_date, capacity)
         SELECT hotel_id, room_type_id, max(stay_date) + n, 20 FROM inventory, generate_series(1, {NIGHTS} - 60) n
         GROUP BY hotel_id, room_type_id, n"
    ));
    multiply(&app);
    assert_eq!(app.rows("bookings"), BOOKINGS_A_HOTEL * HOTELS);
    assert_eq!(app.rows("inventory"), NIGHTS * HOTELS);
    let begun = Instant::now();
    let mut last = begun;
    let report = verify::watch(&mut app.connect(), |line| {
        eprintln!("{:>8.2} s {:>9} {}", last.elapsed().as_secs_f64(), line.rows, line.name);
        last = Instant::now();
    });
    eprintln!("{:>8.2} s in all", begun.elapsed().as_secs_f64());
    assert!(report.expect("a database to examine").is_clean());
}
