//! The program itself, killed: what was confirmed is there again.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::home::{Home, kill};
use crate::support::program::Serving;
use crate::support::{Guest, key};

/// The program on the home's private cluster.
fn start(home: &Home) -> Serving {
    let data_dir = home.data_dir.to_str().expect("UTF-8");
    let folder = home.data_dir.parent().expect("a folder around it");
    Serving::start(folder, &[("LASTROOM_DATA_DIR", data_dir), ("LASTROOM_DRAIN_S", "1")])
}

/// Database processes that name `path` in their command line.
fn processes_on(path: &Path) -> Vec<String> {
    let listed = Command::new("ps").args(["-eo", "pid,args"]).output().expect("ps is installed");
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    let path = path.to_string_lossy();
    text.lines().filter(|line| line.contains("postgres") && line.contains(&*path)).map(str::to_owned).collect()
}

async fn book(ada: &Guest) -> Value {
    let day = |days| chrono::Utc::now().date_naive() + chrono::Days::new(days);
    let query = format!("/search?city=paris&country=FR&check_in={}&check_out={}", day(30), day(32));
    let found = ada.get(&query).await.ok(200);
    let quote = ada.quote(&found["data"][0]["cheapest_offer"]["offer_id"]).await;
    let hold = ada.hold(&quote["quote_id"]).await.ok(201);
    if quote["due_now"]["amount"] != json!(0) {
        ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    }
    let guest = json!({ "full_name": "Ada Lovelace", "email": ada.email });
    ada.post_keyed("/bookings", &key(), json!({ "hold_id": hold["hold_id"], "guest": guest })).await.ok(201)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_survives_the_kill_of_server_and_database() {
    let home = Home::new();
    let served = start(&home);
    let stranger = served.caller();
    let account = json!({ "email": "ada@example.com", "password": "correct horse battery", "full_name": "Ada" });
    stranger.post("/auth/register", account).await.ok(202);
    let ada = stranger.login("ada@example.com", "correct horse battery").await;
    let booking = book(&ada).await;

    served.kill();
    let postmaster = home.postmaster().expect("the database outlives its server");
    kill("-KILL", &[postmaster]);

    let again = start(&home);
    assert_ne!(home.postmaster(), Some(postmaster), "another database process recovered");
    // The secret was kept, so the session goes on.
    again.caller().with_token(ada.token.as_deref().expect("a token")).get("/auth/me").await.ok(200);
    let ada = again.caller().login("ada@example.com", "correct horse battery").await;
    let own = ada.get("/bookings").await.ok(200);
    assert_eq!(own["data"].as_array().map(Vec::len), Some(1), "{own}");
    assert_eq!(own["data"][0]["booking_id"], booking["booking_id"]);
    assert_eq!(own["data"][0]["total"], booking["total"]);

    let (code, log) = again.terminate();
    assert_eq!(code, Some(0), "SIGTERM is an orderly end: {log}");
    assert_eq!(home.postmaster(), None);
    assert_eq!(processes_on(&home.data_dir), Vec::<String>::new(), "no database is left behind");
}
