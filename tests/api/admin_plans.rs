//! Rate plans and taxes.

use serde_json::{Value, json};

use crate::support::staff::{new_derived_plan, new_plan, new_room_type, text};
use crate::support::{Guest, Made, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_shown_as_it_was_given_and_in_one_order() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let made = Made::by(&admin).await;
    let whole = json!({
        "name": "Non-flex", "meal_plan": "half_board", "payment_policy": "pay_at_property",
        "cancellation": [
            { "until_hours_before_check_in": 24, "penalty": { "nights": 1 } },
            { "until_hours_before_check_in": 72, "penalty": { "percent": 12.5 } },
            { "until_hours_before_check_in": 0, "penalty": { "amount": 5000 } },
        ],
        "room_type_ids": [made.room_type["room_type_id"]],
        "min_stay": 2, "max_stay": 14, "min_advance_days": 0, "max_advance_days": 365,
        "child_bands": [{ "max_age": 11, "amount": 2500 }, { "max_age": 2, "amount": 0 }],
    });
    let answer = admin.post(&made.path("rate-plans"), whole.clone()).await;
    let plan = answer.ok(201);
    let path = made.path(&format!("rate-plans/{}", text(&plan["rate_plan_id"])));
    assert_eq!(answer.header("location").map(str::to_owned), Some(format!("/api/v1{path}")));
    for field in ["name", "meal_plan", "payment_policy", "room_type_ids", "min_stay", "max_stay", "max_advance_days"] {
        assert_eq!(plan[field], whole[field], "{field}");
    }
    let hours: Vec<_> =
        (0..3).map(|at| plan["cancellation"][at]["until_hours_before_check_in"].as_i64().expect("hours")).collect();
    assert_eq!(hours, [72, 24, 0]);
    assert_eq!(plan["cancellation"][0]["penalty"], json!({ "percent": 12.5 }));
    assert_eq!(plan["child_bands"][0], json!({ "max_age": 2, "amount": 0 }));
    assert_eq!(plan["derived_from"], json!(null));
    assert_eq!(admin.get(&path).await.ok(200), plan, "what is stored is what was answered");
    // The same again, in another order, is no change.
    let same = json!({ "cancellation": whole["cancellation"], "child_bands": whole["child_bands"] });
    assert_eq!(admin.patch(&path, "\"1\"", same).await.ok(200), plan);
    let patch = json!({ "cancellation": [], "child_bands": [], "min_stay": null, "max_stay": 3 });
    let changed = admin.patch(&path, "\"1\"", patch).await.ok(200);
    assert_eq!(
        (&changed["cancellation"], &changed["min_stay"], &changed["version"]),
        (&json!([]), &json!(null), &json!(2))
    );
    assert_eq!(admin.get(&path).await.ok(200), changed);
    let list = admin.get(&made.path("rate-plans?limit=1")).await.ok(200);
    assert_eq!(list["data"], json!([made.plan]));
    let next = text(&list["next_cursor"]).to_owned();
    assert_eq!(
        admin.get(&made.path(&format!("rate-plans?limit=1&cursor={next}"))).await.ok(200)["data"],
        json!([changed])
    );
}

/// A plan derived from another, or the refusal.
async fn derive(admin: &Guest, made: &Made, base: &Value) -> crate::support::Answer {
    let body = new_derived_plan(base, 10.0, &[&made.room_type["room_type_id"]]);
    admin.post(&made.path("rate-plans"), body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_derive_from_base_plans_in_no_chain_and_no_circle() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let (made, other) = (Made::by(&admin).await, Made::by(&admin).await);
    let derived = derive(&admin, &made, &made.plan["rate_plan_id"]).await.ok(201);
    assert_eq!(derived["derived_from"], json!({ "rate_plan_id": made.plan["rate_plan_id"], "percent": 10 }));
    let path = made.path(&format!("rate-plans/{}", text(&derived["rate_plan_id"])));
    let from = |plan: &Value| json!({ "derived_from": { "rate_plan_id": plan["rate_plan_id"], "amount": -500 } });
    let field = "derived_from.rate_plan_id";
    derive(&admin, &made, &derived["rate_plan_id"]).await.invalid(field);
    derive(&admin, &made, &other.plan["rate_plan_id"]).await.invalid(field);
    derive(&admin, &made, &json!(uuid::Uuid::now_v7())).await.invalid(field);
    // The circle: the base plan from the one that derives from it; and each from itself.
    admin.patch(&made.plan_path(), "\"1\"", from(&derived)).await.invalid(field);
    admin.patch(&path, "\"1\"", from(&derived)).await.invalid(field);
    admin.patch(&made.plan_path(), "\"1\"", from(&made.plan)).await.invalid("derived_from");
    // A base plan stays one, and so does a derived one.
    let second = admin.post(&made.path("rate-plans"), new_plan(&[&made.room_type["room_type_id"]])).await.ok(201);
    admin.patch(&made.plan_path(), "\"1\"", from(&second)).await.invalid("derived_from");
    admin.patch(&path, "\"1\"", json!({ "derived_from": null })).await.invalid("derived_from");
    // Another base plan and another way are fine.
    let moved = admin.patch(&path, "\"1\"", from(&second)).await.ok(200);
    assert_eq!(moved["derived_from"], from(&second)["derived_from"]);
    assert_eq!(app.number("SELECT count(*) FROM rate_plans WHERE version > 1"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_type_comes_back_to_no_derived_plan_whose_base_plan_does_not_sell_it() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let made = Made::by(&admin).await;
    let suites = admin.post(&made.path("room-types"), new_room_type(1)).await.ok(201);
    let (doubles, suites) = (&made.room_type["room_type_id"], &suites["room_type_id"]);
    let other = admin.post(&made.path("rate-plans"), new_plan(&[doubles])).await.ok(201);
    admin.patch(&made.plan_path(), "\"1\"", json!({ "room_type_ids": [doubles, suites] })).await.ok(200);
    let mut derived = Vec::new();
    for _ in 0..2 {
        let plan = new_derived_plan(&made.plan["rate_plan_id"], -10.0, &[doubles, suites]);
        let plan = admin.post(&made.path("rate-plans"), plan).await.ok(201);
        derived.push(made.path(&format!("rate-plans/{}", text(&plan["rate_plan_id"]))));
    }
    let [moved, retired] = [&derived[0], &derived[1]];
    let suites_path = made.path(&format!("room-types/{}", text(suites)));
    admin.delete_version(retired, "\"1\"").await.ok(204);
    admin.delete_version(&suites_path, "\"1\"").await.ok(204);
    let base = json!({ "derived_from": { "rate_plan_id": other["rate_plan_id"], "percent": -10 } });
    admin.patch(moved, "\"1\"", base).await.ok(200);
    admin.post(&format!("{suites_path}/restore"), json!({})).await.ok(200);
    let sells = async |path: &str| admin.get(path).await.ok(200)["room_type_ids"].clone();
    assert_eq!(sells(&made.plan_path()).await, json!([doubles, suites]), "the base plan kept its place");
    assert_eq!(sells(moved).await, json!([doubles]), "its base plan of now never sold suites");

    admin.patch(&made.plan_path(), "\"2\"", json!({ "room_type_ids": [doubles] })).await.ok(200);
    admin.delete_version(&suites_path, "\"3\"").await.ok(204);
    admin.post(&format!("{retired}/restore"), json!({})).await.ok(200);
    admin.post(&format!("{suites_path}/restore"), json!({})).await.ok(200);
    assert_eq!(sells(retired).await, json!([doubles]), "its base plan sells no suites any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_plan_is_not_taken_from_under_those_that_derive_from_it() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let made = Made::by(&admin).await;
    let suites = admin.post(&made.path("room-types"), new_room_type(1)).await.ok(201);
    let (doubles, suites) = (&made.room_type["room_type_id"], &suites["room_type_id"]);
    let sold_by_none = new_derived_plan(&made.plan["rate_plan_id"], 5.0, &[doubles, suites]);
    admin.post(&made.path("rate-plans"), sold_by_none).await.invalid("room_type_ids[1]");
    admin.patch(&made.plan_path(), "\"1\"", json!({ "room_type_ids": [doubles, suites] })).await.ok(200);
    let derived = derive(&admin, &made, &made.plan["rate_plan_id"]).await.ok(201);
    let path = made.path(&format!("rate-plans/{}", text(&derived["rate_plan_id"])));

    let refused = admin.delete_version(&made.plan_path(), "\"2\"").await.problem(409, "rate_plan_in_use");
    assert_eq!(refused["derived_plans"], json!([derived["rate_plan_id"]]));
    let only_suites = json!({ "room_type_ids": [suites] });
    admin.patch(&made.plan_path(), "\"2\"", only_suites.clone()).await.problem(409, "rate_plan_in_use");
    admin.patch(&made.plan_path(), "\"2\"", json!({ "room_type_ids": [doubles] })).await.ok(200);
    admin.patch(&path, "\"1\"", json!({ "room_type_ids": [suites] })).await.invalid("room_type_ids[0]");
    admin.patch(&made.plan_path(), "\"3\"", json!({ "room_type_ids": [doubles, suites] })).await.ok(200);

    admin.delete_version(&path, "\"1\"").await.ok(204);
    admin.patch(&made.plan_path(), "\"4\"", only_suites).await.ok(200);
    let restore = format!("{path}/restore");
    admin.post(&restore, json!({})).await.problem(409, "base_plan_unavailable");
    admin.patch(&made.plan_path(), "\"5\"", json!({ "room_type_ids": [doubles] })).await.ok(200);
    admin.delete_version(&made.plan_path(), "\"6\"").await.ok(204);
    admin.post(&restore, json!({})).await.problem(409, "base_plan_unavailable");
    derive(&admin, &made, &made.plan["rate_plan_id"]).await.invalid("derived_from.rate_plan_id");
    admin.post(&format!("{}/restore", made.plan_path()), json!({})).await.ok(200);
    assert_eq!(admin.post(&restore, json!({})).await.ok(200)["room_type_ids"], json!([doubles]));
}

/// Deriving and retiring at once: never a live plan whose base plan is gone.
#[tokio::test(flavor = "multi_thread")]
async fn deriving_from_a_plan_and_retiring_it_do_one_of_the_two() {
    let mut app = TestApp::start().await;
    let admin = app.admin();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..8 {
        let made = Made::by(&admin).await;
        let path = made.plan_path();
        let (derived, retired) =
            tokio::join!(derive(&admin, &made, &made.plan["rate_plan_id"]), admin.delete_version(&path, "\"1\""),);
        let outcome = (derived.status, retired.status);
        assert!([(201, 409), (422, 204)].contains(&outcome), "{outcome:?}: {} {}", derived.text, retired.text);
        seen.insert(outcome);
    }
    assert!(!seen.is_empty());
    app.sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_type_that_is_deleted_keeps_its_place_in_a_plan() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let made = Made::by(&admin).await;
    let suites = admin.post(&made.path("room-types"), new_room_type(1)).await.ok(201);
    let (doubles, suites) = (&made.room_type["room_type_id"], &suites["room_type_id"]);
    admin.patch(&made.plan_path(), "\"1\"", json!({ "room_type_ids": [doubles, suites] })).await.ok(200);
    admin.delete_version(&made.room_type_path(), "\"1\"").await.ok(204);
    assert_eq!(admin.get(&made.plan_path()).await.ok(200)["room_type_ids"], json!([suites]));
    let gone = json!({ "room_type_ids": [doubles] });
    admin.patch(&made.plan_path(), "\"2\"", gone).await.invalid("room_type_ids[0]");
    admin.patch(&made.plan_path(), "\"2\"", json!({ "name": "Still", "room_type_ids": [suites] })).await.ok(200);
    admin.post(&format!("{}/restore", made.room_type_path()), json!({})).await.ok(200);
    assert_eq!(admin.get(&made.plan_path()).await.ok(200)["room_type_ids"], json!([doubles, suites]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tax_is_made_changed_deleted_and_restored() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let made = Made::by(&admin).await;
    assert_eq!((&made.tax["value"], &made.tax["kind"]), (&json!(10), &json!("percent")));
    let changed = admin.patch(&made.tax_path(), "\"1\"", json!({ "value": 5.5 })).await.ok(200);
    assert_eq!((&changed["value"], &changed["version"]), (&json!(5.5), &json!(2)));
    // The kind and the value must fit one another, whichever of the two is changed.
    admin.patch(&made.tax_path(), "\"2\"", json!({ "kind": "per_night" })).await.invalid("value");
    let flat = admin.patch(&made.tax_path(), "\"2\"", json!({ "kind": "per_night", "value": 250 })).await.ok(200);
    assert_eq!((&flat["value"], &flat["kind"]), (&json!(250), &json!("per_night")));
    admin.patch(&made.tax_path(), "\"3\"", json!({ "kind": "percent" })).await.invalid("value");
    assert_eq!(admin.get(&made.tax_path()).await.ok(200), flat);
    admin.delete_version(&made.tax_path(), "\"3\"").await.ok(204);
    assert_eq!(admin.get(&made.path("taxes")).await.ok(200)["data"], json!([]));
    let back = admin.post(&format!("{}/restore", made.tax_path()), json!({})).await.ok(200);
    assert_eq!((&back["value"], &back["version"]), (&json!(250), &json!(5)));
}
