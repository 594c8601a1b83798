//! The production assembly, on a database of its own and a free port.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use lastroom::access::admin;
use lastroom::app::App;
use lastroom::config::{Config, Given};
use lastroom::db::Db;
use secrecy::SecretString;
use tokio::sync::oneshot;

use super::actors::{Guest, PASSWORD};
use super::crowd::{new_address, signed_in};
use super::database::{Database, Start, pool};

pub const SECRET: &str = "only for tests: 0123456789 abcdefghijklmnop";

const ADMIN_EMAIL: &str = "admin@lastroom.test";

/// A running server.
pub struct TestApp {
    pub database: Arc<Database>,
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TestApp {
    /// On an empty schema.
    pub async fn start() -> Self {
        Self::start_with(Start::Migrated, |_| {}).await
    }

    /// On the demo catalogue.
    pub async fn start_demo() -> Self {
        Self::start_with(Start::Demo, |_| {}).await
    }

    /// With settings of one's own.
    pub async fn start_with(start: Start, change: impl FnOnce(&mut Given)) -> Self {
        Self::on(Arc::new(Database::create(start)), change).await
    }

    /// A server on a database that exists.
    pub async fn on(database: Arc<Database>, change: impl FnOnce(&mut Given)) -> Self {
        let (address, stop, thread) = serve(database.app_url(), config(&database.app_url(), change)).await;
        Self { database, address, stop: Some(stop), thread: Some(thread) }
    }

    /// One more server on the same database.
    pub async fn beside(&self) -> Self {
        Self::on(self.database.clone(), |_| {}).await
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A connection past the server.
    pub fn connect(&self) -> PgConnection {
        self.database.connect()
    }

    /// What the commands work with, beside the server.
    pub fn db(&self) -> Db {
        Db::new(&pool(self.database.url()))
    }

    /// Runs SQL past the server.
    pub fn execute(&self, sql: &str) {
        self.database.past(|conn| conn.batch_execute(sql)).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The one number that a query yields.
    #[track_caller]
    pub fn number(&self, sql: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Number {
            #[diesel(sql_type = BigInt)]
            number: i64,
        }
        let query = diesel::sql_query(format!("SELECT ({sql})::bigint AS number"));
        let row: Result<Number, _> = self.database.past(|conn| query.get_result(conn));
        row.unwrap_or_else(|error| panic!("{sql}: {error}")).number
    }

    /// The one text that a query yields.
    #[track_caller]
    pub fn text(&self, sql: &str) -> String {
        #[derive(QueryableByName)]
        struct OneText {
            #[diesel(sql_type = Text)]
            text: String,
        }
        let query = diesel::sql_query(format!("SELECT ({sql})::text AS text"));
        let row: Result<OneText, _> = self.database.past(|conn| query.get_result(conn));
        row.unwrap_or_else(|error| panic!("{sql}: {error}")).text
    }

    /// Rows of a table.
    #[track_caller]
    pub fn rows(&self, table: &str) -> i64 {
        self.number(&format!("SELECT count(*) FROM {table}"))
    }

    /// Entries of the audit log that tell of a hotel.
    #[track_caller]
    pub fn entries(&self) -> i64 {
        self.number("SELECT count(*) FROM audit_entries WHERE hotel_id <> '00000000-0000-0000-0000-000000000000'")
    }

    /// Waits until every entry of the audit log has its seal.
    pub async fn all_sealed(&self) {
        self.eventually("SELECT count(*) FROM audit_unsealed", "0").await;
    }

    /// Waits up to 15 s for a query to yield a text.
    #[track_caller]
    pub fn eventually(&self, sql: &str, expected: &str) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let mut found = self.text(sql);
            for _ in 0..150 {
                if found == expected {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
                found = self.text(sql);
            }
            panic!("{caller}: {sql}: {found}, not {expected}");
        }
    }

    /// From now on the simulator's webhooks are an hour late: as good as lost.
    pub fn lose_webhooks(&self) {
        self.execute(
            "CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN NEW.send_at = clock_timestamp() + interval '1 hour'; RETURN NEW; END $$;
             CREATE TRIGGER late BEFORE INSERT ON simulator_deliveries FOR EACH ROW EXECUTE FUNCTION late()",
        );
    }

    /// Waits until the simulator has nothing more to tell, so that no webhook falls into what a test does next.
    pub async fn all_told(&self) {
        self.eventually("SELECT count(*) FROM simulator_deliveries WHERE delivered_at IS NULL", "0").await;
    }

    /// Every invariant holds, by the rows alone.
    #[track_caller]
    pub fn verified(&self) {
        let report = self.database.past(lastroom::verify::examine).expect("a database to examine");
        let breached: Vec<_> = report.lines.iter().filter(|line| line.breaches > 0).collect();
        assert!(report.is_clean(), "invariants that do not hold: {breached:#?}");
    }

    /// Somebody new, signed in. [`Guest::register`] is for whom the way in matters.
    pub fn guest(&self) -> Guest {
        signed_in(self, &new_address(), "guest")
    }

    /// An admin, signed in.
    pub fn admin(&self) -> Guest {
        signed_in(self, ADMIN_EMAIL, "admin")
    }

    /// The first admin, made as the settings make it, who has signed in.
    pub async fn first_admin(&self) -> Guest {
        let password = SecretString::from(PASSWORD);
        admin::ensure(&self.db(), ADMIN_EMAIL, Some(password)).await.expect("an admin");
        Guest::stranger(self).login(ADMIN_EMAIL, PASSWORD).await
    }

    /// Somebody with the role of managers, member of no hotel yet.
    pub fn manager(&self) -> Guest {
        let manager = self.guest();
        let email = &manager.email;
        self.execute(&format!(
            "INSERT INTO user_roles (user_id, role) SELECT user_id, 'manager' FROM users WHERE email = '{email}'"
        ));
        manager
    }

    /// Makes somebody a member of hotels past the server.
    pub fn grant(&self, manager: &Guest, hotel_ids: &[String]) {
        for hotel_id in hotel_ids {
            let email = &manager.email;
            self.execute(&format!(
                "INSERT INTO hotel_members (hotel_id, user_id) SELECT '{hotel_id}', user_id FROM users WHERE email = '{email}'"
            ));
        }
    }

    /// Stops the server; the database stays.
    pub fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server ends");
        }
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The settings of a test: small, quick, and nothing of the machine's environment.
pub fn config(url: &str, change: impl FnOnce(&mut Given)) -> Config {
    let mut given = Given {
        listen: Some("127.0.0.1:0".to_owned()),
        database_url: Some(url.to_owned()),
        secret_key: Some(SECRET.to_owned()),
        pool_size: Some("8".to_owned()),
        workers: Some("1".to_owned()),
        drain_s: Some("1".to_owned()),
        drain_notice_ms: Some("0".to_owned()),
        completer_interval_ms: Some("200".to_owned()),
        ..Given::default()
    };
    change(&mut given);
    Config::from_parts(given, "").expect("valid settings")
}

async fn serve(url: String, config: Config) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let (stop, stopped) = oneshot::channel::<()>();
    let (tell, told) = oneshot::channel();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = App::build(config, &SecretString::from(url), &SecretString::from(SECRET)).expect("the assembly");
            tell.send(app.address()).expect("somebody waits for the address");
            let signal = async move {
                let _dropped = stopped.await;
            };
            app.run_until_stopped(signal, std::future::pending()).await.expect("a clean end");
        });
    });
    (told.await.expect("an address"), stop, thread)
}
