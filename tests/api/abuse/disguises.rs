//! Methods and paths in disguise: they lead nowhere that the plain ones do not lead.

use std::collections::BTreeSet;

use super::wire::{exchange, head};
use super::world::World;
use crate::support::operations::{METHODS, Operation, operations};
use crate::support::{Answer, Guest};

/// Refused before anything is done, wherever it leads: no operation knows this.
const GARBAGE: &str = "{\"garbage\":true}";

fn told(answer: &Answer) -> (u16, String) {
    let problem: serde_json::Value = serde_json::from_str(&answer.text).unwrap_or_default();
    (answer.status, problem["code"].as_str().unwrap_or_default().to_owned())
}

async fn a_method_is_the_one_that_the_request_line_says(world: &World) {
    let documented = operations();
    let paths: BTreeSet<_> = documented.iter().map(|operation| operation.path.as_str()).collect();
    let stranger = Guest::stranger(&world.app);
    let (mut tries, before) = (0, world.rows());
    for path in paths {
        let known: Vec<_> = documented.iter().filter(|operation| operation.path == path).collect();
        let path = world.own_path(known[0]);
        for method in METHODS {
            let others = known.iter().map(|operation| &operation.method).filter(|other| **other != method);
            for caller in [&stranger, &world.admin] {
                let send = async |query: &str, wish: Option<&str>| {
                    let mut headers = vec![("content-type", "application/json"), ("if-match", "*")];
                    for name in ["x-http-method-override", "x-method-override", "x-http-method"] {
                        headers.extend(wish.map(|wish| (name, wish)));
                    }
                    let path = format!("/{path}?{query}");
                    let body = (method != reqwest::Method::GET).then(|| GARBAGE.as_bytes().to_vec());
                    told(&caller.send(method.clone(), &path, &headers, body).await)
                };
                let plain = send("garbage=1", None).await;
                for other in others.clone().map(reqwest::Method::as_str) {
                    let said = send("garbage=1", Some(other)).await;
                    assert_eq!(said, plain, "{method} {path} as {other}");
                    tries += 1;
                }
                assert_eq!(send("_method=DELETE", None).await, plain, "{method} {path}");
                assert!(plain.0 < 500, "{method} {path}: {plain:?}");
                tries += 1;
            }
        }
    }
    assert_eq!(world.rows(), before, "nothing was done");
    eprintln!("overridden methods: {tries} attacks");
}

/// The path as attackers write it, hoping that who guards and who routes read it differently.
fn disguised(path: &str) -> Vec<String> {
    let (head, last) = path.rsplit_once('/').expect("a path");
    vec![
        format!("{head}/x/../{last}"),
        format!("{head}/./{last}"),
        format!("{head}/x/%2e%2e/{last}"),
        format!("{head}/%2E/{last}"),
        format!("{head}/%252e%252e/{last}"),
        format!("{head}%2F{last}"),
        format!("{head}%252f{last}"),
        format!("{head}%5c{last}"),
        format!("{head}\\{last}"),
        format!("{head}//{last}"),
        format!("/{path}"),
        format!("//lastroom.test{path}"),
        format!("{path}/"),
        format!("{path}/."),
        format!("{path};x=1"),
        format!("{path}%00"),
        format!("{path}%20"),
        format!("{path}%0d%0aX-A:%20b"),
        format!("{path}%c0%af"),
        format!("{path}%zz"),
        format!("{path}.json"),
        path.to_uppercase(),
        path.replacen("/api/v1/", "/%61pi/v1/", 1),
        path.replacen("/api/v1/", "/api%2fv1/", 1),
        path.replacen("/api/v1/", "/healthz/../api/v1/", 1),
        format!("http://elsewhere.test{path}"),
    ]
}

fn ask(world: &World, operation: &Operation, target: &str, caller: &Guest) -> (Option<u16>, String) {
    let mut lines = vec!["Connection: close".to_owned(), "If-Match: *".to_owned()];
    lines.extend(caller.token.as_ref().map(|token| format!("Authorization: Bearer {token}")));
    lines.push("Content-Type: application/json".to_owned());
    lines.push(format!("Content-Length: {}", GARBAGE.len()));
    let head = head(operation.method.as_str(), &format!("{target}?garbage=1"), &lines);
    let reply = exchange(world.app.address, format!("{head}\r\n{GARBAGE}").as_bytes());
    (reply.status(), reply.code())
}

fn a_path_in_disguise_is_the_plain_one_or_nothing(world: &World) {
    let stranger = Guest::stranger(&world.app);
    let (mut tries, before) = (0, world.rows());
    let mut seen = BTreeSet::new();
    for operation in operations().into_iter().filter(|operation| operation.path.starts_with("/api/v1")) {
        let path = world.own_path(&operation);
        for (who, caller) in [("nobody", &stranger), ("an admin", &world.admin)] {
            let plain = ask(world, &operation, &path, caller);
            for target in disguised(&path) {
                let said = ask(world, &operation, &target, caller);
                let nothing = said.0.is_none() || matches!(said.0, Some(400 | 404 | 405));
                assert!(said == plain || nothing, "{} {target} as {who}: {said:?}, not {plain:?}", operation.method);
                seen.insert(said);
                tries += 1;
            }
        }
    }
    assert_eq!(world.rows(), before, "nothing was done");
    eprintln!("disguised paths: {tries} attacks, answered {seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disguise_leads_nowhere_else() {
    let world = World::new().await;
    a_method_is_the_one_that_the_request_line_says(&world).await;
    a_path_in_disguise_is_the_plain_one_or_nothing(&world);
}
