//! Who guesses is made to wait, and learns nothing by it.

mod memory;
mod timing;

use lastroom::config::Given;
use serde_json::{Value, json};

use crate::support::actors::PASSWORD;
use crate::support::database::Start;
use crate::support::{Answer, Guest, Hotel, TestApp};

async fn login(caller: &Guest, email: &str, password: &str) -> Answer {
    caller.post("/auth/login", json!({ "email": email, "password": password })).await
}

/// So many seconds pass for whoever waits.
fn pass(app: &TestApp, seconds: i64) {
    app.execute(&format!(
        "UPDATE throttles SET paused_until = paused_until - interval '{seconds} s',
             forgotten_at = forgotten_at - interval '{seconds} s'"
    ));
}

/// The failures counted of accounts, as if so many had been before and their pause were over.
fn after_failures(app: &TestApp, subject: &str, failures: i32) {
    app.execute(&format!(
        "UPDATE throttles SET failures = {failures}, paused_until = NULL WHERE subject = '{subject}'"
    ));
}

fn failures(app: &TestApp, subject: &str) -> i64 {
    app.number(&format!("SELECT coalesce(sum(failures), 0) FROM throttles WHERE subject = '{subject}'"))
}

/// How long a 429 says to wait, in seconds.
#[track_caller]
fn wait(answer: &Answer) -> i64 {
    answer.problem(429, "too_many_attempts");
    answer.header("retry-after").and_then(|seconds| seconds.parse().ok()).expect("Retry-After")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fifth_failure_begins_a_pause_and_each_further_one_doubles_it() {
    let app = TestApp::start().await;
    let ada = app.guest();
    for _ in 0..4 {
        login(&ada, &ada.email, "not the password").await.problem(401, "invalid_credentials");
    }
    login(&ada, &ada.email, PASSWORD).await.ok(200);
    assert_eq!(failures(&app, "account"), 0, "a success forgets them");
    for _ in 0..5 {
        login(&ada, &ada.email, "not the password").await.problem(401, "invalid_credentials");
    }
    // Longer than a loaded machine takes: the pause proper is the rule's own test.
    after_failures(&app, "account", 9);
    login(&ada, &ada.email, "not the password").await.problem(401, "invalid_credentials");
    let first = wait(&login(&ada, &ada.email, "not the password").await);
    assert!((1..=32).contains(&first), "{first} s after the tenth failure");
    wait(&login(&ada, &ada.email, PASSWORD).await);
    assert_eq!(failures(&app, "account"), 10, "an attempt that is not tried is no failure");
    pass(&app, first);
    login(&ada, &ada.email, "not the password").await.problem(401, "invalid_credentials");
    let second = wait(&login(&ada, &ada.email.to_uppercase(), PASSWORD).await);
    assert!((first + 1..=64).contains(&second), "{second} s after the eleventh");
    pass(&app, second);
    login(&ada, &ada.email, PASSWORD).await.ok(200);
    assert_eq!(failures(&app, "account"), 0);
    ada.get("/auth/me").await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_bad_logins_and_then_the_right_one_after_the_wait() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let mut tried = 0;
    for _ in 0..50 {
        let answer = login(&ada, &ada.email, "not the password").await;
        match answer.status {
            401 => tried += 1,
            _ => assert!((1..=900).contains(&wait(&answer))),
        }
    }
    assert!((5..50).contains(&tried), "{tried} were tried");
    assert_eq!((failures(&app, "account"), failures(&app, "address")), (tried, tried));
    after_failures(&app, "account", 1_000);
    login(&ada, &ada.email, "not the password").await.problem(401, "invalid_credentials");
    let longest = wait(&login(&ada, &ada.email, PASSWORD).await);
    assert!((890..=900).contains(&longest), "never more than a quarter of an hour: {longest} s");
    pass(&app, longest);
    login(&ada, &ada.email, PASSWORD).await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_account_is_throttled_as_a_known_one() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let seen = |answer: &Answer| {
        let mut problem = answer.json();
        problem.as_object_mut().expect("a document").remove("request_id");
        let mut headers: Vec<_> = answer.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
        headers.retain(|header| !header.starts_with("date:") && !header.starts_with("x-request-id:"));
        headers.sort();
        (answer.status, problem, headers)
    };
    let mut told = Vec::new();
    for email in [ada.email.as_str(), "nobody@example.com"] {
        app.execute("DELETE FROM throttles");
        let mut answers = Vec::new();
        for _ in 0..5 {
            answers.push(seen(&login(&ada, email, "not the password").await));
        }
        after_failures(&app, "account", 30);
        answers.push(seen(&login(&ada, email, "not the password").await));
        answers.push(seen(&login(&ada, email, "not the password").await));
        assert_eq!(answers.last().map(|(status, ..)| *status), Some(429));
        assert_eq!((failures(&app, "account"), app.rows("throttles")), (31, 2), "an account and an address");
        told.push(answers);
    }
    // Of two waits that end 900 s after another moment each the seconds left may differ.
    let waits = |answers: &mut Vec<(u16, Value, Vec<String>)>| {
        let (.., headers) = answers.last_mut().expect("an answer");
        headers.retain(|header| !header.starts_with("retry-after:"));
    };
    told.iter_mut().for_each(waits);
    assert_eq!(told[0], told[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_wrong_logins_at_once_no_more_are_tried_than_may_fail() {
    let app = TestApp::start().await;
    let other = app.beside().await;
    let ada = app.guest();
    let storm = |password: &'static str| {
        let (here, there) = (ada.clone(), ada.at(&other));
        async move {
            let tries: Vec<_> = (0..50)
                .map(|at| {
                    let caller = if at % 2 == 0 { here.clone() } else { there.clone() };
                    tokio::spawn(async move { login(&caller, &caller.email, password).await.status })
                })
                .collect();
            let mut statuses = Vec::new();
            for one in tries {
                statuses.push(one.await.expect("an answer"));
            }
            statuses
        }
    };
    let count = |statuses: &[u16], status| statuses.iter().filter(|one| **one == status).count();
    let statuses = storm("not the password").await;
    let tried = count(&statuses, 401);
    assert_eq!(tried + count(&statuses, 429), 50, "{statuses:?}");
    // Five, and one for each pause that was over before the last was asked: of 1, 2, 4, 8 … s.
    assert!((5..=9).contains(&tried), "{tried} were tried");
    assert_eq!(failures(&app, "account"), i64::try_from(tried).expect("a number"), "each is counted once");
    // The pause is over for one, and the next is long: one is tried, on whichever server.
    after_failures(&app, "account", 12);
    let statuses = storm("not the password").await;
    assert_eq!((count(&statuses, 401), count(&statuses, 429)), (1, 49), "{statuses:?}");
    assert_eq!(failures(&app, "account"), 13);
}

#[tokio::test(flavor = "multi_thread")]
async fn right_logins_at_once_wait_for_one_another_and_all_succeed() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let tries: Vec<_> = (0..20)
        .map(|_| {
            let ada = ada.clone();
            tokio::spawn(async move { login(&ada, &ada.email, PASSWORD).await.ok(200) })
        })
        .collect();
    for one in tries {
        one.await.expect("a session");
    }
    assert_eq!((failures(&app, "account"), failures(&app, "address"), app.rows("sessions")), (0, 0, 21));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_attempt_costs_no_hash_and_a_restart_forgets_nothing() {
    let mut app = TestApp::start().await;
    let ada = app.guest();
    login(&ada, &ada.email, "not the password").await.problem(401, "invalid_credentials");
    after_failures(&app, "account", 30);
    // Whoever verifies a password against this fails.
    app.execute("UPDATE users SET password_hash = 'none'");
    login(&ada, &ada.email, PASSWORD).await.problem(500, "internal");
    wait(&login(&ada, &ada.email, PASSWORD).await);
    app.stop();
    let again = TestApp::on(app.database.clone(), |_| {}).await;
    wait(&login(&ada.at(&again), &ada.email, PASSWORD).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_changed_by_tries_of_its_own() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.guest(), app.guest());
    let change =
        |current: &str| json!({ "current_password": current, "new_password": "another horse, another battery" });
    for _ in 0..5 {
        ada.post("/auth/password", change("not the password")).await.problem(422, "invalid");
    }
    wait(&ada.post("/auth/password", change(PASSWORD)).await);
    ada.login(&ada.email, PASSWORD).await;
    // Whoever guesses at his login does not keep Bob from changing the password.
    login(&bob, &bob.email, "not the password").await.problem(401, "invalid_credentials");
    after_failures(&app, "account", 30);
    login(&bob, &bob.email, "not the password").await.problem(401, "invalid_credentials");
    wait(&login(&bob, &bob.email, PASSWORD).await);
    bob.post("/auth/password", change(PASSWORD)).await.ok(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_a_hundred_failures_whatever_they_are_at() {
    let app = TestApp::start().await;
    let ada = app.guest();
    login(&ada, "one@example.com", "not the password").await.problem(401, "invalid_credentials");
    after_failures(&app, "address", 98);
    login(&ada, &ada.email, PASSWORD).await.ok(200);
    assert_eq!(failures(&app, "address"), 98, "a success takes its own failure back and no other");
    login(&ada, "two@example.com", "not the password").await.problem(401, "invalid_credentials");
    login(&ada, &ada.email, PASSWORD).await.ok(200);
    login(&ada, "three@example.com", "not the password").await.problem(401, "invalid_credentials");
    let left = wait(&login(&ada, &ada.email, PASSWORD).await);
    assert!((800..=900).contains(&left), "to the end of a quarter of an hour: {left} s");
    wait(&login(&ada, "four@example.com", "not the password").await);
    assert_eq!(failures(&app, "address"), 100);
    pass(&app, left);
    login(&ada, &ada.email, PASSWORD).await.ok(200);
}

fn trusting(given: &mut Given) {
    given.trusted_proxies = Some("127.0.0.0/8".to_owned());
}

/// Signs in, as far as a proxy that is called from `stated` says.
async fn login_from(caller: &Guest, stated: &str, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password }).to_string().into_bytes();
    let headers = [("content-type", "application/json"), ("x-forwarded-for", stated)];
    caller.send(reqwest::Method::POST, "/auth/login", &headers, Some(body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_elsewhere_keep_nobody_out_where_they_signed_in_before() {
    let app = TestApp::start_with(Start::Migrated, trusting).await;
    let ada = app.guest();
    let guess = async |from: &str, email: &str| login_from(&ada, from, email, "not the password").await;
    let right = async |from: &str| login_from(&ada, from, &ada.email, PASSWORD).await;
    right("192.0.2.9").await.ok(200);
    right("2001:db8:1:2::1").await.ok(200);
    guess("198.51.100.1", &ada.email).await.problem(401, "invalid_credentials");
    guess("198.51.100.1", "nobody@example.com").await.problem(401, "invalid_credentials");
    after_failures(&app, "account", 30);
    for email in [ada.email.as_str(), "nobody@example.com"] {
        guess("198.51.100.1", email).await.problem(401, "invalid_credentials");
        for from in ["198.51.100.1", "198.51.100.2", "2001:db8:1:3::1"] {
            assert!(wait(&login_from(&ada, from, email, PASSWORD).await) > 800, "{email} from {from}");
        }
    }
    for home in ["192.0.2.9", "2001:db8:1:2::f"] {
        right(home).await.ok(200);
    }
    assert!(wait(&right("198.51.100.1").await) > 800, "a success at home forgives nobody else");
    for _ in 0..5 {
        guess("192.0.2.9", &ada.email).await.problem(401, "invalid_credentials");
    }
    wait(&right("192.0.2.9").await);
    right("2001:db8:1:2::1").await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_registers_a_thousand_accounts_in_a_quarter_of_an_hour() {
    let app = TestApp::start().await;
    let eve = Guest::stranger(&app);
    let register = async |email: &str| {
        let account = json!({ "email": email, "password": PASSWORD, "full_name": "Eve" });
        eve.post("/auth/register", account).await
    };
    for email in ["one@example.com", "one@example.com"] {
        register(email).await.ok(202);
    }
    assert_eq!(failures(&app, "registration"), 2, "for an address that is known too");
    after_failures(&app, "registration", 999);
    register("two@example.com").await.ok(202);
    for email in ["one@example.com", "three@example.com"] {
        assert!((800..=900).contains(&wait(&register(email).await)), "{email}");
    }
    assert_eq!(app.text("SELECT string_agg(email, ' ' ORDER BY email) FROM users"), "one@example.com two@example.com");
    eve.login("one@example.com", PASSWORD).await;
    pass(&app, 900);
    register("three@example.com").await.ok(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_known_proxy_says_where_somebody_is() {
    let app = TestApp::start().await;
    let behind = TestApp::on(app.database.clone(), trusting).await;
    let ada = app.guest();
    let from = |server: &TestApp, stated: &'static str, password: &'static str| {
        let ada = ada.at(server);
        async move { login_from(&ada, stated, &ada.email, password).await.status }
    };
    let last = || app.text("SELECT address FROM sessions ORDER BY created_at DESC LIMIT 1");
    assert_eq!((from(&app, "192.0.2.9", PASSWORD).await, last()), (200, "127.0.0.1".to_owned()));
    assert_eq!((from(&behind, "192.0.2.9", PASSWORD).await, last()), (200, "192.0.2.9".to_owned()));
    assert_eq!((from(&behind, "6.6.6.6, 192.0.2.9", PASSWORD).await, last()), (200, "192.0.2.9".to_owned()));
    app.execute("DELETE FROM throttles");
    for stated in ["2001:db8:1:2::1", "2001:db8:1:2:3::4", "198.51.100.1", "198.51.100.2"] {
        assert_eq!(from(&behind, stated, "not the password").await, 401);
    }
    let places = "SELECT string_agg(failures::text, ' ' ORDER BY failures) FROM throttles WHERE subject = 'address'";
    assert_eq!(app.text(places), "1 1 2", "one IPv6 network is one place");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_is_not_looked_up_by_trying() {
    let app = TestApp::start().await;
    let hotel = Hotel::one_room(&app);
    let (ada, eve) = (app.guest(), app.guest());
    let hold = ada.held(&hotel.id(), &hotel.stay(3, 5)).await;
    ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    let booking = ada.confirm(&hold["hold_id"]).await.ok(201);
    let code = booking["confirmation_code"].as_str().expect("a code").to_owned();
    let lookup = |caller: &Guest, code: &str, email: &str| {
        let (caller, body) = (caller.clone(), json!({ "confirmation_code": code, "email": email }));
        async move { caller.post("/bookings/lookup", body).await }
    };
    for code in [code.as_str(), "AAAAAAAAAA"] {
        for _ in 0..5 {
            lookup(&eve, code, "eve@example.com").await.problem(404, "not_found");
        }
    }
    after_failures(&app, "booking_code", 30);
    for code in [code.to_lowercase().as_str(), "AAAAAAAAAA"] {
        lookup(&eve, code, "eve@example.com").await.problem(404, "not_found");
        wait(&lookup(&eve, code, "eve@example.com").await);
        wait(&lookup(&ada, code, &ada.email).await);
    }
    assert_eq!((failures(&app, "booking_code"), failures(&app, "address")), (62, 12));
    pass(&app, 900);
    assert_eq!(lookup(&ada, &code, &ada.email).await.ok(200)["booking_id"], booking["booking_id"]);
    assert_eq!(failures(&app, "booking_code"), 31, "only the other code's are left");
    eve.get("/auth/me").await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forgotten_is_removed_a_little_at_a_time() {
    let app = TestApp::start().await;
    let ada = app.guest();
    app.execute(
        "INSERT INTO throttles (subject, key, failures, forgotten_at)
         SELECT 'account', sha256(n::text::bytea), 3, clock_timestamp() - interval '1 s' FROM generate_series(1, 10) n",
    );
    for left in [6, 2, 0] {
        login(&ada, &ada.email, PASSWORD).await.ok(200);
        assert_eq!(app.number("SELECT count(*) FROM throttles WHERE subject = 'account'"), left);
    }
}
