//! Many logins at once need no more memory than those that are hashed at a time.

use std::fs;

use crate::support::actors::PASSWORD;
use crate::support::program::Serving;
use crate::support::{Guest, TestApp};

/// Memory of one hash, in KiB.
const HASH_KIB: u64 = 19 * 1024;
/// Passwords hashed at a time.
const AT_ONCE: u64 = 2;
/// What the connections, their tasks and the allocator may need beside the hashes, in KiB.
const BESIDE_KIB: u64 = 48 * 1024;

/// The most memory that a process ever had, in KiB.
fn peak_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// So many accounts more, all with the password of `ada`.
pub fn likes_of(app: &TestApp, ada: &Guest, accounts: usize) -> Vec<String> {
    app.execute(&format!(
        "INSERT INTO users (user_id, email, email_key, full_name, password_hash)
         SELECT gen_random_uuid(), n || '@like.example', n || '@like.example', full_name, password_hash
         FROM users, generate_series(1, {accounts}) n WHERE email = '{}'",
        ada.email
    ));
    (1..=accounts).map(|n| format!("{n}@like.example")).collect()
}

async fn logins_at_once(accounts: usize) {
    let app = TestApp::start().await;
    let ada = app.guest();
    let emails = likes_of(&app, &ada, accounts);
    let folder = tempfile::tempdir().expect("a folder");
    let at_once = AT_ONCE.to_string();
    let serving = Serving::beside(
        &app,
        folder.path(),
        &[("LASTROOM_HASH_PARALLELISM", at_once.as_str()), ("LASTROOM_POOL_WAIT_MS", "30000")],
    );
    let caller = serving.caller();
    caller.login(&ada.email, PASSWORD).await;
    let before = peak_kib(serving.pid());
    let logins: Vec<_> = emails
        .into_iter()
        .map(|email| {
            let caller = caller.clone();
            tokio::spawn(async move { caller.login(&email, PASSWORD).await })
        })
        .collect();
    for login in logins {
        login.await.expect("a session");
    }
    let after = peak_kib(serving.pid());
    eprintln!("{accounts} logins at once: peak memory {} MiB, {} MiB before", after / 1024, before / 1024);
    let most = before + AT_ONCE * HASH_KIB + BESIDE_KIB;
    assert!(after <= most, "{after} KiB, {before} KiB before: more than {AT_ONCE} hashes at a time");
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_at_once_have_bounded_memory() {
    logins_at_once(24).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "200 logins at once"]
async fn two_hundred_logins_at_once_have_bounded_memory() {
    logins_at_once(200).await;
}
