//! Who may call what: every documented operation, for every role; below a hotel, for its own manager and for another's.

use chrono::{Days, Utc};
use diesel::connection::SimpleConnection;
use lastroom::config::Given;
use reqwest::Method;
use serde_json::json;

use crate::support::crowd::{new_address, signed_in};
use crate::support::database::Start;
use crate::support::golden::assert_golden;
use crate::support::operations::{Operation, operations};
use crate::support::{Guest, Made, TestApp, staff};

/// Somebody signed in with this role and no other.
pub fn with_role(app: &TestApp, role: &str) -> Guest {
    signed_in(app, &new_address(), role)
}

/// Who calls, and on which hotel where the operation names one: of the manager's two the own one is the first.
struct Column {
    name: &'static str,
    caller: Guest,
    hotel: usize,
}

const BELOW: &str = "/api/v1/admin/hotels/{hotel_id}";

/// A hotel, and what is below it.
struct Below {
    made: Made,
    booking_id: String,
    /// The id of a member who calls nothing.
    member: String,
}

impl Below {
    async fn by(app: &TestApp, admin: &Guest, member: &Guest) -> Self {
        let made = Made::by(admin).await;
        made.price(app, 10_000);
        app.grant(member, std::slice::from_ref(&made.hotel_id));
        let hold = member.held(&made.hotel_id, &made.stay(app, 10, 12)).await;
        member.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
        let booking = member.confirm(&hold["hold_id"]).await.ok(201);
        let user = member.get("/auth/me").await.ok(200);
        let (booking_id, member) = (staff::text(&booking["booking_id"]), staff::text(&user["user_id"]));
        Self { made, booking_id: booking_id.to_owned(), member: member.to_owned() }
    }
}

/// What a call of `operation` with nothing wrong in it says below a hotel, as far as authority goes: what is not there
/// without a version (428) is there.
async fn valid_call(operation: &Operation, caller: &Guest, on: &Below) -> u16 {
    let made = &on.made;
    let [from, to] = [20, 21].map(|days| (Utc::now().date_naive() + Days::new(days)).to_string());
    let ids = [
        ("{hotel_id}", made.hotel_id.as_str()),
        ("{room_type_id}", staff::text(&made.room_type["room_type_id"])),
        ("{room_id}", staff::text(&made.room["room_id"])),
        ("{rate_plan_id}", staff::text(&made.plan["rate_plan_id"])),
        ("{tax_id}", staff::text(&made.tax["tax_id"])),
        ("{booking_id}", &on.booking_id),
        ("{user_id}", &on.member),
        ("{date}", &from),
    ];
    let path = operation.path.replace("/api/v1", "");
    let path = ids.iter().fold(path, |path, (name, id)| path.replace(name, id));
    let part = operation.path.trim_start_matches(BELOW);
    let grid = operation.method == Method::GET && ["/inventory", "/rates"].contains(&part);
    let path = if grid { format!("{path}?from={from}&to={to}") } else { path };
    let body = match (operation.method.as_str(), part) {
        ("POST", "/room-types") => staff::new_room_type(1),
        ("POST", "/rooms") => json!({ "room_type_id": made.room_type["room_type_id"], "number": "101" }),
        ("POST", "/rate-plans") => staff::new_plan(&[&made.room_type["room_type_id"]]),
        ("POST", "/taxes") => staff::new_tax(),
        ("PATCH", "/inventory") => json!({ "items": [{ "room_type_id": made.room_type["room_type_id"],
            "from": from, "to": to, "set": { "capacity": 2 } }] }),
        ("PATCH", "/rates") => json!({ "items": [{ "rate_plan_id": made.plan["rate_plan_id"],
            "room_type_id": made.room_type["room_type_id"], "from": from, "to": to,
            "set": { "closed": true } }] }),
        ("POST", "/members") => json!({ "user_id": on.member }),
        _ => json!({}),
    };
    let body = (operation.takes_body() || operation.method == Method::POST).then(|| body.to_string().into_bytes());
    let answer = caller.send(operation.method.clone(), &path, &[("content-type", "application/json")], body).await;
    assert_ne!(answer.status, 422, "give {} a body that is valid: {}", operation.name(), answer.text);
    answer.status
}

#[tokio::test(flavor = "multi_thread")]
async fn the_matrix_of_roles_and_operations_is_the_golden_one() {
    let app = TestApp::start().await;
    let (admin, member) = (app.admin(), app.guest());
    let hotels = [Below::by(&app, &admin, &member).await, Below::by(&app, &admin, &member).await];
    let manager = with_role(&app, "manager");
    app.grant(&manager, std::slice::from_ref(&hotels[0].made.hotel_id));
    let columns = [
        Column { name: "anonymous", caller: Guest::stranger(&app), hotel: 0 },
        Column { name: "guest", caller: with_role(&app, "guest"), hotel: 0 },
        Column { name: "manager", caller: manager.clone(), hotel: 0 },
        Column { name: "elsewhere", caller: manager, hotel: 1 },
        Column { name: "admin", caller: with_role(&app, "admin"), hotel: 0 },
    ];
    let operations = operations();
    let width = operations.iter().map(|operation| operation.name().len()).max().unwrap_or_default();
    let row = |first: &str, words: Vec<&str>| {
        let words: Vec<_> = words.iter().map(|word| format!("{word:<9}")).collect();
        format!("{first:<width$} {}", words.join(" ")).trim_end().to_owned()
    };
    let mut lines = vec![row("operation", columns.iter().map(|column| column.name).collect())];
    for operation in &operations {
        let of_hotel = operation.path.starts_with(BELOW);
        let mut words = Vec::new();
        for column in &columns {
            let status = match (of_hotel, column.name) {
                (true, _) => valid_call(operation, &column.caller, &hotels[column.hotel]).await,
                (false, "elsewhere") => 0,
                (false, _) => operation.call_with_garbage(&column.caller).await.status,
            };
            assert!(status < 500, "{} as {}: {status}", operation.name(), column.name);
            words.push(match status {
                0 => "-",
                401 => "401",
                403 => "403",
                404 if of_hotel => "404",
                _ => "allowed",
            });
        }
        lines.push(row(&operation.name(), words));
    }
    assert_golden("access_matrix.txt", &format!("{}\n", lines.join("\n")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_role_counts_on_the_next_request() {
    let app = TestApp::start().await;
    let ada = app.guest();
    ada.get("/holds").await.ok(200);
    let role = |role: &str| {
        let sql = format!("UPDATE user_roles SET role = '{role}'");
        app.connect().batch_execute(&sql).expect("the role is changed");
    };
    role("manager");
    ada.get("/holds").await.problem(403, "forbidden");
    role("guest");
    ada.get("/holds").await.ok(200);
    app.connect().batch_execute("DELETE FROM user_roles").expect("the role is revoked");
    ada.get("/holds").await.problem(403, "forbidden");
    assert_eq!(ada.get("/auth/me").await.ok(200)["roles"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn public_search_opens_looking_and_nothing_else() {
    let public = |given: &mut Given| given.public_search = Some("true".to_owned());
    let app = TestApp::start_with(Start::Migrated, public).await;
    let stranger = Guest::stranger(&app);
    let may_be_open = ["/search", "/hotels", "/hotels/{id}", "/hotels/{id}/offers", "/hotels/{id}/calendar"];
    for operation in operations().into_iter().filter(Operation::is_guarded) {
        let path = operation.path.trim_start_matches("/api/v1");
        let answer = operation.call_with_garbage(&stranger).await;
        if operation.method == reqwest::Method::GET && may_be_open.contains(&path) {
            assert!(![401, 403].contains(&answer.status), "{} is to be open", operation.name());
            let liar = stranger.with_token("garbage");
            operation.call_with_garbage(&liar).await.problem(401, "token_invalid");
        } else {
            assert_eq!(answer.status, 401, "{} is to stay closed", operation.name());
        }
    }
}
