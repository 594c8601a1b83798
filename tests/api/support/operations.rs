//! The operations that the API's own description lists, and calls of them that mean nothing.

use reqwest::Method;
use serde_json::{Value, json};

use super::actors::{Answer, Guest, key};

/// One method of one path.
#[derive(Debug, Clone)]
pub struct Operation {
    pub method: Method,
    /// As documented: `/api/v1/holds/{id}`.
    pub path: String,
    pub description: Value,
}

/// The description as the code tells it.
pub fn description() -> Value {
    serde_json::to_value(lastroom::app::description()).expect("JSON")
}

/// Every documented operation; what is common to several stands in each.
pub fn operations() -> Vec<Operation> {
    let api = description();
    let mut found = Vec::new();
    for (path, item) in api["paths"].as_object().expect("paths") {
        for method in METHODS {
            let description = &item[method.as_str().to_lowercase()];
            if description.is_object() {
                let mut description = description.clone();
                for response in description["responses"].as_object_mut().expect("responses").values_mut() {
                    if let Some(common) = response["$ref"].as_str().map(str::to_owned) {
                        *response = api.pointer(common.trim_start_matches('#')).expect("a response").clone();
                    }
                }
                found.push(Operation { method, path: path.clone(), description });
            }
        }
    }
    assert!(found.len() > 15, "the description lists {} operations only", found.len());
    found
}

/// The methods that a path can have.
pub const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// A path with an id of nothing in each parameter's place, as [`Guest::send`] takes it.
pub fn nowhere(path: &str) -> String {
    let mut whole = String::from("//");
    for (at, part) in path.split('{').enumerate() {
        let part = if at == 0 { part } else { part.split_once('}').expect("a parameter ends").1 };
        if at > 0 {
            whole.push_str(&uuid::Uuid::now_v7().to_string());
        }
        whole.push_str(part);
    }
    whole.replacen("///", "//", 1)
}

impl Operation {
    pub fn name(&self) -> String {
        format!("{:<6} {}", self.method.as_str(), self.path)
    }

    /// Whether the description says that a token is needed.
    pub fn is_guarded(&self) -> bool {
        self.description["security"].as_array().is_some_and(|schemes| !schemes.is_empty())
    }

    pub fn takes_body(&self) -> bool {
        self.description["requestBody"].is_object()
    }

    /// Called with a body and a query that no operation knows.
    pub async fn call_with_garbage(&self, caller: &Guest) -> Answer {
        self.call_with(caller, &[]).await
    }

    /// The same with more headers.
    pub async fn call_with(&self, caller: &Guest, headers: &[(&str, &str)]) -> Answer {
        let key = key();
        let headers = [&[("content-type", "application/json"), ("idempotency-key", key.as_str())], headers].concat();
        let body = (self.method != Method::GET).then(|| json!({ "garbage": true }).to_string().into_bytes());
        let path = format!("{}?garbage=1", nowhere(&self.path));
        caller.send(self.method.clone(), &path, &headers, body).await
    }
}
