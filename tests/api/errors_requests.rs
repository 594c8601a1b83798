//! Requests that are refused for their form: nothing of them is ever stored.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Guest, Hotel, TestApp, key};

const JSON: (&str, &str) = ("content-type", "application/json");
const NOBODY: &str = "019a0000-0000-7000-8000-000000000000";

async fn post_raw(guest: &Guest, path: &str, body: impl Into<Vec<u8>>) -> Answer {
    guest.send(Method::POST, path, &[JSON, ("idempotency-key", &key())], Some(body.into())).await
}

/// Nothing that a refused request could have left behind.
fn assert_untouched(app: &TestApp) {
    for table in ["quotes", "holds", "payments", "bookings", "idempotency_keys", "outbox_events"] {
        assert_eq!(app.rows(table), 0, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_json_is_400() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let twice = format!(r#"{{"quote_id":"{NOBODY}","quote_id":"{NOBODY}"}}"#);
    let nested = br#"{"hold_id":"x","guest":{"email":"a@b.test","email":"c@d.test"}}"#;
    post_raw(&ada, "/holds", twice).await.problem(400, "duplicate_json_key");
    post_raw(&ada, "/bookings", nested.as_slice()).await.problem(400, "duplicate_json_key");
    let bodies: [&[u8]; 8] =
        [b"", b"{", b"{} x", b"{'quote_id':1}", b"\xff\xfe", br#"{"quote_id":"\ud800"}"#, b"NaN", b"{\"a\":1,}"];
    for body in bodies {
        for path in ["/holds", "/payments", "/bookings", "/quotes", "/bookings/lookup"] {
            post_raw(&ada, path, body).await.problem(400, "malformed_body");
        }
    }
    assert_untouched(&app);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_field_is_422_and_named() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let guest = json!({ "full_name": "Ada", "email": "ada@example.com" });
    let with = |field: &str, value: Value| {
        let mut guest = guest.clone();
        guest[field] = value;
        json!({ "hold_id": NOBODY, "guest": guest })
    };
    for (path, body, field, code) in [
        ("/holds", json!({}), "quote_id", "missing"),
        ("/holds", json!({ "quote_id": NOBODY, "price": 1 }), "price", "unknown_field"),
        ("/holds", json!({ "quote_id": 7 }), "quote_id", "invalid"),
        ("/holds", json!({ "quote_id": null }), "quote_id", "invalid"),
        ("/holds", json!({ "quote_id": "abc" }), "quote_id", "invalid"),
        ("/holds", json!({ "quote_id": "\0" }), "quote_id", "invalid"),
        ("/holds", json!(null), "body", "invalid"),
        ("/holds", json!("text"), "body", "invalid"),
        // In order, an array has every member too; it is still no object.
        ("/holds", json!([NOBODY]), "body", "invalid"),
        ("/quotes", json!({ "offer_id": "" }), "offer_id", "invalid"),
        ("/quotes", json!({ "offer_id": "x".repeat(4001) }), "offer_id", "invalid"),
        ("/payments", json!({ "hold_id": NOBODY }), "payment_method", "missing"),
        ("/payments", json!({ "hold_id": NOBODY, "payment_method": "pm_card_stolen" }), "payment_method", "invalid"),
        ("/payments", json!({ "hold_id": "1", "payment_method": "pm_card_visa" }), "hold_id", "invalid"),
        (
            "/payments",
            json!({ "hold_id": NOBODY, "payment_method": "pm_card_visa", "amount": 1.5 }),
            "amount",
            "unknown_field",
        ),
        ("/bookings", json!({ "hold_id": NOBODY }), "guest", "missing"),
        ("/bookings", with("email", json!("nowhere")), "guest.email", "invalid"),
        ("/bookings", with("full_name", json!("  ")), "guest.full_name", "invalid"),
        ("/bookings", with("full_name", json!("x".repeat(201))), "guest.full_name", "invalid"),
        ("/bookings", with("phone", json!("1")), "guest.phone", "invalid"),
        ("/bookings", with("vip", json!(true)), "guest.vip", "unknown_field"),
        (
            "/bookings",
            json!({ "hold_id": NOBODY, "guest": guest, "special_requests": "x".repeat(2001) }),
            "special_requests",
            "invalid",
        ),
        ("/bookings/lookup", json!({ "confirmation_code": "A" }), "email", "missing"),
    ] {
        let problem = ada.post_keyed(path, &key(), body.clone()).await.invalid(field);
        assert_eq!(problem["errors"][0]["code"], code, "{path} {body} {problem}");
    }
    assert_untouched(&app);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_media_type_and_the_size_of_a_body_count() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let body = json!({ "quote_id": NOBODY }).to_string();
    for media in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "",
        "application/json; charset=iso-8859-1",
        "application/json;v=1; Charset=\"latin1\"",
    ] {
        let key = key();
        let sent = [("content-type", media), ("idempotency-key", key.as_str())];
        ada.send(Method::POST, "/holds", &sent, Some(body.clone().into())).await.problem(415, "unsupported_media_type");
    }
    for coding in ["gzip", "br", "identity, gzip", ""] {
        let sent = [JSON, ("content-encoding", coding), ("idempotency-key", &key())];
        ada.send(Method::POST, "/holds", &sent, Some(body.clone().into())).await.problem(415, "unsupported_media_type");
    }
    for media in ["Application/JSON; charset=utf-8", "application/json;charset=\"UTF-8\""] {
        let sent = [("content-type", media), ("content-encoding", "Identity"), ("idempotency-key", &key())];
        ada.send(Method::POST, "/holds", &sent, Some(body.clone().into())).await.problem(404, "not_found");
    }
    // Of what needs no body, an empty one is none, whatever it says that it is; text is none that is taken.
    let cancel = format!("/bookings/{NOBODY}/cancel");
    for (media, sent, status, code) in [
        ("application/json", "", 404, "not_found"),
        ("application/json", "{}", 404, "not_found"),
        ("text/plain", "", 415, "unsupported_media_type"),
        ("text/plain", "{}", 415, "unsupported_media_type"),
        ("application/json", "null", 422, "invalid"),
    ] {
        let head = [("content-type", media), ("idempotency-key", &key())];
        ada.send(Method::POST, &cancel, &head, Some(sent.into())).await.problem(status, code);
    }

    let limit = 256 * 1024;
    let padded = |bytes: usize| format!("{{\"quote_id\":\"{NOBODY}\"{}}}", " ".repeat(bytes - 51));
    assert_eq!(padded(limit).len(), limit);
    post_raw(&ada, "/holds", padded(limit)).await.problem(404, "not_found");
    post_raw(&ada, "/holds", padded(limit + 1)).await.problem(413, "body_too_large");
    assert_eq!(app.rows("holds"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_methods_and_accepted_types_are_checked() {
    let app = TestApp::start().await;
    let ada = app.guest();
    for path in [
        "/quotes/1",
        "/holds/x",
        "/payments/..%2f",
        "/bookings/0",
        "/hotels/1/offers?check_in=2099-01-01&check_out=2099-01-02",
        "/nothing",
    ] {
        ada.get(path).await.problem(404, "not_found");
    }
    ada.delete("/holds/x").await.problem(404, "not_found");
    let one = |path: &str| format!("{path}/{NOBODY}");
    for (method, path, allow) in [
        (Method::PUT, "/quotes".to_owned(), "POST"),
        (Method::DELETE, one("/quotes"), "GET"),
        (Method::POST, one("/holds"), "GET, DELETE"),
        (Method::PATCH, "/holds".to_owned(), "GET, POST"),
        (Method::GET, "/payments".to_owned(), "POST"),
        (Method::POST, "/search".to_owned(), "GET"),
        (Method::DELETE, one("/bookings"), "GET"),
        (Method::POST, "//healthz".to_owned(), "GET"),
    ] {
        let answer = ada.send(method.clone(), &path, &[], None).await;
        answer.problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
    }
    for (accept, accepted) in [
        ("text/html", false),
        ("application/json;q=0", false),
        ("application/xml, text/plain", false),
        ("text/html, */*;q=0.1", true),
        ("application/problem+json", true),
        ("application/*", true),
        ("Application/JSON", true),
        ("TEXT/HTML", false),
        ("application/json;Q=0", false),
        ("", true),
        (" , ", true),
    ] {
        let answer = ada.send(Method::GET, "/bookings", &[("accept", accept)], None).await;
        if accepted {
            answer.ok(200)
        } else {
            answer.problem(406, "not_acceptable")
        };
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_is_needed_and_checked() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let quote = json!({ "quote_id": NOBODY }).to_string();
    let long = "k".repeat(256);
    for path in ["/holds", "/payments", "/bookings"] {
        ada.send(Method::POST, path, &[JSON], Some(quote.clone().into())).await.problem(400, "idempotency_key_missing");
        for key in ["", "fifteen-letters", long.as_str(), "sixteen letters!", "tab\tin-the-middle", "sixteen-lettérs-"]
        {
            let sent = [JSON, ("idempotency-key", key)];
            ada.send(Method::POST, path, &sent, Some(quote.clone().into()))
                .await
                .problem(400, "idempotency_key_invalid");
        }
        let twice = [JSON, ("idempotency-key", "sixteen-letters-"), ("idempotency-key", "sixteen-letters-")];
        ada.send(Method::POST, path, &twice, Some(quote.clone().into())).await.problem(400, "idempotency_key_invalid");
    }
    // Where a key is only accepted, a bad one is refused all the same.
    let short = [JSON, ("idempotency-key", "short")];
    for path in ["/quotes", "/bookings/lookup"] {
        ada.send(Method::POST, path, &short, Some(quote.clone().into())).await.problem(400, "idempotency_key_invalid");
    }
    assert_untouched(&app);
    for key in ["k".repeat(16), "k".repeat(255)] {
        ada.post_keyed("/holds", &key, json!({ "quote_id": NOBODY })).await.problem(404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_come_in_the_contracts_order() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let hold = ada.held(&hotel.id(), &hotel.stay(10, 11)).await;
    let nobody = Guest::stranger(&app);
    let forged = ada.with_token("forged");
    let all_wrong = async |guest: &Guest, key: &str, media: &str, body: &str| {
        guest
            .send(
                Method::POST,
                "/payments?x=1",
                &[("idempotency-key", key), ("content-type", media)],
                Some(body.into()),
            )
            .await
    };
    let unauthenticated = all_wrong(&nobody, "short", "text/plain", "{").await;
    unauthenticated.problem(401, "unauthenticated");
    assert_eq!(unauthenticated.header("www-authenticate"), Some("Bearer realm=\"lastroom\""));
    let invalid = all_wrong(&forged, "short", "text/plain", "{").await;
    invalid.problem(401, "token_invalid");
    assert!(invalid.header("www-authenticate").is_some_and(|value| value.contains("invalid_token")));
    all_wrong(&ada, "short", "text/plain", "{").await.problem(400, "idempotency_key_invalid");
    let key = key();
    all_wrong(&ada, &key, "text/plain", "{").await.problem(415, "unsupported_media_type");
    all_wrong(&ada, &key, "application/json", "{").await.problem(400, "malformed_body");
    let wrong = json!({ "hold_id": NOBODY, "payment_method": "cash" });
    ada.post_keyed("/payments", &key, wrong).await.invalid("payment_method");
    // A key that was used is replayed, or refused as reused, before anything is looked up.
    let paid =
        ada.post_keyed("/payments", &key, json!({ "hold_id": hold["hold_id"], "payment_method": "pm_card_visa" }));
    paid.await.ok(201);
    let unknown = json!({ "hold_id": NOBODY, "payment_method": "pm_card_visa" });
    ada.post_keyed("/payments", &key, unknown.clone()).await.problem(409, "idempotency_key_reused");
    ada.post_keyed("/payments", &crate::support::key(), unknown).await.problem(404, "not_found");
    // Meaning comes before existence.
    let reversed = format!("/hotels/{NOBODY}/offers?check_in=2099-01-02&check_out=2099-01-01");
    ada.get(&reversed).await.invalid("check_out");
}
