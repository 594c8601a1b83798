//! Random sequences of calls, time and staff's changes: the server does and answers what a plain model in memory says,
//! step by step. Where it does not, proptest shrinks the sequence to the shortest that shows it.
//!
//! Each case is a new hotel with new guests. Time passes by moving the case's rows, and stands still between commands.
//! An offer's time is in its signature, where no row can be moved: offers never grow old here.

mod answers;
mod calls;
mod command;

mod house;
mod look;
mod money;
mod play;
mod rows;
mod rules;

use std::cell::RefCell;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use lastroom::db::{Db, PoolSettings};
use lastroom::holds::sweeper;
use lastroom::verify;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::support::{Guest, Start, TestApp, noon};
use command::{Case, Command, GUESTS};
use house::House;
use play::{Play, Tally};
use rows::Rows;

/// The sweep runs when a command says so.
const NEVER_MS: &str = "3600000";

/// A server, guests, and a sweeper at hand. It serves one case after another until one fails.
struct Stage {
    app: TestApp,
    sweeper: Db,
    guests: Vec<Guest>,
}

impl Stage {
    async fn set() -> Self {
        let app = TestApp::start_with(Start::Migrated, |given| {
            given.sweep_interval_ms = Some(NEVER_MS.to_owned());
            given.hold_limit = Some(house::HOLD_LIMIT.to_string());
        })
        .await;
        app.execute(rows::DEAF);
        let second = Duration::from_secs(1);
        let settings = PoolSettings {
            url: app.database.url(),
            size: 1,
            wait: 5 * second,
            lock_timeout: 5 * second,
            statement_timeout: 5 * second,
            durable: true,
            patience: 10 * second,
        };
        let mut guests = Vec::new();
        for _ in 0..GUESTS {
            guests.push(app.guest());
        }
        Self { sweeper: Db::new(&settings), app, guests }
    }

    /// How often each call was answered how.
    async fn play(&self, capacity: [i64; house::ROOMS], commands: &[Command]) -> Result<Tally, String> {
        let (zone, today) = noon();
        let house = House::new(capacity);
        let rows = Rows::insert(self.app.connect(), &house, &zone, today)?;
        let mut play = Play::new(&self.guests, &self.sweeper, rows, house);
        for (at, command) in commands.iter().enumerate() {
            play.step(command).await.map_err(|error| format!("command {at}, {command:?}: {error}"))?;
        }
        play.end().await.map_err(|error| format!("at the end: {error}"))?;
        self.verified()?;
        Ok(play.tally)
    }

    fn verified(&self) -> Result<(), String> {
        let report = verify::examine(&mut self.app.connect()).map_err(|error| error.to_string())?;
        match report.lines.iter().find(|line| line.breaches > 0) {
            Some(line) => Err(format!("at the end: {line:#?}")),
            None => Ok(()),
        }
    }

    /// Lets go of whatever guests still have; whether nothing is left of it.
    async fn is_clean(&self) -> bool {
        let cleared = self.app.connect().batch_execute(rows::CLEARED).is_ok();
        cleared && sweeper::sweep(&self.sweeper).await.is_ok() && self.verified().is_ok()
    }
}

/// Plays cases, and keeps the stage from one to the next.
#[derive(Default)]
struct Theatre {
    stage: RefCell<Option<Stage>>,
    tally: RefCell<Tally>,
}

impl Theatre {
    fn play(&self, (capacity, commands): &Case) -> Result<(), String> {
        Handle::current().block_on(async {
            let ready = self.stage.take();
            let ready = if let Some(ready) = ready { ready } else { Stage::set().await };
            let played = ready.play(*capacity, commands).await;
            // What a failed case leaves behind is nobody else's to explain.
            if played.is_ok() || ready.is_clean().await {
                self.stage.replace(Some(ready));
            }
            for (outcome, times) in played? {
                *self.tally.borrow_mut().entry(outcome).or_default() += times;
            }
            Ok(())
        })
    }

    /// Leaves out whatever the case fails without. Proptest does so once; a command less may make another one idle.
    fn shorten(&self, case: Case, mut reason: String) -> (Case, String) {
        let (capacity, mut commands) = case;
        let mut at = commands.len();
        while let Some(next) = at.checked_sub(1) {
            at = next;
            let mut fewer = commands.clone();
            fewer.remove(at);
            if let Err(error) = self.play(&(capacity, fewer.clone())) {
                (commands, reason) = (fewer, error);
                at = commands.len();
            }
        }
        ((capacity, commands), reason)
    }
}

fn try_cases(config: Config, most_commands: usize) {
    let theatre = Theatre::default();
    let config = Config { failure_persistence: None, ..config };
    let run = |case: Case| theatre.play(&case).map_err(TestCaseError::fail);
    let outcome = block_in_place(|| match TestRunner::new(config).run(&command::case(most_commands), run) {
        Err(TestError::Fail(reason, case)) => Err(theatre.shorten(case, reason.message().to_owned())),
        other => Ok(other),
    });
    theatre.tally.take().into_iter().for_each(|(outcome, times)| eprintln!("{times:6} {outcome}"));
    match outcome {
        Ok(other) => assert!(other.is_ok(), "{other:?}"),
        Err(((capacity, commands), reason)) => {
            let commands: Vec<_> = commands.iter().map(|command| format!("  {command:?}")).collect();
            panic!("rooms {capacity:?}\n{}\n{reason}", commands.join("\n"));
        }
    }
}

/// Six cases, a few seconds, always.
#[tokio::test(flavor = "multi_thread")]
async fn random_sequences_end_as_the_model_says() {
    try_cases(Config { cases: 6, max_shrink_iters: 400, ..Config::default() }, 40);
}

/// As many cases as `PROPTEST_CASES` says, 256 unless it does.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes"]
async fn many_random_sequences_end_as_the_model_says() {
    try_cases(Config { max_shrink_iters: 400, ..Config::default() }, 80);
}
