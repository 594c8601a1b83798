//! The program itself, killed: what was confirmed is there again.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::embedded::home::{Home, kill};
use crate::support::{Guest, key};

/// A running `lastroom`, killed when the test forgets it.
struct Served {
    process: Child,
    address: String,
}

impl Served {
    /// Starts it on the home's private cluster and waits until it says that it is ready.
    fn start(home: &Home) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lastroom"));
        for name in lastroom::config::ENVIRONMENT.iter().filter(|name| **name != "LASTROOM_PG_BIN") {
            command.env_remove(name);
        }
        let mut process = command
            .current_dir(home.data_dir.parent().expect("a folder around it"))
            .env("LASTROOM_LISTEN", "127.0.0.1:0")
            .env("LASTROOM_DRAIN_S", "1")
            .arg("--data-dir")
            .arg(&home.data_dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let mut lines = BufReader::new(process.stdout.take().expect("its standard output")).lines();
        let first = lines.next().and_then(Result::ok).unwrap_or_default();
        let address = first.strip_prefix("ready http://").unwrap_or_else(|| panic!("no ready line: {first:?}"));
        Self { address: address.to_owned(), process }
    }

    fn caller(&self) -> Guest {
        Guest::stranger_at(&format!("http://{}/api/v1", self.address))
    }

    fn signal(&self, signal: &str) {
        kill(signal, &[self.process.id()]);
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }
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
    let served = Served::start(&home);
    let stranger = served.caller();
    let account = json!({ "email": "ada@example.com", "password": "correct horse battery", "full_name": "Ada" });
    stranger.post("/auth/register", account).await.ok(202);
    let ada = stranger.login("ada@example.com", "correct horse battery").await;
    let booking = book(&ada).await;

    served.signal("-KILL");
    drop(served);
    let postmaster = home.postmaster().expect("the database outlives its server");
    kill("-KILL", &[postmaster]);

    let again = Served::start(&home);
    assert_ne!(home.postmaster(), Some(postmaster), "another database process recovered");
    // The secret was kept, so the session goes on.
    again.caller().with_token(ada.token.as_deref().expect("a token")).get("/auth/me").await.ok(200);
    let ada = again.caller().login("ada@example.com", "correct horse battery").await;
    let own = ada.get("/bookings").await.ok(200);
    assert_eq!(own["data"].as_array().map(Vec::len), Some(1), "{own}");
    assert_eq!(own["data"][0]["booking_id"], booking["booking_id"]);
    assert_eq!(own["data"][0]["total"], booking["total"]);

    stops_cleanly(again, &home);
}

fn stops_cleanly(mut served: Served, home: &Home) {
    served.signal("-TERM");
    let deadline = Instant::now() + Duration::from_secs(20);
    let status = loop {
        if let Some(status) = served.process.try_wait().expect("a child") {
            break status;
        }
        assert!(Instant::now() < deadline, "SIGTERM is to end it");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(status.code(), Some(0), "SIGTERM is an orderly end");
    assert_eq!(home.postmaster(), None);
    assert_eq!(processes_on(&home.data_dir), Vec::<String>::new(), "no database is left behind");
}
