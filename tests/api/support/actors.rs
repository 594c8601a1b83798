//! Actors: guests and strangers who speak HTTP.

use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::app::TestApp;
use super::builders::Hotel;
use super::described;

pub const PASSWORD: &str = "correct horse battery";

/// A fresh idempotency key.
pub fn key() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("test-key-{:08}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {} {}", self.status, self.text))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body of an answer with this status.
    #[track_caller]
    pub fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// The problem document with this status and code.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.text);
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert!(problem["type"].as_str().is_some_and(|uri| uri.ends_with(code)), "{problem}");
        assert!(problem["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{problem}");
        problem
    }

    /// The 422 whose only field is this.
    #[track_caller]
    pub fn invalid(&self, field: &str) -> Value {
        let problem = self.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
        problem
    }
}

/// Somebody who calls the API, signed in or not.
#[derive(Clone)]
pub struct Guest {
    pub(super) client: Client,
    pub(super) base: String,
    pub email: String,
    pub token: Option<String>,
    pub refresh_token: String,
}

impl Guest {
    /// Nobody in particular.
    pub fn stranger(app: &TestApp) -> Self {
        Self::stranger_at(&app.url("/api/v1"))
    }

    /// The same at a server that is no test's.
    pub fn stranger_at(base: &str) -> Self {
        Self {
            // It reads no certificates: it calls no server that has one.
            client: Client::builder().no_proxy().tls_certs_only([]).build().expect("a client"),
            base: base.to_owned(),
            email: String::new(),
            token: None,
            refresh_token: String::new(),
        }
    }

    pub async fn register(app: &TestApp, email: &str) -> Self {
        let stranger = Self::stranger(app);
        let account = json!({ "email": email, "password": PASSWORD, "full_name": "Ada Lovelace" });
        stranger.post("/auth/register", account).await.ok(202);
        stranger.login(email, PASSWORD).await
    }

    pub async fn login(&self, email: &str, password: &str) -> Self {
        let tokens = self.post("/auth/login", json!({ "email": email, "password": password })).await.ok(200);
        Self {
            email: email.to_owned(),
            token: tokens["access_token"].as_str().map(str::to_owned),
            refresh_token: tokens["refresh_token"].as_str().expect("a refresh token").to_owned(),
            ..self.clone()
        }
    }

    /// The same caller through another server.
    pub fn at(&self, app: &TestApp) -> Self {
        self.behind(&app.address.to_string())
    }

    /// The same caller through the server at an address.
    pub fn behind(&self, address: &str) -> Self {
        Self { base: format!("http://{address}/api/v1"), ..self.clone() }
    }

    /// The same caller with another token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Any request at all.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<Vec<u8>>) -> Answer {
        self.attempt(method, path, headers, body).await.expect("an answer")
    }

    /// The same, where the server may end before it answers.
    pub async fn attempt(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Result<Answer, reqwest::Error> {
        // A path that begins with // lies beside the API's base path, not below it.
        let url = match path.strip_prefix('/') {
            Some(outside) if outside.starts_with('/') => self.base.replace("/api/v1", outside),
            _ => format!("{}{path}", self.base),
        };
        let mut request = self.client.request(method.clone(), &url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
            request = request.header(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header's value"));
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let path = response.url().path().to_owned();
        let answer = Answer { status, headers, text: response.text().await? };
        described::hold(&method, &path, &answer);
        Ok(answer)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, &[("content-type", "application/json")], Some(body.to_string().into_bytes()))
            .await
    }

    /// A change of the version that `tag` names, such as `"3"` in its quotes.
    pub async fn patch(&self, path: &str, tag: &str, body: Value) -> Answer {
        let headers = [("content-type", "application/json"), ("if-match", tag)];
        self.send(Method::PATCH, path, &headers, Some(body.to_string().into_bytes())).await
    }

    /// A change of many things at once, which names no version as a whole.
    pub async fn patch_many(&self, path: &str, body: Value) -> Answer {
        let headers = [("content-type", "application/json")];
        self.send(Method::PATCH, path, &headers, Some(body.to_string().into_bytes())).await
    }

    /// Deletes the version that `tag` names.
    pub async fn delete_version(&self, path: &str, tag: &str) -> Answer {
        self.send(Method::DELETE, path, &[("if-match", tag)], None).await
    }

    /// With an idempotency key.
    pub async fn post_keyed(&self, path: &str, key: &str, body: Value) -> Answer {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        self.send(Method::POST, path, &headers, Some(body.to_string().into_bytes())).await
    }

    /// The first offer on sale for a query string such as `check_in=…&check_out=…`.
    pub async fn offer(&self, hotel_id: &str, query: &str) -> Value {
        let offers = self.get(&format!("/hotels/{hotel_id}/offers?{query}")).await.ok(200);
        offers["data"].get(0).cloned().unwrap_or_else(|| panic!("no offer: {offers}"))
    }

    pub async fn quote(&self, offer_id: &Value) -> Value {
        self.post("/quotes", json!({ "offer_id": offer_id })).await.ok(201)
    }

    /// A quote of a room type for some nights, counted from the hotel's today, and rooms; its id.
    pub async fn quoted(&self, hotel: &Hotel, from: u64, to: u64, rooms: u8) -> Value {
        let path = format!("/hotels/{}/offers?{}&rooms={rooms}", hotel.id(), hotel.stay(from, to));
        let offers = self.get(&path).await.ok(200);
        let own = |offer: &&Value| offer["room_type_id"] == hotel.room_type_id.to_string();
        let offer = offers["data"].as_array().and_then(|data| data.iter().find(own)).expect("an offer");
        self.quote(&offer["offer_id"]).await["quote_id"].clone()
    }

    pub async fn hold(&self, quote_id: &Value) -> Answer {
        self.post_keyed("/holds", &key(), json!({ "quote_id": quote_id })).await
    }

    /// Several quotes in one hold.
    pub async fn hold_items(&self, quote_ids: &[Value]) -> Answer {
        let items: Vec<_> = quote_ids.iter().map(|quote_id| json!({ "quote_id": quote_id })).collect();
        self.post_keyed("/holds", &key(), json!({ "items": items })).await
    }

    /// Takes more time for a hold of a version.
    pub async fn extend(&self, hold: &Value, version: i64, body: Value) -> Answer {
        let tag = format!("\"{version}\"");
        let headers = [("content-type", "application/json"), ("if-match", tag.as_str())];
        let path = format!("/holds/{}/extend", hold["hold_id"].as_str().expect("an id"));
        self.send(Method::POST, &path, &headers, Some(body.to_string().into_bytes())).await
    }

    pub async fn pay(&self, hold_id: &Value, payment_method: &str) -> Answer {
        let body = json!({ "hold_id": hold_id, "payment_method": payment_method });
        self.post_keyed("/payments", &key(), body).await
    }

    pub async fn confirm(&self, hold_id: &Value) -> Answer {
        let guest = json!({ "full_name": "Ada Lovelace", "email": self.email });
        self.post_keyed("/bookings", &key(), json!({ "hold_id": hold_id, "guest": guest })).await
    }

    /// From a hotel and dates to a hold.
    pub async fn held(&self, hotel_id: &str, query: &str) -> Value {
        let offer = self.offer(hotel_id, query).await;
        let quote = self.quote(&offer["offer_id"]).await;
        self.hold(&quote["quote_id"]).await.ok(201)
    }
}
