//! The private PostgreSQL: made, started, shared, stopped.

mod damage;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use lastroom::db::embedded::{Durability, EmbeddedError, MAINTENANCE_DATABASE, PrivateCluster, Released, Settings};

use crate::support::home::{Heard, Home, answer, connect, setting};

#[test]
fn first_start_makes_a_closed_durable_utc_cluster_and_release_stops_it() {
    let home = Home::new();
    let heard = Heard::default();
    let cluster = PrivateCluster::acquire(&home.settings(Durability::Full), &heard).unwrap();
    assert_eq!(cluster.data_dir(), fs::canonicalize(&home.data_dir).unwrap());
    for (name, expected) in [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("listen_addresses", ""),
        ("timezone", "UTC"),
        ("server_encoding", "UTF8"),
        ("max_connections", "200"),
        ("log_lock_waits", "on"),
        ("unix_socket_permissions", "0700"),
    ] {
        assert_eq!(setting(&cluster, name), expected, "{name}");
    }
    assert_eq!(answer(&mut connect(&cluster), "current_user::text"), "lastroom");
    assert!(heard.0.lock().unwrap().iter().any(|step| step.starts_with("starting PostgreSQL")));
    let url = cluster.url(MAINTENANCE_DATABASE);
    assert_eq!(cluster.release().unwrap(), Released::Stopped);
    assert!(PgConnection::establish(&url).is_err());
    assert_eq!(home.postmaster(), None);
}

#[test]
fn ensure_database_creates_once_whatever_the_name() {
    let home = Home::new();
    let cluster = home.acquire();
    for name in ["lastroom", "a \"b\" 'c' /%ü"] {
        cluster.ensure_database(name).unwrap();
        cluster.ensure_database(name).unwrap();
        let mut connection = PgConnection::establish(&cluster.url(name)).unwrap();
        assert_eq!(answer(&mut connection, "current_database()::text"), name);
    }
    assert!(matches!(cluster.ensure_database(""), Err(EmbeddedError::Sql { .. })));
    cluster.release().unwrap();
}

#[test]
fn users_share_one_server_and_the_last_one_stops_it() {
    let home = Home::new();
    let first = home.acquire();
    let server = home.postmaster().unwrap();
    let second = home.acquire();
    assert_eq!(home.postmaster(), Some(server));
    assert_eq!(first.release().unwrap(), Released::StillUsedByOthers);
    assert_eq!(setting(&second, "server_encoding"), "UTF8");
    assert_eq!(second.release().unwrap(), Released::Stopped);
}

#[test]
fn many_at_once_on_an_empty_folder_all_get_the_same_server() {
    let home = Home::new();
    let clusters: Vec<PrivateCluster> = thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(|| home.acquire())).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let started = "pg_postmaster_start_time()::text";
    let mut times: Vec<_> = clusters.iter().map(|c| answer(&mut connect(c), started)).collect();
    times.dedup();
    assert_eq!(times.len(), 1);
    let released: Vec<_> = clusters.into_iter().map(|c| c.release().unwrap()).collect();
    assert_eq!(released.iter().filter(|r| **r == Released::Stopped).count(), 1);
    assert_eq!(released.last(), Some(&Released::Stopped));
}

#[test]
#[ignore = "slow: settings are reloaded, 3 s"]
fn tests_settings_never_reach_a_durable_user() {
    let home = Home::new();
    let careless = home.acquire();
    assert_eq!(setting(&careless, "fsync"), "off");
    let durable = home.acquire_durable();
    let deadline = Instant::now() + Duration::from_secs(5);
    while setting(&durable, "fsync") != "on" {
        assert!(Instant::now() < deadline, "the reload did not arrive");
        thread::sleep(Duration::from_millis(20));
    }
    let another = home.acquire();
    assert_eq!(setting(&another, "fsync"), "on");
    drop((careless, another));
    durable.release().unwrap();
}

#[test]
#[ignore = "slow: two clusters are made, 4 s"]
fn paths_that_are_long_or_hostile_to_shells_work() {
    let long = format!("{}/data", "x".repeat(130));
    for path in [long.as_str(), "o'd\"d $(touch pwned) \\n ü, x/data"] {
        let home = Home::below(path);
        let cluster = home.acquire();
        assert_eq!(setting(&cluster, "server_encoding"), "UTF8");
        let url = cluster.url("x");
        cluster.release().unwrap();
        let socket = url.split(['@', ':']).nth(2).unwrap().replace("%2F", "/");
        assert!(socket.starts_with("/tmp/lastroom-"), "{socket}");
        fs::remove_dir(socket).unwrap();
    }
}

#[test]
fn a_wrong_pg_bin_is_an_error_that_names_the_setting() {
    let home = Home::new();
    for folder in ["/nonexistent", "/"] {
        let pg_bin = Some(PathBuf::from(folder));
        let settings = Settings { pg_bin, ..home.settings(Durability::None) };
        let error = PrivateCluster::acquire(&settings, &Heard::default()).unwrap_err();
        assert!(error.to_string().starts_with("LASTROOM_PG_BIN "), "{error}");
    }
}

/// Only root has to step aside; for others there is nothing to test.
#[test]
fn root_keeps_the_cluster_where_its_ordinary_user_can_enter() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let home = Home::new();
    let closed = home.data_dir.parent().unwrap();
    fs::set_permissions(closed, fs::Permissions::from_mode(0o700)).unwrap();
    let heard = Heard::default();
    let cluster = PrivateCluster::acquire(&home.settings(Durability::None), &heard).unwrap();
    let real = cluster.data_dir().to_path_buf();
    assert!(real.starts_with("/var/lib/lastroom"), "{}", real.display());
    assert!(heard.0.lock().unwrap()[0].contains(real.to_str().unwrap()));
    assert_eq!(cluster.release().unwrap(), Released::Stopped);
    fs::remove_dir_all(&real).unwrap();
    let _ = fs::remove_dir(Path::new("/var/lib/lastroom"));
}
