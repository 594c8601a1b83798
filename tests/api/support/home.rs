//! A data directory of one test's own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;

use diesel::prelude::*;
use diesel::sql_types::Text;
use lastroom::db::embedded::{Durability, EmbeddedError, MAINTENANCE_DATABASE, PrivateCluster, Progress, Settings};

/// Keeps what it hears.
#[derive(Default)]
pub struct Heard(pub Mutex<Vec<String>>);

impl Progress for Heard {
    fn step(&self, message: &str) {
        self.0.lock().unwrap().push(message.to_owned());
    }
    fn bytes(&self, _done: u64, _total: Option<u64>) {}
}

/// A data directory of one test's own; its server does not outlive it.
pub struct Home {
    _outer: tempfile::TempDir,
    pub data_dir: PathBuf,
}

impl Home {
    pub fn new() -> Self {
        Self::below("data")
    }

    pub fn below(path: &str) -> Self {
        // Root's server runs as another user, who must be able to enter.
        let open = fs::Permissions::from_mode(0o755);
        let outer = tempfile::Builder::new().permissions(open).tempdir().unwrap();
        let data_dir = outer.path().join(path);
        Self { _outer: outer, data_dir }
    }

    pub fn settings(&self, durability: Durability) -> Settings {
        Settings { data_dir: self.data_dir.clone(), pg_bin: None, durability }
    }

    pub fn try_acquire(&self) -> Result<PrivateCluster, EmbeddedError> {
        PrivateCluster::acquire(&self.settings(Durability::None), &Heard::default())
    }

    pub fn acquire(&self) -> PrivateCluster {
        self.try_acquire().unwrap()
    }

    pub fn acquire_durable(&self) -> PrivateCluster {
        PrivateCluster::acquire(&self.settings(Durability::Full), &Heard::default()).unwrap()
    }

    pub fn cluster(&self, name: &str) -> PathBuf {
        self.data_dir.join("pg").join(name)
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.data_dir.join("pg.log")).unwrap_or_default()
    }

    /// The postmaster and its children, parents first.
    pub fn processes(&self) -> Vec<u32> {
        let postmaster = self.postmaster().expect("a running server");
        let listed = Command::new("ps").args(["-axo", "pid=,ppid="]).output().expect("ps is installed");
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        let pair = |line: &str| {
            let mut numbers = line.split_whitespace().filter_map(|word| word.parse::<u32>().ok());
            Some((numbers.next()?, numbers.next()?))
        };
        let children = text.lines().filter_map(pair).filter(|(_, parent)| *parent == postmaster);
        std::iter::once(postmaster).chain(children.map(|(pid, _)| pid)).collect()
    }

    pub fn postmaster(&self) -> Option<u32> {
        let text = fs::read_to_string(self.cluster("postmaster.pid")).ok()?;
        text.lines().next()?.parse().ok()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(pid) = self.postmaster().filter(|pid| *pid != std::process::id()) {
            kill("-QUIT", &[pid]);
        }
    }
}

/// Signals processes as a person would.
pub fn kill(signal: &str, pids: &[u32]) {
    let pids = pids.iter().map(u32::to_string);
    let sent = Command::new("kill").arg(signal).args(pids).output();
    sent.expect("kill is installed");
}

pub fn connect(cluster: &PrivateCluster) -> PgConnection {
    PgConnection::establish(&cluster.url(MAINTENANCE_DATABASE)).unwrap()
}

pub fn answer(connection: &mut PgConnection, query: &str) -> String {
    diesel::select(diesel::dsl::sql::<Text>(query)).get_result(connection).unwrap()
}

pub fn setting(cluster: &PrivateCluster, name: &str) -> String {
    answer(&mut connect(cluster), &format!("current_setting('{name}')"))
}
