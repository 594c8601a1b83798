//! What a storm leaves behind: rows that agree, and no trace of a deadlock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::app::TestApp;
use super::storm::{Door, Told};

/// How long a server may take to do what is owed, all its pauses being run out.
const LAST_JOB: Duration = Duration::from_secs(60);

impl TestApp {
    /// Ends the server, and then says how often PostgreSQL found a deadlock (40P01) in this database.
    ///
    /// A backend counts its own at its end, so every other user of the database must have left.
    pub fn deadlocks(&mut self) -> i64 {
        self.stop();
        self.database.await_silence();
        self.number("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    }

    /// Ends the server: every invariant holds by the rows alone, and no deadlock ever had to be broken.
    #[track_caller]
    pub fn sound(&mut self) {
        assert_eq!(self.deadlocks(), 0, "deadlocks: the lock order is broken somewhere");
        self.verified();
    }

    /// Every table's rows, as a number and a hash each.
    /// But the seals of the audit log: they come a moment later than what they seal.
    pub fn snapshot(&self) -> BTreeMap<String, String> {
        let tables = self.text(
            "SELECT string_agg(table_name, ' ' ORDER BY table_name) FROM information_schema.tables
             WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
               AND table_name NOT IN ('audit_heads', 'audit_seals', 'audit_unsealed')",
        );
        let of = |table: &str| {
            format!(
                "SELECT '{table} ' || count(*) || ' ' || coalesce(md5(string_agg(t::text, ' ' ORDER BY t::text)), '') AS line
                 FROM {table} t"
            )
        };
        let all: Vec<_> = tables.split(' ').map(of).collect();
        let lines = self.text(&format!("SELECT string_agg(line, E'\\n') FROM ({}) every", all.join(" UNION ALL ")));
        let pairs = lines.lines().filter_map(|line| line.split_once(' '));
        pairs.map(|(table, rows)| (table.to_owned(), rows.to_owned())).collect()
    }

    /// What leases and pauses still hold back is due now: for work whose process is dead, and for jobs that failed.
    pub fn run_out_leases(&self) {
        self.execute(
            "UPDATE idempotency_keys SET lease_until = clock_timestamp() WHERE finished_at IS NULL;
             UPDATE payment_attempts SET lease_until = clock_timestamp() WHERE recovery_point <> 'settled';
             UPDATE jobs SET run_at = clock_timestamp(), leased_until = NULL WHERE done_at IS NULL;
             UPDATE simulator_deliveries SET send_at = clock_timestamp() WHERE delivered_at IS NULL",
        );
    }

    /// Waits until every job is done and every attempt settled, however often each failed during a storm.
    async fn pays_what_it_owes(&self) {
        let owed = "SELECT (SELECT count(*) FROM jobs WHERE done_at IS NULL)
                         + (SELECT count(*) FROM payment_attempts WHERE recovery_point <> 'settled')";
        let begun = Instant::now();
        while self.number(owed) > 0 {
            let errors =
                "(SELECT string_agg(concat(kind, ' ', tries, ' ', last_error), '; ') FROM jobs WHERE done_at IS NULL)";
            assert!(
                begun.elapsed() < LAST_JOB,
                "still owed: {}",
                self.text(&format!("coalesce({errors}, 'attempts')"))
            );
            self.run_out_leases();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Everything owed is done, each guest was told what is so, and is told the same again.
    pub async fn kept_its_word(&self, told: &[Told], door: &Door) {
        self.pays_what_it_owes().await;
        for (path, id, table) in [("/holds", "hold_id", "holds"), ("/bookings", "booking_id", "bookings")] {
            let made = told.iter().filter(|told| told.path == path && told.answer.status == 201);
            let ids: Vec<_> = made.map(|told| told.answer.json()[id].to_string()).collect();
            let different: BTreeSet<_> = ids.iter().collect();
            assert_eq!(different.len(), ids.len(), "{table}: one for two keys");
            assert_eq!(self.rows(table), i64::try_from(ids.len()).expect("a count"), "{table} that nobody was told of");
        }
        for told in told {
            told.assert_told_again(door).await;
        }
    }
}
