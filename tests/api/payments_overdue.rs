//! A payment without an outcome by `paying_until`: the hold is its guest's again, whatever comes of the payment.

use serde_json::{Value, json};

use crate::support::{Answer, Guest, Hotel, TestApp};

fn path(hold: &Value) -> String {
    format!("/holds/{}", hold["hold_id"].as_str().expect("an id"))
}

/// A hold with a payment that had its time and no outcome. Its completer comes only when it is called.
async fn overdue(app: &TestApp, ada: &Guest, hotel: &Hotel) -> (Value, Value) {
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    let payment = ada.pay(&hold["hold_id"], "pm_card_authenticationRequired").await.ok(202);
    assert_eq!(ada.get(&path(&hold)).await.ok(200)["status"], "paying");
    ada.delete(&path(&hold)).await.problem(409, "payment_in_progress");
    app.all_told().await;
    app.execute(
        "BEGIN;
         UPDATE payment_attempts SET lease_until = clock_timestamp() + interval '1 hour';
         UPDATE holds SET paying_until = clock_timestamp();
         COMMIT;",
    );
    (ada.get(&path(&hold)).await.ok(200), payment)
}

fn call_completer(app: &TestApp) {
    app.execute("UPDATE payment_attempts SET lease_until = clock_timestamp()");
}

/// The guest goes to the bank after all.
async fn consent(payment: &Value) {
    let url = payment["next_action"]["url"].as_str().expect("an address");
    reqwest::Client::new().post(url).json(&json!({ "outcome": "succeed" })).send().await.expect("an answer");
}

async fn is_abandoned(app: &TestApp) {
    call_completer(app);
    app.eventually("SELECT string_agg(status, ' ') FROM payments WHERE status <> 'authorized'", "abandoned").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hold_reads_active_and_may_be_released() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let (hold, _) = overdue(&app, &ada, &hotel).await;
    assert_eq!(hold["status"], "active");
    ada.delete(&path(&hold)).await.ok(204);
    assert_eq!(hotel.stock(&app, hotel.day(10)), (0, 0));
    app.verified();
    is_abandoned(&app).await;
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hold_may_be_extended_under_the_version_that_was_read() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let (hold, _) = overdue(&app, &ada, &hotel).await;
    let version = hold["version"].as_i64().expect("a version");
    let extended = ada.extend(&hold, version, json!({ "extend_by_s": 60 })).await.ok(200);
    assert_eq!(extended["status"], "active");
    app.verified();
    is_abandoned(&app).await;
    assert_eq!(ada.get(&path(&hold)).await.ok(200)["status"], "active");
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hold_wants_another_payment_and_takes_one() {
    let mut app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let (hold, _) = overdue(&app, &ada, &hotel).await;
    ada.confirm(&hold["hold_id"]).await.problem(409, "payment_required");
    ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    assert_eq!(app.text("SELECT string_agg(status, ' ' ORDER BY payment_id) FROM payments"), "abandoned authorized");
    app.verified();
    ada.confirm(&hold["hold_id"]).await.ok(201);
    app.sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_surfaces_after_the_hold_went_on_is_given_back() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let (hold, payment) = overdue(&app, &ada, &hotel).await;
    ada.delete(&path(&hold)).await.ok(204);
    consent(&payment).await;
    app.eventually("SELECT status FROM payments", "voided").await;
    assert_eq!(app.text("SELECT status FROM simulator_intents"), "voided");
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorisation_that_comes_after_all_counts_while_the_hold_lives_and_no_other_was_begun() {
    for is_extended in [false, true] {
        let mut app = TestApp::start().await;
        let ada = app.guest();
        let hotel = Hotel::one_room(&app);
        let (hold, payment) = overdue(&app, &ada, &hotel).await;
        if is_extended {
            let version = hold["version"].as_i64().expect("a version");
            ada.extend(&hold, version, json!({})).await.ok(200);
        }
        consent(&payment).await;
        app.eventually("SELECT status FROM payments", "authorized").await;
        app.verified();
        ada.confirm(&hold["hold_id"]).await.ok(201);
        app.eventually("SELECT status FROM payments", "captured").await;
        app.sound();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_releases_and_payments_at_once_one_side_wins() {
    let mut app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let (hold, _) = overdue(&app, &ada, &hotel).await;
    let path = path(&hold);
    let (released, paid): (Vec<Answer>, Vec<Answer>) = tokio::join!(
        futures_util::future::join_all((0..10).map(|_| ada.delete(&path))),
        futures_util::future::join_all((0..10).map(|_| ada.pay(&hold["hold_id"], "pm_card_visa"))),
    );
    let won = |answers: &[Answer], status| answers.iter().filter(|answer| answer.status == status).count();
    assert!(won(&paid, 201) <= 1, "{paid:?}");
    assert!(won(&released, 204) + won(&paid, 201) >= 1, "{released:?} {paid:?}");
    let unexpected = |answer: &&Answer| ![201, 204, 409, 410].contains(&answer.status);
    assert_eq!(released.iter().chain(&paid).find(unexpected).map(|answer| answer.status), None);
    call_completer(&app);
    app.eventually("SELECT count(*) FROM payments WHERE status IN ('initiated', 'processing', 'requires_action')", "0")
        .await;
    app.sound();
}
