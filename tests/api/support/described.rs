//! The description holds for every answer that an actor gets: its status is told, its body fits the schema, its headers are
//! those that are named.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Value, json};

use super::actors::Answer;
use super::operations::{Operation, description, operations};

static DESCRIBED: LazyLock<Described> = LazyLock::new(Described::new);

/// Headers that an answer has where they are told, and only there.
const TOLD: [&str; 5] = ["etag", "location", "idempotency-replayed", "retry-after", "www-authenticate"];

struct Described {
    components: Value,
    operations: Vec<Operation>,
    /// By operation, status and media type.
    validators: Mutex<HashMap<(usize, u16, String), Arc<Validator>>>,
}

/// Holds an answer to what is told of the operation, if there is one at this path.
pub fn hold(method: &Method, path: &str, answer: &Answer) {
    DESCRIBED.hold(method, path.split('?').next().unwrap_or_default(), answer);
}

impl Described {
    fn new() -> Self {
        Self { components: description()["components"].clone(), operations: operations(), validators: Mutex::default() }
    }

    fn hold(&self, method: &Method, path: &str, answer: &Answer) {
        let fitting = self.operations.iter().enumerate().filter(|(_, operation)| operation.method == *method);
        // `/bookings/lookup` is a path of its own and fits `/bookings/{id}` too.
        let Some((at, operation)) = fitting
            .filter_map(|found| Some((literal(&found.1.path, path)?, found)))
            .max_by_key(|(many, _)| *many)
            .map(|(_, found)| found)
        else {
            return;
        };
        let status = answer.status;
        // A test that breaks the database gets it from anywhere, and nobody is to reckon with it.
        if status == 500 {
            return;
        }
        let name = operation.name();
        let told = &operation.description["responses"][status.to_string()];
        assert!(told.is_object(), "{name}: {status} is not in openapi.yaml: {}", answer.text);
        let media = answer.header("content-type").unwrap_or_default();
        assert_eq!(told["content"].is_object(), !answer.text.is_empty(), "{name}: {status}: {}", answer.text);
        if !answer.text.is_empty() {
            let schema = &told["content"][media]["schema"];
            assert!(schema.is_object(), "{name}: {status} is not told to be {media}: {}", answer.text);
            let body = answer.json();
            let validator = self.validator((at, status, media.to_owned()), schema);
            let faults: Vec<String> =
                validator.iter_errors(&body).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
            assert!(faults.is_empty(), "{name}: {status} is not as openapi.yaml tells: {faults:#?}\n{body}");
        }
        hold_headers(&name, told, answer);
    }

    fn validator(&self, key: (usize, u16, String), schema: &Value) -> Arc<Validator> {
        let mut known = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        let made = known.entry(key).or_insert_with(|| {
            let whole = json!({ "allOf": [schema], "components": self.components });
            Arc::new(jsonschema::draft202012::new(&whole).expect("a schema"))
        });
        made.clone()
    }
}

/// How many parts of a path a template has word by word; none: it does not fit.
fn literal(template: &str, path: &str) -> Option<usize> {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    let fits = template.len() == path.len()
        && template.iter().zip(&path).all(|(known, part)| known == part || known.starts_with('{') && !part.is_empty());
    fits.then(|| template.iter().zip(&path).filter(|(known, part)| known == part).count())
}

fn hold_headers(name: &str, told: &Value, answer: &Answer) {
    let headers = told["headers"].as_object();
    let is_told = |header: &str| headers.is_some_and(|all| all.keys().any(|known| known.eq_ignore_ascii_case(header)));
    let status = answer.status;
    assert!(answer.header("x-request-id").is_some() && is_told("x-request-id"), "{name}: {status}: X-Request-Id");
    let is_replayed = answer.header("idempotency-replayed").is_some();
    for header in TOLD {
        let needed = match header {
            "etag" => status < 300 && !is_replayed,
            "location" => true,
            // Only of some of these.
            "retry-after" => status != 409,
            "idempotency-replayed" => false,
            _ => !is_replayed,
        };
        let has = answer.header(header).is_some();
        assert!(is_told(header) || !has, "{name}: {status} has {header}, and openapi.yaml does not tell");
        assert!(has || !needed || !is_told(header), "{name}: {status} has no {header}, and openapi.yaml tells one");
    }
    if let Some(tag) = answer.header("etag") {
        assert_eq!(tag, format!("\"{}\"", answer.json()["version"]), "{name}: {status}");
    }
}
