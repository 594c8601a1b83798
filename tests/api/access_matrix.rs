//! Who may call what: every documented operation, for every role.

use diesel::connection::SimpleConnection;
use lastroom::config::Given;

use crate::support::database::Start;
use crate::support::golden::assert_golden;
use crate::support::operations::{Operation, operations};
use crate::support::{Guest, TestApp};

/// Somebody signed in with this role and no other.
pub async fn with_role(app: &TestApp, role: &str) -> Guest {
    let caller = app.guest().await;
    let sql = format!(
        "UPDATE user_roles SET role = '{role}' WHERE user_id = (SELECT user_id FROM users WHERE email = '{}')",
        caller.email
    );
    app.connect().batch_execute(&sql).expect("the role is changed");
    caller
}

#[tokio::test(flavor = "multi_thread")]
async fn the_matrix_of_roles_and_operations_is_the_golden_one() {
    let app = TestApp::start().await;
    let callers = [
        ("anonymous", Guest::stranger(&app)),
        ("guest", with_role(&app, "guest").await),
        ("manager", with_role(&app, "manager").await),
        ("admin", with_role(&app, "admin").await),
    ];
    let width = operations().iter().map(|operation| operation.name().len()).max().unwrap_or_default();
    let mut text = format!("{:<width$}", "operation");
    text.push_str(&callers.iter().map(|(role, _)| format!(" {role:<9}")).collect::<Vec<_>>().concat());
    let mut lines = vec![text];
    for operation in operations() {
        let mut line = format!("{:<width$}", operation.name());
        for (role, caller) in &callers {
            let answer = operation.call_with_garbage(caller).await;
            assert!(answer.status < 500, "{} as {role}: {}", operation.name(), answer.text);
            let word = match answer.status {
                401 => "401",
                403 => "403",
                _ => "allowed",
            };
            line = format!("{line} {word:<9}");
        }
        lines.push(line);
    }
    let lines: Vec<_> = lines.iter().map(|line| line.trim_end()).collect();
    assert_golden("access_matrix.txt", &format!("{}\n", lines.join("\n")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_role_counts_on_the_next_request() {
    let app = TestApp::start().await;
    let ada = app.guest().await;
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
    assert_eq!(ada.get("/auth/me").await.ok(200)["roles"], serde_json::json!([]));
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
