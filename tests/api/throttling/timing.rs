//! Nobody learns by the time whether an account is there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::login;
use super::memory::likes_of;
use crate::support::actors::PASSWORD;
use crate::support::database::{Database, Start};
use crate::support::home::Home;
use crate::support::{Guest, TestApp};

/// A call that must not tell, for an address.
async fn sign_in(caller: &Guest, email: &str) {
    login(caller, email, "not the password").await.problem(401, "invalid_credentials");
}

async fn register(caller: &Guest, email: &str) {
    let account = json!({ "email": email, "password": PASSWORD, "full_name": "Eve" });
    assert_eq!(caller.post("/auth/register", account).await.ok(202), json!({ "status": "accepted" }));
}

/// How much longer a call takes without an account: by the medians of so many of each.
async fn ratio(app: &TestApp, tries: usize, call: impl AsyncFn(&Guest, &str)) -> f64 {
    let ada = app.guest();
    let mut times = (Vec::new(), Vec::new());
    // One after the other, so that whatever else the machine does befalls both.
    for (at, known) in likes_of(app, &ada, tries).iter().enumerate() {
        if at % 40 == 0 {
            app.execute("DELETE FROM throttles");
        }
        let unknown = format!("{at}@nobody.example");
        for (email, times) in [(known, &mut times.0), (&unknown, &mut times.1)] {
            let began = Instant::now();
            call(&ada, email).await;
            times.push(began.elapsed());
        }
    }
    let median = |mut times: Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    let (known, unknown) = (median(times.0), median(times.1));
    eprintln!("median with an account {known:?}, without {unknown:?}");
    unknown.as_secs_f64() / known.as_secs_f64()
}

/// The same to a tenth, where each commit waits for the disk as it does for guests.
async fn is_the_same_to_a_tenth(call: impl AsyncFn(&Guest, &str)) {
    let home = Home::new();
    let app = TestApp::on(Arc::new(Database::create_in(&home, Start::Migrated)), |_| {}).await;
    let ratio = ratio(&app, 200, call).await;
    assert!((0.9..1.1).contains(&ratio), "{ratio}");
}

/// Without a hash the answer would come twenty times as fast.
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_account_takes_as_long() {
    let ratio = ratio(&TestApp::start().await, 9, sign_in).await;
    assert!((0.4..2.5).contains(&ratio), "{ratio}");
}

#[tokio::test(flavor = "multi_thread")]
async fn registering_a_known_address_takes_as_long() {
    let ratio = ratio(&TestApp::start().await, 9, register).await;
    assert!((0.4..2.5).contains(&ratio), "{ratio}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "400 logins one after the other"]
async fn an_unknown_account_takes_as_long_to_a_tenth() {
    is_the_same_to_a_tenth(sign_in).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "400 registrations one after the other"]
async fn registering_a_known_address_takes_as_long_to_a_tenth() {
    is_the_same_to_a_tenth(register).await;
}
