//! Bad input of staff: named, and nothing is changed.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::staff::{new_hotel, new_plan, new_room_type, new_tax};
use crate::support::{Made, TestApp};

/// Everything that staff's calls could change.
fn world(app: &TestApp) -> String {
    let tables = [
        "hotels",
        "hotel_members",
        "room_types",
        "rooms",
        "rate_plans",
        "rate_plan_room_types",
        "cancellation_tiers",
        "child_bands",
        "taxes",
        "inventory",
        "(SELECT * FROM audit_entries WHERE hotel_id IN (SELECT hotel_id FROM hotels))",
        "outbox_events",
        "idempotency_keys",
    ];
    let sums = tables.map(|table| format!("(SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t)"));
    app.text(&format!("SELECT concat_ws(' ', {})", sums.join(", ")))
}

/// The body with one member replaced; `null` takes it out.
fn with(mut body: Value, member: &str, value: Value) -> Value {
    body[member] = value;
    body
}

fn hotels() -> Vec<(&'static str, Value, &'static str)> {
    let long = "x".repeat(201);
    vec![
        ("name", json!(""), "name"),
        ("name", json!(" "), "name"),
        ("name", json!(long), "name"),
        ("name", json!(null), "name"),
        ("name", json!(7), "name"),
        ("name", json!("a\0b"), "name"),
        ("city", json!("--"), "city"),
        ("country", json!("FRA"), "country"),
        ("country", json!("F1"), "country"),
        ("time_zone", json!("Europe/Atlantis"), "time_zone"),
        ("time_zone", json!("+02:00"), "time_zone"),
        ("currency", json!("eur"), "currency"),
        ("currency", json!("EURO"), "currency"),
        ("location", json!({ "lat": 91, "lon": 0 }), "location.lat"),
        ("location", json!({ "lat": 0, "lon": -180.5 }), "location.lon"),
        ("location", json!({ "lat": 1 }), "location.lon"),
        ("stars", json!(0), "stars"),
        ("stars", json!(6), "stars"),
        ("stars", json!(3.5), "stars"),
        ("amenities", json!(["wifi", "Free WiFi"]), "amenities[1]"),
        ("photos", json!(["javascript:alert(1)"]), "photos[0]"),
        ("photos", json!(["https://"]), "photos[0]"),
        ("check_in_time", json!("3pm"), "check_in_time"),
        ("check_in_time", json!("25:00"), "check_in_time"),
        ("check_out_time", json!("11:00:00"), "check_out_time"),
        ("hotel_id", json!(uuid::Uuid::now_v7()), "hotel_id"),
        ("version", json!(7), "version"),
        ("deleted_at", json!(null), "deleted_at"),
        ("horizon_days", json!(1), "horizon_days"),
    ]
}

fn room_types() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("name", json!("\t"), "name"),
        ("max_adults", json!(0), "max_adults"),
        ("max_adults", json!(21), "max_adults"),
        ("max_children", json!(-1), "max_children"),
        ("max_occupancy", json!(31), "max_occupancy"),
        ("max_occupancy", json!(1), "max_occupancy"),
        ("beds", json!([{ "type": "hammock", "count": 1 }]), "beds[0].type"),
        ("beds", json!([{ "type": "king", "count": 0 }]), "beds[0].count"),
        ("beds", json!([{ "type": "king", "count": 1, "size": 2 }]), "beds[0].size"),
        ("amenities", json!([""]), "amenities[0]"),
        ("hotel_id", json!(uuid::Uuid::now_v7()), "hotel_id"),
        ("room_type_id", json!(uuid::Uuid::now_v7()), "room_type_id"),
        ("version", json!(1), "version"),
    ]
}

fn rooms() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("number", json!(""), "number"),
        ("number", json!(101), "number"),
        ("number", json!("1".repeat(21)), "number"),
        ("room_type_id", json!("101"), "room_type_id"),
        ("room_type_id", json!(null), "room_type_id"),
        ("status", json!("haunted"), "status"),
        ("floor", json!(""), "floor"),
        ("hotel_id", json!(uuid::Uuid::now_v7()), "hotel_id"),
        ("version", json!(1), "version"),
    ]
}

fn plans() -> Vec<(&'static str, Value, &'static str)> {
    let tier = |penalty: Value| json!([{ "until_hours_before_check_in": 24, "penalty": penalty }]);
    let twice = json!([{ "until_hours_before_check_in": 24, "penalty": { "nights": 1 } },
                       { "until_hours_before_check_in": 24, "penalty": { "percent": 5 } }]);
    let some = uuid::Uuid::now_v7();
    let (tier_at, penalty) = ("cancellation[0].penalty", tier(json!({ "percent": 100.5 })));
    vec![
        ("meal_plan", json!("brunch"), "meal_plan"),
        ("payment_policy", json!("later"), "payment_policy"),
        ("cancellation", penalty, tier_at),
        ("cancellation", tier(json!({ "percent": -1 })), tier_at),
        ("cancellation", tier(json!({ "percent": 0.0001 })), tier_at),
        ("cancellation", tier(json!({ "nights": 100 })), tier_at),
        ("cancellation", tier(json!({ "amount": -1 })), tier_at),
        ("cancellation", tier(json!({ "amount": 1, "nights": 1 })), tier_at),
        ("cancellation", tier(json!({})), tier_at),
        ("cancellation", tier(json!({ "fee": 1 })), tier_at),
        (
            "cancellation",
            json!([{ "until_hours_before_check_in": -1, "penalty": { "nights": 1 } }]),
            "cancellation[0].until_hours_before_check_in",
        ),
        ("cancellation", twice, "cancellation[1].until_hours_before_check_in"),
        ("room_type_ids", json!([]), "room_type_ids"),
        ("room_type_ids", json!(["x"]), "room_type_ids[0]"),
        ("room_type_ids", json!([some, some]), "room_type_ids[1]"),
        ("min_stay", json!(0), "min_stay"),
        ("max_stay", json!(100), "max_stay"),
        ("min_advance_days", json!(-1), "min_advance_days"),
        ("max_advance_days", json!(40_000), "max_advance_days"),
        ("child_bands", json!([{ "max_age": 18, "amount": 0 }]), "child_bands[0].max_age"),
        ("child_bands", json!([{ "max_age": 5, "amount": -1 }]), "child_bands[0].amount"),
        (
            "child_bands",
            json!([{ "max_age": 5, "amount": 1 }, { "max_age": 5, "amount": 2 }]),
            "child_bands[1].max_age",
        ),
        ("derived_from", json!({ "rate_plan_id": some }), "derived_from"),
        ("derived_from", json!({ "rate_plan_id": some, "percent": 1, "amount": 1 }), "derived_from"),
        ("derived_from", json!({ "rate_plan_id": some, "percent": -100 }), "derived_from.percent"),
        ("derived_from", json!({ "rate_plan_id": some, "percent": 1000.001 }), "derived_from.percent"),
        ("derived_from", json!({ "rate_plan_id": some, "percent": "10" }), "derived_from.percent"),
        ("derived_from", json!({ "rate_plan_id": some, "amount": 1.5 }), "derived_from.amount"),
        ("hotel_id", json!(some), "hotel_id"),
        ("rate_plan_id", json!(some), "rate_plan_id"),
        ("version", json!(1), "version"),
    ]
}

fn taxes() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("kind", json!("flat"), "kind"),
        ("value", json!(-1), "value"),
        ("value", json!(100.001), "value"),
        ("value", json!(5.0001), "value"),
        ("value", json!("10"), "value"),
        ("value", json!(null), "value"),
        ("due", json!("never"), "due"),
        ("included", json!("yes"), "included"),
        ("hotel_id", json!(uuid::Uuid::now_v7()), "hotel_id"),
        ("version", json!(1), "version"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_field_is_named_and_nothing_is_made_or_changed() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let made = Made::by(&admin).await;
    let room = json!({ "room_type_id": made.room_type["room_type_id"], "number": "102" });
    let plan = new_plan(&[&made.room_type["room_type_id"]]);
    let before = world(&app);
    for (collection, resource, body, cases) in [
        ("/admin/hotels".to_owned(), made.path(""), new_hotel(), hotels()),
        (made.path("room-types"), made.room_type_path(), new_room_type(1), room_types()),
        (made.path("rooms"), made.room_path(), room, rooms()),
        (made.path("rate-plans"), made.plan_path(), plan, plans()),
        (made.path("taxes"), made.tax_path(), new_tax(), taxes()),
    ] {
        for (member, value, field) in cases {
            let answer = admin.post(&collection, with(body.clone(), member, value.clone())).await;
            assert_eq!(answer.status, 422, "POST {collection} {member}={value}: {}", answer.text);
            answer.invalid(field);
            let answer = admin.patch(&resource, "*", json!({ (member): value })).await;
            assert_eq!(answer.status, 422, "PATCH {resource} {member}={value}: {}", answer.text);
            answer.invalid(field);
        }
        for needed in body.as_object().expect("a body").keys() {
            let mut body = body.clone();
            body.as_object_mut().expect("a body").remove(needed);
            admin.post(&collection, body).await.invalid(needed);
        }
        admin.post(&collection, json!([])).await.invalid("body");
        admin.post(&format!("{collection}?deleted=true"), body).await.invalid("deleted");
    }
    for (capacity, field) in [(json!(-1), "capacity"), (json!(100_001), "capacity"), (json!(1.5), "capacity")] {
        admin.post(&made.path("room-types"), with(new_room_type(1), "capacity", capacity)).await.invalid(field);
    }
    admin.patch(&made.room_type_path(), "*", json!({ "capacity": 3 })).await.invalid("capacity");
    let fraction = json!({ "name": "Fee", "kind": "per_night", "value": 2.5, "included": false, "due": "now" });
    admin.post(&made.path("taxes"), fraction).await.invalid("value");
    // What is wrong only beside what is stored.
    admin.patch(&made.room_type_path(), "*", json!({ "max_adults": 4 })).await.invalid("max_occupancy");
    assert_eq!(world(&app), before);
    admin.patch(&made.plan_path(), "*", json!({ "min_stay": 5 })).await.ok(200);
    admin.patch(&made.plan_path(), "*", json!({ "max_stay": 4 })).await.invalid("max_stay");
}

#[tokio::test(flavor = "multi_thread")]
async fn if_match_is_asked_in_the_order_of_checks() {
    let app = TestApp::start().await;
    let (admin, guest) = (app.admin(), app.guest());
    let manager = app.manager();
    let made = Made::by(&admin).await;
    let before = world(&app);
    let resources = [made.path(""), made.room_type_path(), made.room_path(), made.plan_path(), made.tax_path()];
    let json_type = ("content-type", "application/json");
    for path in &resources {
        let patch = async |caller: &crate::support::Guest, tag: Option<&str>, body: &str| {
            let headers: Vec<_> = [json_type].into_iter().chain(tag.map(|tag| ("if-match", tag))).collect();
            caller.send(Method::PATCH, path, &headers, Some(body.as_bytes().to_vec())).await
        };
        // 401, 403, 400, 415, 422, 404, 428, 412: each comes before all that follow.
        patch(&crate::support::Guest::stranger(&app), Some("3"), "{").await.problem(401, "unauthenticated");
        patch(&guest, Some("3"), "{").await.problem(403, "forbidden");
        patch(&manager, Some("3"), "{").await.problem(400, "malformed_request");
        manager.send(Method::PATCH, path, &[], Some(b"{".to_vec())).await.problem(415, "unsupported_media_type");
        patch(&manager, None, "{").await.problem(400, "malformed_body");
        patch(&manager, None, r#"{"version":1}"#).await.invalid("version");
        patch(&manager, None, "{}").await.problem(404, "not_found");
        patch(&admin, None, "{}").await.problem(428, "precondition_required");
        for stale in ["\"2\"", "\"0\"", "W/\"1\"", "\"x\""] {
            let stale = patch(&admin, Some(stale), "{}").await.problem(412, "precondition_failed");
            assert_eq!(stale["current_version"], 1);
        }
        admin.delete(path).await.problem(428, "precondition_required");
        admin.delete_version(path, "\"2\"").await.problem(412, "precondition_failed");
        manager.delete(path).await.problem(404, "not_found");
        for good in ["\"1\"", "*", "\"7\", \"1\""] {
            assert_eq!(patch(&admin, Some(good), "{}").await.header("etag"), Some("\"1\""));
        }
    }
    assert_eq!(world(&app), before);
}
