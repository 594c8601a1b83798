//! The simulated provider's payment methods, each from the guest's call to where its money ends.

use lastroom::config::Given;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Guest, Hotel, Start, TestApp, key};

async fn held(app: &TestApp, ada: &Guest) -> Value {
    let hotel = Hotel::one_room(app);
    ada.held(&hotel.id(), &hotel.stay(10, 12)).await
}

async fn payment(ada: &Guest, paid: &Value) -> Value {
    ada.get(&format!("/payments/{}", paid["payment_id"].as_str().expect("an id"))).await.ok(200)
}

/// Answers as the bank at the address that a payment shows.
async fn at_the_bank(app: &TestApp, paid: &Value, body: &str) -> Answer {
    let url = paid["next_action"]["url"].as_str().unwrap_or_else(|| panic!("an address: {paid}"));
    // What stands before the path is where a server is to be reached; a test knows better.
    let path = url.splitn(4, '/').nth(3).expect("a path");
    let json = [("content-type", "application/json")];
    Guest::stranger(app).send(Method::POST, &format!("//{path}"), &json, Some(body.as_bytes().to_vec())).await
}

const SUCCEED: &str = r#"{"outcome":"succeed"}"#;
const FAIL: &str = r#"{"outcome":"fail"}"#;

/// What became of the only payment, by our rows and by the provider's.
const END: &str = "SELECT p.status || ' ' || i.status || ' ' || p.captured_amount || ' ' || i.captured_amount
                   FROM payments p, simulator_intents i";

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_answers_their_bank_and_books() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hold = held(&app, &ada).await;
    let (key, body) =
        (key(), json!({ "hold_id": hold["hold_id"], "payment_method": "pm_card_authenticationRequired" }));
    let first = ada.post_keyed("/payments", &key, body.clone()).await;
    let paid = first.ok(202);
    assert_eq!(paid["status"], "requires_action");
    let url = paid["next_action"]["url"].as_str().expect("an address");
    assert!(url.starts_with(&app.url("/simulator/challenges/")), "{url}");
    let shown = payment(&ada, &paid).await;
    assert_eq!((&shown["status"], &shown["next_action"]), (&json!("requires_action"), &paid["next_action"]));
    let waits_s = app.number("SELECT extract(epoch FROM paying_until - clock_timestamp()) FROM holds");
    assert!((590..=600).contains(&waits_s), "the hold waits {waits_s} s");
    ada.confirm(&hold["hold_id"]).await.problem(409, "payment_in_progress");

    for garbage in ["{}", r#"{"outcome":"maybe"}"#, r#"{"outcome":"succeed","amount":1}"#] {
        at_the_bank(&app, &paid, garbage).await.problem(422, "invalid");
    }
    let nobody = json!({ "next_action": { "url": app.url("/simulator/challenges/AAAA") } });
    at_the_bank(&app, &nobody, SUCCEED).await.problem(404, "not_found");
    assert_eq!(at_the_bank(&app, &paid, SUCCEED).await.ok(200), json!({ "status": "authorized" }));
    app.eventually("SELECT status FROM payments", "authorized").await;
    let shown = payment(&ada, &paid).await;
    assert_eq!((&shown["status"], &shown["next_action"]), (&json!("authorized"), &Value::Null));
    assert_eq!(at_the_bank(&app, &paid, FAIL).await.ok(200), json!({ "status": "authorized" }), "it is decided");

    ada.confirm(&hold["hold_id"]).await.ok(201);
    app.eventually(END, "captured captured 20000 20000").await;
    let again = ada.post_keyed("/payments", &key, body).await;
    assert_eq!((again.status, &again.text), (202, &first.text), "stored as it was");
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_are_sent_to_the_public_address() {
    let public = |given: &mut Given| given.public_url = Some("https://book.example.com".to_owned());
    let app = TestApp::start_with(Start::Migrated, public).await;
    let ada = app.guest();
    let hold = held(&app, &ada).await;
    let paid = ada.pay(&hold["hold_id"], "pm_card_authenticationRequired").await.ok(202);
    let url = paid["next_action"]["url"].as_str().expect("an address");
    let token = url.strip_prefix("https://book.example.com/simulator/challenges/").unwrap_or_else(|| panic!("{url}"));
    assert_eq!(token.len(), 43, "32 bytes that nobody guesses");
    at_the_bank(&app, &paid, SUCCEED).await.ok(200);
    // Webhooks do not take that way.
    app.eventually("SELECT status FROM payments", "authorized").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_whom_their_bank_refuses_may_pay_otherwise() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hold = held(&app, &ada).await;
    let paid = ada.pay(&hold["hold_id"], "pm_card_authenticationRequired").await.ok(202);
    assert_eq!(at_the_bank(&app, &paid, FAIL).await.ok(200), json!({ "status": "declined" }));
    app.eventually("SELECT status FROM payments", "failed").await;
    let shown = payment(&ada, &paid).await;
    assert_eq!((&shown["failure_code"], &shown["next_action"]), (&json!("authentication_failed"), &Value::Null));
    let now = ada.get(&format!("/holds/{}", hold["hold_id"].as_str().expect("an id"))).await.ok(200);
    assert_eq!((&now["status"], &now["expires_at"]), (&json!("active"), &hold["expires_at"]));
    ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    ada.confirm(&hold["hold_id"]).await.ok(201);
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_webhooks_the_completer_finds_out() {
    let app = TestApp::start().await;
    app.lose_webhooks();
    let ada = app.guest();
    let hold = held(&app, &ada).await;
    let paid = ada.pay(&hold["hold_id"], "pm_card_authenticationRequired").await.ok(202);
    // Found waiting, it goes on waiting, and its time is not begun again.
    app.execute("UPDATE holds SET paying_until = paying_until - interval '5 minutes'");
    app.execute("UPDATE payment_attempts SET lease_until = clock_timestamp()");
    app.eventually("SELECT epoch FROM payment_attempts", "2").await;
    assert_eq!(at_the_bank(&app, &paid, SUCCEED).await.ok(200), json!({ "status": "authorized" }));
    let waits_s = app.number("SELECT extract(epoch FROM paying_until - clock_timestamp()) FROM holds");
    assert!(waits_s <= 300, "the hold waits {waits_s} s");
    app.execute("UPDATE payment_attempts SET lease_until = clock_timestamp()");
    app.eventually("SELECT status FROM payments", "authorized").await;
    ada.confirm(&hold["hold_id"]).await.ok(201);
    assert_eq!(app.rows("webhook_events"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_who_never_answers_their_bank_is_not_charged() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hold = held(&app, &ada).await;
    let paid = ada.pay(&hold["hold_id"], "pm_card_authenticationRequired").await.ok(202);
    app.execute("UPDATE holds SET paying_until = clock_timestamp()");
    app.execute("UPDATE payment_attempts SET lease_until = clock_timestamp()");
    app.eventually(END, "abandoned voided 0 0").await;
    assert_eq!(at_the_bank(&app, &paid, SUCCEED).await.ok(200), json!({ "status": "voided" }));
    assert_eq!(payment(&ada, &paid).await["next_action"], Value::Null);
    ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    ada.confirm(&hold["hold_id"]).await.ok(201);
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorisation_whose_answer_was_lost_is_found() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hold = held(&app, &ada).await;
    let paid = ada.pay(&hold["hold_id"], "pm_sim_timeout_then_success").await.ok(202);
    assert_eq!((&paid["status"], &paid["next_action"]), (&json!("processing"), &Value::Null));
    ada.pay(&hold["hold_id"], "pm_card_visa").await.problem(409, "payment_in_progress");
    app.eventually("SELECT status FROM payments", "authorized").await;
    ada.confirm(&hold["hold_id"]).await.ok(201);
    app.eventually(END, "captured captured 20000 20000").await;
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decline_whose_answer_was_lost_is_found() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hold = held(&app, &ada).await;
    let paid = ada.pay(&hold["hold_id"], "pm_sim_timeout_then_failure").await.ok(202);
    assert_eq!(paid["status"], "processing");
    app.eventually("SELECT concat_ws(' ', status, failure_code) FROM payments", "failed generic_decline").await;
    ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    ada.confirm(&hold["hold_id"]).await.ok(201);
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_whose_answer_was_lost_is_made_once() {
    // Found out by webhook; and without, by the job that asks again.
    for are_lost in [false, true] {
        let app = TestApp::start().await;
        if are_lost {
            app.lose_webhooks();
        }
        let ada = app.guest();
        let hold = held(&app, &ada).await;
        ada.pay(&hold["hold_id"], "pm_sim_late_capture").await.ok(201);
        ada.confirm(&hold["hold_id"]).await.ok(201);
        app.eventually(END, "captured captured 20000 20000").await;
        app.eventually("SELECT count(*) FROM jobs WHERE done_at IS NULL", "0").await;
        let times = "SELECT count(*) FROM simulator_events WHERE event_type = 'payment_intent.captured'";
        assert_eq!((app.number(times), app.rows("refunds")), (1, 0));
        app.verified();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_that_come_twice_and_out_of_order_count_once() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hold = held(&app, &ada).await;
    ada.pay(&hold["hold_id"], "pm_sim_duplicate_webhook").await.ok(201);
    ada.confirm(&hold["hold_id"]).await.ok(201);
    app.eventually(END, "captured captured 20000 20000").await;
    app.all_told().await;
    let arrived = "SELECT string_agg(event_type || ' ' || status, ', ' ORDER BY received_at) FROM webhook_events";
    assert_eq!(app.text(arrived), "payment_intent.captured applied, payment_intent.authorized applied");
    assert_eq!(app.rows("simulator_deliveries"), 4);
    assert_eq!(app.text(END), "captured captured 20000 20000");
    let told = "SELECT string_agg(topic, ' ' ORDER BY event_id) FROM outbox_events WHERE topic LIKE 'payment.%'";
    assert_eq!(app.text(told), "payment.initiated payment.authorized payment.capture_pending payment.captured");
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_nobody_knows_is_refused() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hold = held(&app, &ada).await;
    for method in ["pm_card_mastercard", "pm_sim_timeout", "PM_CARD_VISA", "pm_card_visa ", ""] {
        ada.pay(&hold["hold_id"], method).await.invalid("payment_method");
    }
    assert_eq!((app.rows("payments"), app.rows("simulator_intents")), (0, 0));
}
