//! The published contract: what the code does, what it says of itself, and what is committed are one.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use syn::visit::Visit;

use crate::layers::sources;
use crate::support::operations::{METHODS, Operation, description, nowhere, operations};
use crate::support::{Answer, Guest, TestApp, described};

/// Of `/api/v1`, what a caller without a token may do.
const OPEN: &[&str] = &["/auth/register", "/auth/login", "/auth/refresh", "/auth/logout"];

#[test]
fn the_committed_description_is_what_the_code_describes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.yaml");
    let committed = fs::read_to_string(path).unwrap_or_default();
    let described = lastroom::app::description().to_yaml().expect("YAML");
    let first = committed.lines().zip(described.lines()).position(|(a, b)| a != b).map_or(0, |line| line + 1);
    assert!(
        committed == described,
        "openapi.yaml is out of date (line {first}): run `cargo run -- openapi > openapi.yaml` and review the diff"
    );
}

#[test]
fn the_description_is_openapi_3_1_and_whole() {
    let api = description();
    assert!(api["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")), "{}", api["openapi"]);
    let mut references = Vec::new();
    collect_references(&api, &mut references);
    for reference in references {
        let pointer = reference.trim_start_matches('#');
        assert!(api.pointer(pointer).is_some(), "{reference} leads nowhere: register the schema");
    }
    let mut ids = HashSet::new();
    for operation in operations() {
        let id = operation.description["operationId"].as_str().unwrap_or_default().to_owned();
        assert!(!id.is_empty() && ids.insert(id.clone()), "{}: operationId {id:?} is to be unique", operation.name());
        assert!(operation.description["summary"].is_string(), "{} has no summary", operation.name());
        assert!(operation.description["tags"][0].is_string(), "{} has no tag", operation.name());
    }
}

/// utoipa keeps one of two schemas of the same name, without a word.
#[test]
fn no_two_types_have_a_schema_of_the_same_name() {
    let mut names = Names::default();
    for (_, text) in sources() {
        names.visit_file(&syn::parse_file(&text).expect("Rust"));
    }
    let api = description();
    let schemas = api["components"]["schemas"].as_object().expect("schemas");
    names.0.retain(|name| schemas.contains_key(name));
    names.0.sort_unstable();
    assert!(names.0.len() > 90, "only {} types are seen: {:?}", names.0.len(), names.0);
    let twice: Vec<_> = names.0.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| &pair[0]).collect();
    assert!(twice.is_empty(), "name one of each another way, or #[schema(as = …)]: {twice:?}");
}

/// The names of schemas: of the types that derive one, and of those that macros make.
#[derive(Default)]
struct Names(Vec<String>);

impl Names {
    fn note(&mut self, name: &syn::Ident, attributes: &[syn::Attribute]) {
        let lists = attributes.iter().filter_map(|attribute| attribute.meta.require_list().ok());
        let lists: Vec<_> = lists.map(|list| (list.path.clone(), list.tokens.to_string())).collect();
        let of = |path: &'static str| lists.iter().filter(move |(of, _)| of.is_ident(path)).map(|(_, tokens)| tokens);
        if of("derive").any(|tokens| tokens.contains("ToSchema")) {
            let other = of("schema").find_map(|tokens| tokens.strip_prefix("as = ").map(str::to_owned));
            self.0.push(other.unwrap_or_else(|| name.to_string()));
        }
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.note(&item.ident, &item.attrs);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.note(&item.ident, &item.attrs);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let words = call.tokens.clone().into_iter().map(|token| token.to_string());
        let words = words.filter(|word| word.chars().all(|c| c.is_alphanumeric() || c == '_'));
        let words = words.filter(|word| word.starts_with(char::is_uppercase));
        let name = call.path.segments.last().map(|name| name.ident.to_string());
        // What the words of a text_enum are stands in braces, and is no token of its own.
        if matches!(name.as_deref(), Some("text_enum" | "ids")) {
            self.0.extend(words);
        }
    }
}

fn collect_references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| match value {
            Value::String(reference) if name == "$ref" => found.push(reference.clone()),
            value => collect_references(value, found),
        }),
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, found)),
        _ => {}
    }
}

/// Every actor holds every answer to the description. This shows that it would be noticed.
#[test]
fn an_answer_that_is_not_as_described_fails_its_test() {
    let id = "019a0000-0000-7000-8000-000000000000";
    let body = json!({ "payment_id": id, "hold_id": id, "status": "authorized", "version": 3,
        "amount": { "amount": 1, "currency": "EUR" }, "captured": { "amount": 0, "currency": "EUR" },
        "refunded": { "amount": 0, "currency": "EUR" }, "hold_expires_at": "2027-01-01T00:00:00Z",
        "created_at": "2027-01-01T00:00:00Z" });
    let fails = |status: u16, body: &Value, headers: &[(&'static str, &'static str)]| {
        let headers =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let answer = Answer { status, headers: headers.collect(), text: body.to_string() };
        std::panic::catch_unwind(|| described::hold(&Method::GET, &format!("/api/v1/payments/{id}"), &answer)).is_err()
    };
    let json = ("content-type", "application/json");
    let (id, tag) = (("x-request-id", "one"), ("etag", "\"3\""));
    assert!(!fails(200, &body, &[json, id, tag]));
    assert!(fails(201, &body, &[json, id, tag]), "a status");
    assert!(fails(200, &body, &[("content-type", "text/plain"), id, tag]), "a media type");
    assert!(fails(200, &body, &[json, tag]), "no id");
    assert!(fails(200, &body, &[json, id]), "no tag");
    assert!(fails(200, &body, &[json, id, ("etag", "\"4\"")]), "another version's tag");
    assert!(fails(200, &body, &[json, id, tag, ("location", "/")]), "a header that is not told");
    for (member, value) in
        [("status", json!("paid")), ("version", json!("3")), ("amount", json!(1)), ("next_action", json!(1))]
    {
        let mut wrong = body.clone();
        wrong[member] = value;
        assert!(fails(200, &wrong, &[json, id, tag]), "{member}");
    }
}

/// The statuses that the operation is documented to answer with.
fn statuses(operation: &Operation) -> Vec<u16> {
    let responses = operation.description["responses"].as_object().expect("responses");
    for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
        let told = response["content"]["application/problem+json"].is_object();
        assert!(told || operation.path == "/readyz", "{}: {status} is no problem document", operation.name());
    }
    responses.keys().filter_map(|status| status.parse().ok()).collect()
}

fn has_header(operation: &Operation, name: &str) -> bool {
    let parameters = operation.description["parameters"].as_array();
    parameters
        .is_some_and(|all| all.iter().any(|one| one["name"].as_str().is_some_and(|n| n.eq_ignore_ascii_case(name))))
}

#[test]
fn every_operation_documents_its_answers() {
    let mut missing = Vec::new();
    for operation in operations() {
        let documented = statuses(&operation);
        let mut expect = |needed: bool, status: u16, why: &str| {
            if needed && !documented.contains(&status) {
                missing.push(format!("{}: {status} ({why})", operation.name()));
            }
        };
        expect(!documented.iter().any(|status| (200..300).contains(status)), 200, "some success");
        expect(operation.is_guarded(), 401, "needs a token");
        expect(operation.takes_body(), 422, "takes a body");
        expect(operation.path.contains('{') && operation.is_guarded(), 404, "names one thing");
        expect(has_header(&operation, "if-match"), 412, "takes a version");
        expect(has_header(&operation, "if-match"), 428, "takes a version");
        expect(has_header(&operation, "idempotency-key"), 400, "takes an idempotency key");
        let is_kept = !operation.path.starts_with("/api/v1/auth/") && !operation.path.ends_with("/lookup");
        expect(is_kept && has_header(&operation, "idempotency-key"), 409, "takes an idempotency key");
    }
    assert!(missing.is_empty(), "undocumented answers; add them to #[utoipa::path]:\n{}", missing.join("\n"));
}

#[test]
fn every_operation_needs_a_token_except_signing_in() {
    for operation in operations() {
        let Some(path) = operation.path.strip_prefix("/api/v1") else {
            assert!(!operation.is_guarded(), "{} is outside of /api/v1 and open", operation.name());
            continue;
        };
        let open = OPEN.contains(&path) || path.starts_with("/payments/webhooks/");
        assert_eq!(operation.is_guarded(), !open, "{}: security((\"bearer\" = []))", operation.name());
    }
}

/// Whether `template` takes what `path` takes: `/bookings/{id}` takes `/bookings/lookup`.
fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    let same = |(known, part): (&&str, &&str)| known == part || known.starts_with('{');
    template.len() == path.len() && template.iter().zip(&path).all(same)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_path_answers_and_every_other_method_is_405() {
    let app = TestApp::start().await;
    let stranger = Guest::stranger(&app);
    let documented = operations();
    for operation in &documented {
        let answer = operation.call_with_garbage(&stranger).await;
        assert!(![404, 405].contains(&answer.status), "{} is documented but not routed", operation.name());
    }
    let paths: HashSet<_> = documented.iter().map(|operation| operation.path.as_str()).collect();
    for path in paths {
        let fitting = documented.iter().filter(|other| fits(&other.path, path));
        let own: HashSet<&str> = fitting.map(|other| other.method.as_str()).collect();
        for method in METHODS.iter().filter(|method| !own.contains(method.as_str())) {
            let answer = stranger.send(method.clone(), &nowhere(path), &[], None).await;
            answer.problem(405, "method_not_allowed");
            let allow: HashSet<_> = answer.header("allow").unwrap_or_default().split(", ").collect();
            assert_eq!(allow, own, "Allow of {method} {path}");
        }
    }
    for path in ["//openapi.yaml", "//docs"] {
        let answer = stranger.send(Method::DELETE, path, &[], None).await;
        answer.problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some("GET"), "{path}");
    }
    stranger.get("/no-such-thing").await.problem(404, "not_found");
    stranger.get("//no-such-thing").await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_is_served_as_committed() {
    let app = TestApp::start().await;
    let answer = Guest::stranger(&app).get("//openapi.yaml").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/yaml"));
    assert!(answer.text == lastroom::app::description().to_yaml().expect("YAML"), "served and described differ");
    let parsed: serde_yaml_ng::Value = serde_yaml_ng::from_str(&answer.text).expect("YAML");
    assert_eq!(parsed["info"]["title"].as_str(), Some("Lastroom"));
}

/// The values of `src` and `href`.
fn links(html: &str) -> Vec<&str> {
    let after = |attribute: &'static str| html.split(attribute).skip(1).filter_map(|rest| rest.split('"').next());
    after("src=\"").chain(after("href=\"")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_of_the_api_loads_without_any_other_host() {
    let app = TestApp::start().await;
    let stranger = Guest::stranger(&app);
    let page = stranger.get("//docs/").await;
    assert_eq!(page.status, 200, "{}", page.text);
    let links = links(&page.text);
    assert!(links.len() > 3, "scripts and styles: {links:?}");
    for link in links {
        assert!(!link.contains("//"), "{link} is on another host: vendor it");
        let part = stranger.get(&format!("//docs/{}", link.trim_start_matches("./"))).await;
        assert_eq!(part.status, 200, "{link}");
    }
    let start = stranger.get("//docs/swagger-initializer.js").await.text;
    assert!(start.contains("/openapi.yaml"), "the browser is to show our description: {start}");
    let bare = stranger.send(Method::GET, "//docs", &[], None).await;
    assert_eq!(bare.status, 200, "/docs leads to /docs/");
}
