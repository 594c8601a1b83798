//! What a storm leaves behind: rows that agree, and no trace of a deadlock.

use std::time::{Duration, Instant};

use super::app::TestApp;

/// How long the connections of a stopped server may take to end.
const LAST_CONNECTION: Duration = Duration::from_secs(10);

impl TestApp {
    /// Ends the server, and then says how often PostgreSQL found a deadlock (40P01) in this database.
    ///
    /// A backend counts its own at its end, so every other user of the database must have left.
    pub fn deadlocks(&mut self) -> i64 {
        self.stop();
        let others = "SELECT count(*) FROM pg_stat_activity
                      WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
        let deadline = Instant::now() + LAST_CONNECTION;
        while self.number(others) > 0 {
            assert!(Instant::now() < deadline, "somebody still uses the database");
            std::thread::sleep(Duration::from_millis(10));
        }
        self.number("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    }

    /// Ends the server: every invariant holds by the rows alone, and no deadlock ever had to be broken.
    #[track_caller]
    pub fn sound(&mut self) {
        assert_eq!(self.deadlocks(), 0, "deadlocks: the lock order is broken somewhere");
        self.verified();
    }
}
