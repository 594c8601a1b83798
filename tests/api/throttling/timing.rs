//! Nobody learns by the time whether an account is there.

use std::time::{Duration, Instant};

use super::login;
use super::memory::likes_of;
use crate::support::TestApp;

/// The medians of so many tries each: with an account, and without one.
async fn medians(tries: usize) -> (Duration, Duration) {
    let app = TestApp::start().await;
    let ada = app.guest().await;
    let mut times = (Vec::new(), Vec::new());
    // One after the other, so that whatever else the machine does befalls both.
    for (at, known) in likes_of(&app, &ada, tries).iter().enumerate() {
        if at % 40 == 0 {
            app.execute("DELETE FROM throttles");
        }
        let unknown = format!("{at}@nobody.example");
        for (email, times) in [(known, &mut times.0), (&unknown, &mut times.1)] {
            let began = Instant::now();
            login(&ada, email, "not the password").await.problem(401, "invalid_credentials");
            times.push(began.elapsed());
        }
    }
    let median = |mut times: Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    (median(times.0), median(times.1))
}

fn ratio((known, unknown): (Duration, Duration)) -> f64 {
    eprintln!("median with an account {known:?}, without {unknown:?}");
    unknown.as_secs_f64() / known.as_secs_f64()
}

/// Without a hash the answer would come twenty times as fast.
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_account_takes_as_long() {
    let ratio = ratio(medians(9).await);
    assert!((0.4..2.5).contains(&ratio), "{ratio}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "400 logins one after the other"]
async fn an_unknown_account_takes_as_long_to_a_tenth() {
    let ratio = ratio(medians(200).await);
    assert!((0.9..1.1).contains(&ratio), "{ratio}");
}
