//! Databases that somebody set otherwise than ours are.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use lastroom::audit::sealer;
use lastroom::db::{Db, DbError, migrate};
use lastroom::verify;

use crate::support::app::SECRET;
use crate::support::database::{Database, pool};
use crate::support::program::lastroom;
use crate::support::{Hotel, Start, TestApp, key};

#[test]
fn a_database_that_cannot_keep_every_name_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let database = Database::encoded(encoding);
        let url = database.url();
        let settings = [("DATABASE_URL", url.as_str()), ("LASTROOM_SECRET_KEY", SECRET)];
        for command in ["migrate", "serve"] {
            let output = lastroom(folder.path(), &settings).arg(command).output().expect("the binary");
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(1), "{told}");
            let refusal: Vec<_> = told.lines().filter(|line| line.starts_with("lastroom: ")).collect();
            assert_eq!(refusal.len(), 1, "{told}");
            assert!(refusal[0].contains(&format!("keeps text as {encoding}")), "{told}");
        }
        assert!(!migrate::is_current(&mut database.connect()).expect("a look"), "nothing was made");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_is_sound_in_whatever_encoding_a_copy_of_it_is_kept() {
    let database = Database::encoded("WIN1252");
    let mut conn = database.connect();
    migrate::run_pending(&mut conn).expect("the schema");
    conn.batch_execute(
        "WITH entry AS (
             INSERT INTO audit_entries (hotel_id, audit_id, action, resource, after)
             VALUES (gen_random_uuid(), gen_random_uuid(), 'changed', 'hotel', '{\"name\": \"Zoé à Köln\"}')
             RETURNING hotel_id, audit_id
         )
         INSERT INTO audit_unsealed SELECT * FROM entry",
    )
    .expect("an entry");
    assert_eq!(sealer::round(&Db::new(&pool(database.url()))).await.expect("a round"), 1);
    let report = verify::examine(&mut conn).expect("a database to examine");
    let broken: Vec<_> = report.lines.iter().filter(|line| line.breaches > 0).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_are_read_committed_whatever_the_databases_default_is() {
    let database = Database::create(Start::Migrated);
    let name = &database.name;
    database
        .connect()
        .batch_execute(&format!("ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'"))
        .expect("another default");
    let asked = "current_setting('transaction_isolation')";
    let default: String =
        diesel::select(diesel::dsl::sql::<Text>(asked)).get_result(&mut database.connect()).expect("it");
    assert_eq!(default, "serializable");
    let db = Db::new(&pool(database.app_url()));
    let writes = db
        .write(move |tx| Ok::<String, DbError>(diesel::select(diesel::dsl::sql::<Text>(asked)).get_result(&mut **tx)?));
    assert_eq!(writes.await.expect("a transaction"), "read committed");
    let reads =
        db.read(move |conn| Ok::<String, DbError>(diesel::select(diesel::dsl::sql::<Text>(asked)).get_result(conn)?));
    assert_eq!(reads.await.expect("a look"), "read committed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_read_only_for_a_while_is_away_for_those_who_write() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let offer = ada.offer(&hotel.id(), &hotel.stay(10, 12)).await;
    let body = serde_json::json!({ "offer_id": offer["offer_id"] });
    let key = key();
    let name = &app.database.name;
    // As providers do when the disk is full.
    app.execute(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    app.database.end_sessions();
    let refused = ada.post_keyed("/quotes", &key, body.clone()).await;
    refused.problem(503, "database_away");
    assert!(refused.header("retry-after").is_some());
    ada.get("/holds").await.ok(200);
    app.execute(&format!("BEGIN READ WRITE; ALTER DATABASE {name} RESET default_transaction_read_only; COMMIT"));
    app.database.end_sessions();
    ada.post_keyed("/quotes", &key, body).await.ok(201);
}
