//! Mass assignment: members that a body does not have are refused by name, wherever in it they stand.

use serde_json::{Value, json};

use super::bodies::{Kind, Place, with_body};
use super::world::World;
use crate::support::operations::{Operation, operations};

/// What an attacker would like to set.
fn wishes(world: &World) -> Vec<(&'static str, Value)> {
    vec![
        ("role", json!("admin")),
        ("roles", json!(["admin"])),
        ("hotel_id", json!(world.other.made.hotel_id)),
        ("user_id", json!(uuid::Uuid::now_v7())),
        ("price", json!({ "amount": 1, "currency": "EUR" })),
        ("status", json!("confirmed")),
        ("version", json!(7)),
        ("created_at", json!("2020-01-01T00:00:00Z")),
        ("deleted_at", json!(null)),
        ("permissions", json!(["users:write"])),
        ("is_admin", json!(true)),
    ]
}

/// Refused by name at one place of a body; how many were tried.
async fn attack(world: &World, operation: &Operation, body: &Value, place: &Place) -> usize {
    let known: &[String] = match &place.kind {
        Kind::Object(known) => known,
        Kind::Choice => &[],
        _ => return 0,
    };
    let mut tries = 0;
    for (wish, value) in wishes(world).into_iter().filter(|(wish, _)| !known.iter().any(|known| known == wish)) {
        let mut body = body.clone();
        body.pointer_mut(&place.pointer).expect("an object")[wish] = value;
        let path = world.own_path(operation);
        let answer = world.send(operation, &path, &world.admin, Some(body.to_string().into_bytes())).await;
        assert_eq!(answer.status, 422, "{} with {body}: {}", operation.name(), answer.text);
        let error = &answer.problem(422, "invalid")["errors"][0];
        // A choice of one member is refused as a whole if there are two.
        let (field, code) = match place.kind {
            Kind::Choice => (place.field.clone(), "invalid"),
            _ if place.field.is_empty() => (wish.to_owned(), "unknown_field"),
            _ => (format!("{}.{wish}", place.field), "unknown_field"),
        };
        assert_eq!((&error["field"], &error["code"]), (&json!(field), &json!(code)), "{}: {body}", operation.name());
        tries += 1;
    }
    tries
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_a_body_does_not_have_is_refused_by_name() {
    let world = World::new().await;
    let (mut attacked, mut tries, mut open) = (0, 0, Vec::new());
    let before = world.rows();
    for operation in with_body(operations()) {
        if !world.bodies.is_closed(&operation) {
            open.push(operation.path);
            continue;
        }
        let body = world.bodies.whole(&operation);
        for place in world.bodies.places(&operation, &body) {
            tries += attack(&world, &operation, &body, &place).await;
        }
        attacked += 1;
    }
    assert_eq!(world.rows(), before, "a refusal changes nothing");
    eprintln!("extra members: {attacked} operations, {tries} attacks");
    // Providers add fields to what they send, and sign it.
    assert_eq!(open, ["/api/v1/payments/webhooks/{provider}"]);
    assert!(attacked > 20 && tries > 300, "{attacked} {tries}");
}
