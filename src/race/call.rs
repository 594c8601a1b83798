//! A call, and what comes back.

use std::fmt;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use uuid::Uuid;

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: Method,
    pub path: String,
    pub token: Option<String>,
    pub body: Option<Value>,
    /// Every try carries the same.
    pub key: String,
}

impl Call {
    fn new(method: Method, path: impl Into<String>, body: Option<Value>) -> Self {
        let key = format!("race-{}", Uuid::new_v4().simple());
        Self { method, path: path.into(), token: None, body, key }
    }

    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path, None)
    }

    pub fn post(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::POST, path, Some(body))
    }

    pub fn patch(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::PATCH, path, Some(body))
    }

    /// Of whatever version.
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path, None)
    }

    /// By whom.
    pub fn by(self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self }
    }

    /// Method and path, as a reader knows them.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path.split('?').next().unwrap_or_default())
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    /// `Null` where there is none.
    pub body: Value,
    pub retry_after: Option<Duration>,
    /// An earlier try had brought it about.
    pub replayed: bool,
}

impl Answer {
    /// The problem's code.
    pub fn code(&self) -> &str {
        self.field("code").as_str().unwrap_or("no code")
    }

    /// A field of the body; `Null` where there is none.
    pub fn field(&self, name: &str) -> &Value {
        self.body.get(name).unwrap_or(&Value::Null)
    }

    /// A field of the body that is a text; empty where there is none.
    pub fn text(&self, field: &str) -> String {
        self.field(field).as_str().unwrap_or_default().to_owned()
    }

    /// Whether the server asks for the call to be sent again: busy, or the first try still runs.
    pub fn is_not_yet(&self) -> bool {
        let limit_of_the_guest = ["hold_limit", "payment_attempts"].contains(&self.code());
        match self.status {
            503 => self.retry_after.is_some(),
            429 => self.retry_after.is_some() && !limit_of_the_guest,
            409 => self.code() == "idempotency_in_progress",
            _ => false,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            ..400 => write!(f, "{}", self.status),
            _ => write!(f, "{} {}", self.status, self.code()),
        }
    }
}

/// A call that has no definite answer after every try.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{call} has no definite answer after {tries} tries; the last: {last}")]
pub struct Unanswered {
    pub call: String,
    pub tries: u32,
    pub last: String,
}
