//! The simulated provider's idempotency, asked past the server.

use std::time::Duration;

use lastroom::db::{Db, PoolSettings};
use lastroom::kernel::money::Money;
use lastroom::payments::Provider;
use lastroom::payments::provider::{Intent, IntentStatus, NewIntent, ProviderError};
use serde_json::json;

use crate::support::database::Database;
use crate::support::{Start, TestApp};

/// The provider, asked by nobody's server.
pub fn provider(database: &Database) -> Provider {
    let settings = PoolSettings {
        url: database.url(),
        size: 2,
        wait: Duration::from_secs(5),
        patience: Duration::from_secs(60),
        lock_timeout: Duration::from_secs(5),
        statement_timeout: Duration::from_secs(5),
        durable: true,
    };
    Provider::simulator(Db::new(&settings), "http://localhost")
}

fn new(key: &str, amount: i64, payment_method: &str) -> NewIntent {
    let amount = Money::new(amount, "EUR".parse().expect("a currency"));
    NewIntent { key: key.to_owned(), amount, payment_method: payment_method.to_owned(), metadata: json!({}) }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(answer: Result<T, ProviderError>) -> String {
    match answer {
        Err(ProviderError::Refused { code }) => code,
        other => panic!("not refused: {other:?}"),
    }
}

#[track_caller]
fn unknown<T: std::fmt::Debug>(answer: Result<T, ProviderError>) -> String {
    match answer {
        Err(ProviderError::Unknown(unknown)) => unknown.0,
        other => panic!("not unknown: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_is_answered_alike_and_another_is_refused() {
    let database = Database::create(Start::Migrated);
    let provider = provider(&database);
    let created = provider.create(new("a-key", 5_000, "pm_card_visa")).await.expect("created");
    assert_eq!(created.status, IntentStatus::RequiresConfirmation);
    let id = created.intent_id.as_str();
    assert_eq!(provider.confirm(id).await.expect("confirmed").status, IntentStatus::Authorized);
    let again = provider.create(new("a-key", 5_000, "pm_card_visa")).await.expect("replayed");
    assert_eq!(again, created, "as it was then");
    assert_eq!(refused(provider.create(new("a-key", 5_001, "pm_card_visa")).await), "idempotency_error");
    assert_eq!(refused(provider.create(new("a-key", 5_000, "pm_sim_late_capture")).await), "idempotency_error");

    assert_eq!(refused(provider.capture(id, 5_001).await), "amount_invalid");
    let captured = Intent { status: IntentStatus::Captured { amount: 3_000 }, ..created.clone() };
    for amount in [3_000, 3_000, 5_000] {
        assert_eq!(provider.capture(id, amount).await.expect("captured"), captured, "once");
    }
    assert_eq!(provider.void(id).await.expect("too late"), captured);
    for _ in 0..2 {
        provider.refund(id, "a-refund", 2_000).await.expect("refunded");
    }
    assert_eq!(refused(provider.refund(id, "a-refund", 1_000).await), "idempotency_error");
    assert_eq!(refused(provider.refund(id, "another-refund", 1_001).await), "amount_invalid");
    provider.refund(id, "the-rest", 1_000).await.expect("refunded");
    let other = provider.create(new("another-key", 5_000, "pm_card_visa")).await.expect("created");
    assert_eq!(refused(provider.refund(&other.intent_id, "a-refund", 2_000).await), "idempotency_error");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_for_good() {
    let database = Database::create(Start::Migrated);
    let provider = provider(&database);
    assert_eq!(refused(provider.create(new("key-1", 5_000, "pm_card_none")).await), "payment_method_unknown");
    assert_eq!(refused(provider.create(new("key-2", 0, "pm_card_visa")).await), "amount_invalid");
    for answer in [provider.read("pi_none").await, provider.confirm("pi_none").await, provider.void("pi_none").await] {
        assert_eq!(refused(answer), "resource_missing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_creations_under_one_key_one_intent_comes() {
    let database = Database::create(Start::Migrated);
    let provider = provider(&database);
    let calls = (0..10).map(|_| {
        let provider = provider.clone();
        tokio::spawn(async move { provider.create(new("a-key", 5_000, "pm_card_visa")).await.expect("created") })
    });
    let mut ids = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        ids.push(call.await.expect("an answer").intent_id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_request_runs_nothing_else_is_done() {
    // No server: nobody lets what is late take effect but whoever asks again.
    let mut app = TestApp::start().await;
    app.stop();
    let provider = provider(&app.database);
    let created = provider.create(new("a-key", 5_000, "pm_sim_timeout_then_success")).await.expect("created");
    let id = created.intent_id.as_str();
    assert!(unknown(provider.confirm(id).await).contains("no answer"));
    assert_eq!(provider.read(id).await.expect("read").status, IntentStatus::Processing);
    assert!(unknown(provider.confirm(id).await).contains("still running"));
    assert!(unknown(provider.void(id).await).contains("still running"));
    app.execute("UPDATE simulator_requests SET due_at = clock_timestamp() WHERE due_at IS NOT NULL");
    assert_eq!(provider.confirm(id).await.expect("answered now").status, IntentStatus::Authorized);
    assert_eq!(provider.void(id).await.expect("voided").status, IntentStatus::Voided);
}
