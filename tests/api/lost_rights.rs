//! A right that is lost counts for what was on its way, and for what was answered before.

use std::io::{Read, Write};
use std::net::TcpStream;

use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::access_matrix::with_role;
use crate::refunds::captured;
use crate::support::staff::new_room_type;
use crate::support::{Answer, Guest, Hotel, Made, TestApp, key};

/// Everybody who asks what somebody may do waits for this.
const LOCKED: &str = "BEGIN; LOCK TABLE role_permissions IN ACCESS EXCLUSIVE MODE";

/// A request whose head is with the server, and whose last byte is not.
struct Stalled {
    stream: TcpStream,
    last: u8,
}

impl Stalled {
    /// Sends the request but for its last byte; it is past its guard then. The connection has what the guard asks locked.
    fn send(app: &TestApp, past: &mut PgConnection, caller: &Guest, request: &str, body: &Value) -> Self {
        past.batch_execute(LOCKED).expect("a lock");
        let body = body.to_string().into_bytes();
        let (last, first) = body.split_last().expect("a body");
        let head = format!(
            "{request} HTTP/1.1\r\nhost: lastroom.test\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
             if-match: *\r\nidempotency-key: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            caller.token.as_deref().expect("a token"),
            key(),
            body.len()
        );
        let mut stream = TcpStream::connect(app.address).expect("a connection");
        stream.write_all(&[head.as_bytes(), first].concat()).expect("a request");
        Self { stream, last: *last }
    }

    /// The rest of it; the status and the code of its answer.
    fn end(mut self) -> (u16, String) {
        self.stream.write_all(&[self.last]).expect("the last byte");
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).expect("an answer");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let code = serde_json::from_str::<Value>(body).map_or(Value::Null, |problem| problem["code"].clone());
        (status, code.as_str().unwrap_or_default().to_owned())
    }
}

/// Waits until somebody waits for a lock.
async fn somebody_waits(app: &TestApp) {
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    app.eventually(waiting, "1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_on_its_way_comes_too_late() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let hotel = Made::by(&admin).await;
    let mut past = app.connect();
    let state = "SELECT concat_ws(' ', (SELECT count(*) FROM room_types), (SELECT sum(version) FROM inventory))";
    let before = app.text(state);
    let revoked = "DELETE FROM user_roles r USING users u
         WHERE r.user_id = u.user_id AND role = 'admin' AND email <> 'admin@lastroom.test'";
    let disabled = "UPDATE users SET disabled_at = clock_timestamp() WHERE email <> 'admin@lastroom.test'";
    let room_type = hotel.room_type["room_type_id"].clone();
    let nights = json!({ "items": [{
        "room_type_id": room_type, "from": "2027-01-01", "to": "2027-02-01", "set": { "closed": true } }] });
    let refund = json!({ "amount": { "amount": 1, "currency": "EUR" } });
    let (forbidden, gone) = ((403, "forbidden".to_owned()), (401, "token_invalid".to_owned()));
    for (request, body, lost, answer) in [
        ("PATCH /api/v1/admin/users/ME".to_owned(), json!({ "disabled": false }), disabled, &gone),
        ("POST /api/v1/admin/users/ME/roles".to_owned(), json!({ "role": "admin" }), revoked, &forbidden),
        ("POST /api/v1/admin/users/ME/roles".to_owned(), json!({ "role": "admin" }), disabled, &gone),
        (format!("POST /api/v1{}", hotel.path("room-types")), new_room_type(2), revoked, &forbidden),
        (format!("PATCH /api/v1{}", hotel.path("inventory")), nights, revoked, &forbidden),
        (format!("POST /api/v1/payments/{}/refunds", uuid::Uuid::now_v7()), refund, revoked, &forbidden),
    ] {
        let other = with_role(&app, "admin");
        let me = app.text(&format!("SELECT user_id FROM users WHERE email = '{}'", other.email));
        let request = request.replace("ME", &me);
        let stalled = Stalled::send(&app, &mut past, &other, &request, &body);
        somebody_waits(&app).await;
        // Who waits is served before who comes next: when the lock is here again, the guard has been passed.
        past.batch_execute(&format!("COMMIT; {LOCKED}; {lost}; COMMIT")).expect("a right less");
        assert_eq!(stalled.end(), *answer, "{request}");
        let admins = "SELECT count(*) FROM user_roles JOIN users USING (user_id)
                      WHERE role = 'admin' AND disabled_at IS NULL";
        assert_eq!(app.number(admins), 1, "{request}");
    }
    assert_eq!(before, app.text(state));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_admins_the_one_who_is_disabled_first_enables_nobody() {
    let app = TestApp::start().await;
    let (_admin, other) = (app.admin(), with_role(&app, "admin"));
    let me = other.get("/auth/me").await.ok(200)["user_id"].as_str().expect("an id").to_owned();
    let mut past = app.connect();
    past.batch_execute("BEGIN; SELECT FROM permissions WHERE permission = 'users:write' FOR NO KEY UPDATE")
        .expect("the right to administer");
    let path = format!("/admin/users/{me}");
    let enabling = tokio::spawn(async move { other.patch(&path, "*", json!({ "disabled": false })).await });
    somebody_waits(&app).await;
    past.batch_execute(&format!("UPDATE users SET disabled_at = clock_timestamp() WHERE user_id = '{me}'; COMMIT"))
        .expect("disabled");
    enabling.await.expect("an answer").problem(401, "token_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_before_is_not_for_who_has_lost_it() {
    let app = TestApp::start().await;
    let (admin, manager, ada) = (app.admin(), app.manager(), app.guest());
    let hotel = Hotel::one_room(&app);
    let (_, booking) = captured(&app, &ada, &hotel).await;
    let payment_id = app.text("SELECT payment_id FROM payments");
    app.grant(&manager, &[hotel.id()]);
    let calls = [
        (format!("/admin/hotels/{}/room-types", hotel.id()), new_room_type(2)),
        (format!("/admin/hotels/{}/restore", hotel.id()), json!({})),
        (format!("/payments/{payment_id}/refunds"), json!({ "amount": { "amount": 100, "currency": "EUR" } })),
        (
            format!("/admin/hotels/{}/bookings/{}/no-show", hotel.id(), booking["booking_id"].as_str().expect("an id")),
            json!({}),
        ),
    ];
    let all = async || {
        let mut answers: Vec<Answer> = Vec::new();
        for (at, (path, body)) in calls.iter().enumerate() {
            answers.push(manager.post_keyed(path, &format!("a-key-of-mine-no-{at}"), body.clone()).await);
        }
        answers
    };
    let statuses = |answers: &[Answer]| answers.iter().map(|answer| answer.status).collect::<Vec<_>>();
    let first = all().await;
    assert_eq!(statuses(&first), [201, 200, 201, 409], "a no-show before the day is refused, and that is stored");
    let member = format!("/admin/hotels/{}/members", hotel.id());
    let me = manager.get("/auth/me").await.ok(200)["user_id"].clone();
    admin.delete(&format!("{member}/{}", me.as_str().expect("an id"))).await.ok(204);
    for answer in all().await {
        answer.problem(404, "not_found");
        assert_eq!(answer.header("idempotency-replayed"), None);
    }
    admin.post(&member, json!({ "user_id": me })).await.ok(201);
    let again = all().await;
    assert!(again.iter().all(|answer| answer.header("idempotency-replayed") == Some("true")));
    assert_eq!(again.iter().map(Answer::json).collect::<Vec<_>>(), first.iter().map(Answer::json).collect::<Vec<_>>());
    admin.delete(&format!("/admin/users/{}/roles/manager", me.as_str().expect("an id"))).await.ok(204);
    for answer in all().await {
        answer.problem(403, "forbidden");
    }
}
