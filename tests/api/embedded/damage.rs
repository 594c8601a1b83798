//! What killed processes, strangers and half-finished work leave behind.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use lastroom::db::embedded::{EmbeddedError, Released};

use crate::support::home::{Home, answer, connect, kill};

#[test]
fn a_server_left_behind_is_adopted_and_not_left_again() {
    let home = Home::new();
    drop(home.acquire());
    let server = home.postmaster().unwrap();
    let cluster = home.acquire();
    assert_eq!(home.postmaster(), Some(server));
    assert_eq!(cluster.release().unwrap(), Released::Stopped);
}

#[test]
#[ignore = "slow: three starts of a durable server, 8 s"]
fn a_killed_server_recovers_with_its_data() {
    let home = Home::new();
    let cluster = home.acquire_durable();
    let mut connection = connect(&cluster);
    connection.batch_execute("CREATE TABLE kept AS SELECT 'here' AS word").unwrap();
    kill("-KILL", &[home.postmaster().unwrap()]);
    let again = home.acquire_durable();
    assert_eq!(answer(&mut connect(&again), "(SELECT word FROM kept)"), "here");

    let pids = "(SELECT string_agg(pid::text, ' ') FROM pg_stat_activity)";
    let pids = answer(&mut connect(&again), pids);
    let mut pids: Vec<u32> = pids.split(' ').map(|pid| pid.parse().unwrap()).collect();
    pids.push(home.postmaster().unwrap());
    kill("-KILL", &pids);
    let once_more = home.acquire_durable();
    assert_eq!(answer(&mut connect(&once_more), "(SELECT word FROM kept)"), "here");
    drop((cluster, again));
    assert_eq!(once_more.release().unwrap(), Released::Stopped);
}

#[test]
#[ignore = "slow: an orphan is waited for, 4 s"]
fn a_busy_orphan_of_a_killed_server_is_waited_for() {
    let home = Home::new();
    let cluster = home.acquire();
    let mut busy = connect(&cluster);
    let orphan = thread::spawn(move || {
        let spin = "DO $$ DECLARE t timestamptz := clock_timestamp(); \
                    BEGIN WHILE clock_timestamp() < t + interval '2 s' LOOP END LOOP; END $$";
        let _ = busy.batch_execute(spin);
    });
    thread::sleep(Duration::from_millis(300));
    kill("-KILL", &[home.postmaster().unwrap()]);
    let begun = Instant::now();
    let again = home.acquire();
    assert!(begun.elapsed() > Duration::from_secs(1), "started beside an orphan");
    orphan.join().unwrap();
    drop(cluster);
    again.release().unwrap();
}

#[test]
#[ignore = "slow: a dead server is given time to answer, 4 s"]
fn releasing_a_server_that_died_is_quick_and_no_error() {
    let home = Home::new();
    let cluster = home.acquire();
    kill("-KILL", &[home.postmaster().unwrap()]);
    let begun = Instant::now();
    assert_eq!(cluster.release().unwrap(), Released::Stopped);
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_stale_pid_file_that_names_a_stranger_does_not_stop_the_start() {
    let home = Home::new();
    home.acquire().release().unwrap();
    let stranger = std::process::id();
    fs::write(home.cluster("postmaster.pid"), format!("{stranger}\n/elsewhere\n")).unwrap();
    fs::write(home.data_dir.join("run/.s.PGSQL.5432.lock"), format!("{stranger}\n")).unwrap();
    home.acquire().release().unwrap();
}

#[test]
fn an_unfinished_initdb_is_swept_away() {
    let home = Home::new();
    let unfinished = home.data_dir.join("pg.unfinished-1");
    fs::create_dir_all(&unfinished).unwrap();
    fs::write(unfinished.join("PG_VERSION"), "15\n").unwrap();
    home.acquire().release().unwrap();
    assert!(!unfinished.exists());
}

#[test]
fn a_cluster_of_another_major_version_is_left_alone() {
    let home = Home::new();
    home.acquire().release().unwrap();
    fs::write(home.cluster("PG_VERSION"), "99\n").unwrap();
    let error = home.try_acquire().unwrap_err();
    assert!(matches!(error, EmbeddedError::OtherMajor { cluster: 99, .. }), "{error}");
    assert!(home.cluster("base").exists());
}

#[test]
fn a_folder_that_is_no_cluster_is_left_alone() {
    let home = Home::new();
    fs::create_dir_all(home.cluster("precious")).unwrap();
    let error = home.try_acquire().unwrap_err();
    let by_owner_or_content = error.to_string();
    assert!(matches!(error, EmbeddedError::Foreign { .. }), "{by_owner_or_content}");
    assert!(home.cluster("precious").exists());
}

#[test]
fn a_start_that_fails_shows_what_the_server_said() {
    let home = Home::new();
    home.acquire().release().unwrap();
    let settings = home.cluster("postgresql.auto.conf");
    fs::write(settings, "work_mem = 'plenty'\n").unwrap();
    let error = home.try_acquire().unwrap_err();
    assert!(matches!(error, EmbeddedError::Start { .. }), "{error}");
    assert!(error.to_string().contains("work_mem"), "{error}");
}
