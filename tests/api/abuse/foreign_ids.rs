//! Ids of somebody else: they are as ids of nothing.

use serde_json::Value;

use super::world::World;
use crate::support::operations::{Operation, operations};
use crate::support::{Answer, Guest};

/// What a caller can tell one refusal from another by.
fn told(answer: &Answer) -> (u16, Vec<String>, Value) {
    let mut problem = answer.json();
    problem.as_object_mut().expect("a problem document").remove("request_id");
    let mut headers: Vec<_> = answer.headers.keys().map(|name| name.as_str().to_owned()).collect();
    // Whether it stays open depends on how much of the body had arrived.
    headers.retain(|name| name != "connection");
    headers.sort_unstable();
    (answer.status, headers, problem)
}

/// The path where the sites of `mask` hold what `choose` makes, and all others the caller's own.
fn masked(world: &World, operation: &Operation, mask: u32, choose: impl Fn(&str) -> String) -> String {
    let sites = world.owned_sites(operation);
    World::path(operation, |site| match sites.iter().position(|known| known == site) {
        Some(at) if mask >> at & 1 == 1 => choose(site),
        _ => world.own.at(site),
    })
}

/// Whether `caller` finds nothing. They may also be told that this is not for them, whatever the id.
async fn finds_nothing(world: &World, operation: &Operation, (who, caller): (&str, &Guest), mask: u32) -> bool {
    let foreign = masked(world, operation, mask, |site| world.other.at(site));
    let nothing = masked(world, operation, mask, |_| uuid::Uuid::now_v7().to_string());
    let (foreign, nothing) =
        (world.call(operation, &foreign, caller).await, world.call(operation, &nothing, caller).await);
    let name = operation.name();
    assert!([403, 404].contains(&foreign.status), "{name} as {who}, {mask:b}: {} {}", foreign.status, foreign.text);
    assert_eq!(told(&foreign), told(&nothing), "{name} as {who}, {mask:b}: it shows that the id is somebody's");
    foreign.status == 404
}

async fn an_id_of_somebody_else_is_as_one_of_nothing(world: &World) {
    let (mut attacked, mut tries, mut closed) = (0, 0, Vec::new());
    for operation in operations().iter().filter(|operation| operation.is_guarded()) {
        let owned = world.owned_sites(operation);
        if owned.is_empty() {
            continue;
        }
        let before = world.rows();
        let all = (1_u32 << owned.len()) - 1;
        let mut found_nothing = false;
        for mask in 1..=all {
            // An admin may reach the other hotel, but not through this one.
            let admin = (mask != all).then_some(("admin", &world.admin));
            for caller in [("guest", &world.own.guest), ("manager", &world.manager)].into_iter().chain(admin) {
                found_nothing |= finds_nothing(world, operation, caller, mask).await;
                tries += 1;
            }
        }
        if !found_nothing {
            closed.push(operation.name());
        }
        assert_eq!(world.rows(), before, "{}: a refusal changes nothing", operation.name());
        attacked += 1;
    }
    eprintln!("foreign ids: {attacked} operations, {tries} attacks; closed to all but admins: {closed:?}");
    assert!(attacked > 20, "{attacked}");
    assert!(closed.iter().all(|name| name.contains("/members")), "{closed:?}");
    world.app.verified();
}

async fn what_nobody_owns_tells_nobody_who_is_known(world: &World) {
    let mut attacked = 0;
    for operation in operations().iter().filter(|operation| operation.is_guarded() && operation.path.contains('{')) {
        if !world.owned_sites(operation).is_empty() {
            continue;
        }
        let nothing = World::path(operation, |_| uuid::Uuid::now_v7().to_string());
        for caller in [&world.own.guest, &world.manager, &Guest::stranger(&world.app)] {
            let known = world.call(operation, &world.own_path(operation), caller).await;
            let unknown = world.call(operation, &nothing, caller).await;
            assert!(known.status == 200 || told(&known) == told(&unknown), "{}: {}", operation.name(), known.text);
            assert!([401, 403, 404].contains(&unknown.status), "{}: {}", operation.name(), unknown.text);
            attacked += 1;
        }
    }
    eprintln!("ids that nobody owns: {attacked} attacks");
    assert!(attacked > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_others_open_and_tell_nothing() {
    let world = World::new().await;
    an_id_of_somebody_else_is_as_one_of_nothing(&world).await;
    what_nobody_owns_tells_nobody_who_is_known(&world).await;
}
