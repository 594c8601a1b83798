//! What the README tells to paste is pasted, and does what it says.

use std::process::{Command, Stdio};

use crate::support::TestApp;
use crate::support::actors::PASSWORD;

const README: &str = include_str!("../../README.md");
const TOUR: &str = include_str!("../../src/cli/tour.sh");

/// The commands that call the API, in their order.
fn pasted() -> String {
    let blocks = README.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.filter(|block| block.contains("$API")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_run_as_they_are_pasted() {
    let app = TestApp::start_demo().await;
    app.first_admin().await;
    assert!(README.contains(TOUR), "the server prints another walk than the README shows");
    let commands =
        pasted().replace("127.0.0.1:8080", &app.address.to_string()).replace("'…'", &format!("'{PASSWORD}'"));
    assert!(commands.matches("curl").count() > 12, "{commands}");
    let script = format!("set -eu\n{commands}");
    let ran = Command::new("sh").args(["-c", &script]).stdin(Stdio::null()).output().expect("sh");
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{told}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(!told.contains("urn:lastroom:problem"), "{told}");
    assert!(told.ends_with(r#"{"items":1,"nights":18,"changed":18,"created":0}"#), "{told}");
    assert_eq!(app.rows("bookings"), 1);
    assert_eq!(app.rows("hotel_members"), 1);
    assert_eq!(app.number("SELECT count(*) FROM inventory WHERE capacity = 12 AND allowance = 1"), 18);
}
