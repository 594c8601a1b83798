//! Characters that mean something to SQL, to patterns or to shells: here they mean themselves.

use reqwest::Method;
use serde_json::{Value, json};

use super::bodies::{name, parameters, reading};
use super::world::World;
use crate::support::operations::{Operation, operations};
use crate::support::{Answer, Guest};

const META: &[&str] = &[
    "'",
    "\"",
    "';--",
    "\\",
    "%",
    "_",
    "$1",
    "{}",
    "' OR '1'='1",
    "1;SELECT pg_sleep(9)",
    "\u{2019}",
    "\u{ff07}",
    "*",
    "(",
    "\u{202e}",
];

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The operation's query, where one parameter is another.
fn with(world: &World, operation: &Operation, parameter: &str, value: &str) -> String {
    let query = world.bodies.query(operation);
    let others = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with(&format!("{parameter}=")));
    let pairs: Vec<_> = others.map(str::to_owned).chain([format!("{parameter}={}", encoded(value))]).collect();
    format!("/{}?{}", world.own_path(operation), pairs.join("&"))
}

/// What was asked for was not there, or was refused, and named.
fn assert_literal(answer: &Answer, name: &str, parameter: &str) {
    match answer.status {
        200 => assert_eq!(answer.json()["data"], json!([]), "{name}: results are widened"),
        400 => assert_eq!((parameter, &answer.json()["code"]), ("cursor", &json!("cursor_invalid")), "{name}"),
        _ => assert_eq!((answer.status, &answer.json()["code"]), (422, &json!("invalid")), "{name}: {}", answer.text),
    }
}

async fn a_querys_characters_mean_themselves(world: &World) {
    let (mut attacked, mut tries) = (0, 0);
    for operation in reading(operations()).iter().filter(|operation| parameters(operation).next().is_some()) {
        let name_of = |query: &str| format!("{} {query}", operation.name());
        for parameter in parameters(operation).map(name) {
            for value in META {
                let query = with(world, operation, parameter, value);
                assert_literal(&world.admin.get(&query).await, &name_of(&query), parameter);
                tries += 1;
            }
            let query = with(world, operation, parameter, "\0");
            world.admin.get(&query).await.invalid(parameter);
            let twice = format!("{}&{parameter}=1", with(world, operation, parameter, "1"));
            assert_eq!(world.admin.get(&twice).await.status, 422, "{twice}");
            for bytes in ["%FF", "%C0%80", "%zz", "%"] {
                let query = with(world, operation, parameter, "")
                    .replace(&format!("{parameter}="), &format!("{parameter}={bytes}"));
                assert_literal(&world.admin.get(&query).await, &name_of(&query), parameter);
            }
            tries += 6;
        }
        for unknown in META {
            let query = with(world, operation, &encoded(unknown), "1");
            let problem = world.admin.get(&query).await.problem(422, "invalid");
            assert_eq!(problem["errors"][0]["code"], "unknown_field", "{query}: {problem}");
            tries += 1;
        }
        attacked += 1;
    }
    eprintln!("metacharacters in queries: {attacked} operations, {tries} attacks");
    assert!(attacked > 10 && tries > 600, "{attacked} {tries}");
    world.app.verified();
}

/// Hotels that a search finds.
async fn found(world: &World, filter: &str) -> usize {
    let stay = world.own.made.stay(&world.app, 40, 41);
    let answer = world.admin.get(&format!("/search?{stay}&{filter}")).await.ok(200);
    answer["data"].as_array().map(Vec::len).unwrap_or_default()
}

async fn no_filter_is_a_pattern(world: &World) {
    let words = json!({ "amenities": ["wifi", "sauna"] });
    world.admin.patch(&world.own.made.path(""), "*", words).await.ok(200);
    assert_eq!(found(world, "city=Paris&country=FR").await, 2);
    assert_eq!(found(world, "city=Paris&country=FR&amenities=wifi,sauna").await, 1);
    for city in ["P%", "P_ris", "Par%", "_____", "%", "Paris' OR '1'='1", "[P]aris", "Paris|Rome", ".*"] {
        assert_eq!(found(world, &format!("city={}&country=FR", encoded(city))).await, 0, "{city}");
    }
    for word in ["wif_", "w%", "%", "wifi}", "{wifi", "\"wifi\"", "wifi','x", "wifi|sauna", "NULL"] {
        let filter = format!("city=Paris&country=FR&amenities={}", encoded(word));
        assert_eq!(found(world, &filter).await, 0, "{word}");
    }
}

async fn a_path_and_a_header_mean_themselves(world: &World) {
    let mut tries = 0;
    let names =
        ["user-agent", "x-request-id", "traceparent", "x-forwarded-for", "accept-language", "referer", "cookie"];
    for operation in reading(operations()) {
        let plain = world.call(&operation, &world.own_path(&operation), &world.admin).await;
        for value in META {
            if operation.path.contains('{') {
                let path = World::path(&operation, |_| encoded(value).replace('+', "%20"));
                let answer = world.call(&operation, &path, &world.admin).await;
                assert_eq!(answer.status, 404, "{path}: {}", answer.text);
            }
            let headers = names.map(|name| (name, *value));
            let path = format!("/{}?{}", world.own_path(&operation), world.bodies.query(&operation));
            let answer = world.admin.send(Method::GET, &path, &headers, None).await;
            assert_eq!(answer.status, plain.status, "{path} with {value}: {}", answer.text);
            tries += 2;
        }
    }
    eprintln!("metacharacters in paths and headers: {tries} attacks");
}

async fn what_is_kept_of_a_header_is_kept_as_it_was(world: &World) {
    let (stranger, guest) = (Guest::stranger(&world.app), &world.own.guest);
    let agent = "x'); DROP TABLE sessions; -- %_\\\"$1{}";
    let headers = [("content-type", "application/json"), ("user-agent", agent)];
    let body = json!({ "email": guest.email, "password": crate::support::actors::PASSWORD }).to_string();
    stranger.send(Method::POST, "/auth/login", &headers, Some(body.into_bytes())).await.ok(200);
    let sessions = guest.get("/auth/sessions").await.ok(200);
    let agents: Vec<&Value> =
        sessions["data"].as_array().expect("sessions").iter().map(|one| &one["user_agent"]).collect();
    assert!(agents.contains(&&json!(agent)), "{agents:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn characters_mean_themselves() {
    let world = World::new().await;
    a_querys_characters_mean_themselves(&world).await;
    no_filter_is_a_pattern(&world).await;
    a_path_and_a_header_mean_themselves(&world).await;
    what_is_kept_of_a_header_is_kept_as_it_was(&world).await;
}
