//! Bad input while a funnel is under way: refused by the contract, and not a row changes but the keys' own.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Guest, Hotel, Start, Terms, TestApp, key};

fn text(id: &Value) -> &str {
    id.as_str().expect("an id")
}

/// Rows of every table but the keys', in which a definitive refusal is stored.
fn rows(app: &TestApp) -> BTreeMap<String, String> {
    let mut rows = app.snapshot();
    rows.remove("idempotency_keys");
    rows
}

/// A hold that is asked to go on, with a version.
async fn extend(guest: &Guest, hold: &Value, version: Option<&str>) -> Answer {
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(version.map(|version| ("if-match", version)));
    let path = format!("/holds/{}/extend", text(&hold["hold_id"]));
    guest.send(Method::POST, &path, &headers, Some(b"{}".to_vec())).await
}

/// Holds of one guest in every state.
struct Holds {
    fresh: Value,
    paid: Value,
    booked: Value,
    released: Value,
    expired: Value,
}

impl Holds {
    async fn of(app: &TestApp, ada: &Guest, hotel: &Hotel) -> Self {
        let mut held = Vec::new();
        for day in 10..15 {
            held.push(ada.held(&hotel.id(), &hotel.stay(day, day + 1)).await);
        }
        let [fresh, paid, booked, released, expired]: [Value; 5] = held.try_into().expect("five holds");
        for hold in [&paid, &booked] {
            ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
        }
        ada.confirm(&booked["hold_id"]).await.ok(201);
        ada.delete(&format!("/holds/{}", text(&released["hold_id"]))).await.ok(204);
        app.execute(&format!(
            "UPDATE holds SET expires_at = clock_timestamp() WHERE hold_id = '{}'",
            text(&expired["hold_id"])
        ));
        app.eventually("SELECT count(*) FROM jobs WHERE done_at IS NULL", "0").await;
        app.all_told().await;
        Self { fresh, paid, booked, released, expired }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_funnel_under_way_is_as_it_was_after_every_refusal() {
    let app = TestApp::start_with(Start::Migrated, |given| given.sweep_interval_ms = Some("3600000".to_owned())).await;
    let (ada, eve) = (app.guest(), app.guest());
    let hotel = Hotel::with(&app, &Terms { capacity: 3, ..Terms::default() });
    let holds = Holds::of(&app, &ada, &hotel).await;
    let (own, foreign) = (eve.quoted(&hotel, 20, 22, 1).await, ada.quoted(&hotel, 20, 22, 1).await);
    let before = rows(&app);

    for quotes in [vec![foreign.clone()], vec![own, foreign], vec![json!(uuid::Uuid::now_v7())]] {
        eve.hold_items(&quotes).await.problem(404, "not_found");
    }
    for hold in [&holds.fresh, &holds.paid, &holds.booked, &holds.released, &holds.expired] {
        eve.delete(&format!("/holds/{}", text(&hold["hold_id"]))).await.problem(404, "not_found");
        extend(&eve, hold, Some("\"1\"")).await.problem(404, "not_found");
        eve.pay(&hold["hold_id"], "pm_card_visa").await.problem(404, "not_found");
        eve.confirm(&hold["hold_id"]).await.problem(404, "not_found");
        extend(&ada, hold, None).await.problem(428, "precondition_required");
    }
    extend(&ada, &holds.fresh, Some("\"2\"")).await.problem(412, "precondition_failed");
    extend(&ada, &holds.paid, Some("\"1\"")).await.problem(412, "precondition_failed");
    for (hold, status, paying, confirming, extending) in [
        (&holds.fresh, 409, None, Some("payment_required"), None),
        (&holds.paid, 409, Some("already_paid"), None, None),
        (&holds.booked, 409, Some("hold_converted"), Some("hold_converted"), Some("hold_converted")),
        (&holds.released, 410, Some("hold_released"), Some("hold_released"), Some("hold_released")),
        (&holds.expired, 410, Some("hold_expired"), Some("hold_expired"), Some("hold_expired")),
    ] {
        if let Some(code) = paying {
            ada.pay(&hold["hold_id"], "pm_card_visa").await.problem(status, code);
        }
        if let Some(code) = confirming {
            ada.confirm(&hold["hold_id"]).await.problem(status, code);
        }
        if let Some(code) = extending {
            extend(&ada, hold, Some("\"1\"")).await.problem(status, code);
        }
    }
    for absurd in ["0", "-1", "601", "9223372036854775808", "1e3", "\"60\""] {
        let path = format!("/holds/{}/extend", text(&holds.fresh["hold_id"]));
        let body = format!("{{\"extend_by_s\":{absurd}}}").into_bytes();
        let headers = [("content-type", "application/json"), ("if-match", "\"1\""), ("idempotency-key", &key())];
        ada.send(Method::POST, &path, &headers, Some(body)).await.invalid("extend_by_s");
    }
    assert_eq!(rows(&app), before, "a refusal changes nothing");
    let stored =
        "SELECT coalesce(string_agg(DISTINCT status::text, ' '), '') FROM idempotency_keys WHERE status >= 300";
    assert_eq!(app.text(stored), "404 409 410", "what is decided is stored, and nothing else");
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_is_over_at_the_hotel_is_neither_quoted_nor_held() {
    let app = TestApp::start().await;
    let ada = app.guest();
    // It is always a day later there than here.
    let hotel = Hotel::with(&app, &Terms { time_zone: "Etc/GMT+12", capacity: 2, ..Terms::default() });
    let tonight = hotel.stay(0, 1);
    let offer_id = ada.offer(&hotel.id(), &tonight).await["offer_id"].clone();
    let quote_id = ada.quote(&offer_id).await["quote_id"].clone();
    hotel.change(&app, "UPDATE hotels SET time_zone = 'Pacific/Kiritimati', version = version + 1 WHERE hotel_id = $1");
    let before = rows(&app);
    ada.post("/quotes", json!({ "offer_id": offer_id })).await.problem(409, "offer_unavailable");
    ada.hold(&quote_id).await.problem(409, "offer_unavailable");
    assert_eq!(rows(&app), before, "a refusal changes nothing");
    app.verified();
}
