//! PostgreSQL for the tests: one private cluster under `target/`, a migrated template, a clone of it for each test.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Integer;
use lastroom::db::embedded::{Durability, PrivateCluster, Progress, Settings};
use lastroom::db::roles::{self, Roles};
use lastroom::db::{PoolSettings, migrate};
use lastroom::kernel::secret::sha256;

use super::home::Home;

/// How long sessions that were ended may take to end.
const LAST_SESSION: Duration = Duration::from_secs(10);

/// The shared cluster of this process; the last test that lets go of it stops it, unless another process uses it too.
static CLUSTER: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());

struct Cluster {
    private: Option<PrivateCluster>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(cluster) = self.private.take() {
            cluster.release().expect("the tests' PostgreSQL stops");
        }
    }
}

impl Cluster {
    /// The one that the tests share.
    fn shared() -> Arc<Self> {
        let mut shared = CLUSTER.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cluster) = shared.upgrade() {
            return cluster;
        }
        let settings = Settings {
            data_dir: PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("postgres"),
            pg_bin: std::env::var_os("LASTROOM_PG_BIN").map(PathBuf::from),
            durability: Durability::None,
        };
        let private = PrivateCluster::acquire(&settings, &Quiet).expect("a PostgreSQL for the tests");
        let cluster = Arc::new(Self { private: Some(private) });
        *shared = Arc::downgrade(&cluster);
        cluster
    }

    fn url(&self, database: &str) -> String {
        self.private.as_ref().expect("it is there until it is dropped").url(database)
    }

    /// As a role with no more rights than it needs.
    fn url_as(&self, role: &str, database: &str) -> String {
        self.private.as_ref().expect("it is there until it is dropped").url_as(role, database)
    }

    fn connect(&self, database: &str) -> PgConnection {
        PgConnection::establish(&self.url(database)).expect("a connection to the tests' PostgreSQL")
    }
}

struct Quiet;

impl Progress for Quiet {
    fn step(&self, _: &str) {}
    fn bytes(&self, _: u64, _: Option<u64>) {}
}

/// What a test's database begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Not even tables.
    Blank,
    /// The schema.
    Migrated,
    /// The schema and the demo catalogue.
    Demo,
}

/// A database of one test; dropped with it.
pub struct Database {
    pub name: String,
    start: Start,
    cluster: Arc<Cluster>,
    past: Mutex<Option<PgConnection>>,
}

impl Database {
    pub fn create(start: Start) -> Self {
        Self::create_on(Cluster::shared(), start)
    }

    /// In a cluster of the test's own, as durable as a real one, for tests that hurt it.
    pub fn create_in(home: &Home, start: Start) -> Self {
        Self::create_on(Arc::new(Cluster { private: Some(home.acquire_durable()) }), start)
    }

    /// Without tables, and in another encoding than the cluster's.
    pub fn encoded(encoding: &str) -> Self {
        Self::copy_of("template0", &format!("ENCODING '{encoding}' LOCALE 'C'"), Cluster::shared(), Start::Blank)
    }

    fn create_on(cluster: Arc<Cluster>, start: Start) -> Self {
        let template = match start {
            Start::Blank => "template0".to_owned(),
            Start::Migrated | Start::Demo => template(&cluster, start),
        };
        Self::copy_of(&template, "", cluster, start)
    }

    fn copy_of(template: &str, options: &str, cluster: Arc<Cluster>, start: Start) -> Self {
        let name = format!("test_{}", uuid::Uuid::now_v7().simple());
        cluster
            .connect("postgres")
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY {options}"))
            .expect("a clone of the template");
        Self { name, start, cluster, past: Mutex::new(None) }
    }

    pub fn url(&self) -> String {
        self.cluster.url(&self.name)
    }

    /// As the server connects: by the application's role. A database without tables has nobody's rights on them.
    pub fn app_url(&self) -> String {
        match self.start {
            Start::Blank => self.url(),
            Start::Migrated | Start::Demo => self.url_as(roles::APPLICATION),
        }
    }

    pub fn url_as(&self, role: &str) -> String {
        self.cluster.url_as(role, &self.name)
    }

    pub fn connect(&self) -> PgConnection {
        self.cluster.connect(&self.name)
    }

    /// Works on a connection that is kept from one time to the next: each new one costs PostgreSQL a process.
    pub fn past<T>(&self, work: impl FnOnce(&mut PgConnection) -> T) -> T {
        let mut kept = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        let alive = kept.take().and_then(|mut conn| conn.batch_execute("").is_ok().then_some(conn));
        work(kept.insert(alive.unwrap_or_else(|| self.connect())))
    }

    /// Ends the kept connection, so that no session is the test's own.
    fn let_go(&self) {
        let kept = self.past.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(pid) = kept
            .and_then(|mut conn| diesel::select(sql::<Integer>("pg_backend_pid()")).get_result::<i32>(&mut conn).ok())
        else {
            return;
        };
        let sql = format!("SELECT FROM pg_stat_activity WHERE pid = {pid} AND datname = '{}'", self.name);
        await_none(&mut self.cluster.connect("postgres"), &sql);
    }

    pub fn connect_as(&self, role: &str) -> PgConnection {
        PgConnection::establish(&self.url_as(role)).expect("a connection of the role's")
    }

    /// Takes the database away from everybody: every session ends, and none begins.
    pub fn close(&self) {
        let mut admin = self.cluster.connect("postgres");
        admin.batch_execute(&format!("ALTER DATABASE {} ALLOW_CONNECTIONS false", self.name)).expect("a closed door");
        self.end_sessions();
    }

    /// Ends every session that there is, and waits until each is gone; how many they were.
    pub fn end_sessions(&self) -> usize {
        self.let_go();
        let mut admin = self.cluster.connect("postgres");
        let ended = format!(
            "CREATE TEMP TABLE ended AS SELECT pid, backend_start, pg_terminate_backend(pid)
             FROM pg_stat_activity WHERE datname = '{}'",
            self.name
        );
        let ended = diesel::sql_query(ended).execute(&mut admin).expect("a superuser");
        await_none(&mut admin, "SELECT FROM pg_stat_activity JOIN ended USING (pid, backend_start)");
        ended
    }

    /// Waits until nobody uses it.
    pub fn await_silence(&self) {
        self.let_go();
        let sql = format!("SELECT FROM pg_stat_activity WHERE datname = '{}'", self.name);
        await_none(&mut self.cluster.connect("postgres"), &sql);
    }

    /// Gives it back.
    pub fn reopen(&self) {
        let mut admin = self.cluster.connect("postgres");
        admin.batch_execute(&format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", self.name)).expect("an open door");
    }
}

/// Waits until a query yields nothing.
fn await_none(conn: &mut PgConnection, sql: &str) {
    let deadline = Instant::now() + LAST_SESSION;
    while diesel::sql_query(sql).execute(conn).expect("a query") > 0 {
        assert!(Instant::now() < deadline, "still there: {sql}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        if let Err(error) = self.cluster.connect("postgres").batch_execute(&sql) {
            eprintln!("{} stays behind: {error}", self.name);
        }
    }
}

/// The template's name, after making it if this version of the schema has none. Processes and threads that want it at
/// the same time wait for one another.
fn template(cluster: &Cluster, start: Start) -> String {
    let demo = start == Start::Demo;
    let name = format!("template_{}{}", fingerprint(), if demo { "_demo" } else { "" });
    let mut admin = cluster.connect("postgres");
    admin.batch_execute("SELECT pg_advisory_lock(4711)").expect("the templates' lock");
    let known = diesel::sql_query(format!("SELECT 1 FROM pg_database WHERE datname = '{name}'"))
        .execute(&mut admin)
        .expect("the list of databases");
    if known == 0 {
        let making = format!("making_{}", uuid::Uuid::now_v7().simple());
        admin.batch_execute(&format!("CREATE DATABASE {making} TEMPLATE template0")).expect("a database");
        roles::establish(&mut cluster.connect(&making), &Roles::private()).expect("the roles");
        let owner = cluster.url_as(roles::OWNER, &making);
        let mut conn = PgConnection::establish(&owner).expect("a connection of the owner's");
        migrate::run_pending(&mut conn).expect("the migrations");
        roles::grant(&mut conn, roles::APPLICATION).expect("the application's rights");
        drop(conn);
        if demo {
            fill_demo(owner);
        }
        admin.batch_execute(&format!("ALTER DATABASE {making} RENAME TO {name}")).expect("the template's name");
    }
    admin.batch_execute("SELECT pg_advisory_unlock(4711)").expect("the templates' lock");
    name
}

/// A pool of one patient connection.
pub fn pool(url: String) -> PoolSettings {
    PoolSettings {
        url,
        size: 1,
        wait: Duration::from_secs(5),
        patience: Duration::from_secs(60),
        lock_timeout: Duration::from_secs(5),
        statement_timeout: Duration::from_secs(30),
        durable: true,
    }
}

/// On a thread and a runtime of its own, for callers inside and outside of one.
fn fill_demo(url: String) {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let db = lastroom::db::Db::new(&pool(url));
        assert!(runtime.block_on(lastroom::hotels::demo::fill(&db)).expect("the demo catalogue"));
    })
    .join()
    .expect("the demo catalogue");
}

/// Changes with every change of what templates are made of.
fn fingerprint() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut steps: Vec<_> = fs::read_dir(root.join("migrations"))
        .expect("the migrations")
        .map(|step| step.expect("a step").path())
        .collect();
    steps.sort();
    let read = |path| fs::read_to_string(root.join(path)).expect("a source");
    let sources = ["src/hotels/demo.rs", "src/db/roles/mod.rs", "src/db/roles/powers.rs", "src/db/roles/rights.rs"];
    let mut text = sources.map(read).concat();
    for step in steps {
        text.push_str(&fs::read_to_string(step.join("up.sql")).expect("a step up"));
    }
    sha256(text.as_bytes()).iter().take(6).fold(String::new(), |name, byte| format!("{name}{byte:02x}"))
}
