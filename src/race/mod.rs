//! A race for the last rooms, for anybody who doubts: many guests ask for the same nights at the same instant, by the HTTP
//! API alone, and what they were told is compared with what the server then says of its stock, holds, bookings and payments.
//!
//! It shares no code with what it examines, and knows of a server only what a client may. `verdict` is what counts as a
//! fault; the rest brings it about: `server` (one of its own, killed and started again in a race with chaos), `door` (calls
//! that are sent until the answer is definite), `hotel`, `crowd`, `walk` (a guest's way), `round`, and `report`.

mod call;
mod crowd;
mod door;
mod ending;
mod error;
mod hotel;
mod latency;
mod plan;
mod report;
mod round;
mod server;
mod verdict;
mod walk;

use std::time::Instant;

use tokio::signal::unix::{SignalKind, signal};

pub use error::RaceError;
pub use plan::{Plan, Target};
pub use report::Report;

use crowd::Session;
use door::Door;
use hotel::Hotel;
use round::Round;
use server::OwnServer;

/// What every round stands on.
struct Stage {
    plan: Plan,
    door: Door,
    admin: Session,
    hotel: Hotel,
    guests: Vec<Session>,
}

/// Races, and says how it was. `tell` hears what is being done.
///
/// # Errors
/// Where nothing could be judged. What was judged, good or bad, is in the report.
pub async fn run(plan: Plan, target: Target, tell: &dyn Fn(&str)) -> Result<Report, RaceError> {
    let plan = plan.checked()?;
    match target {
        Target::Remote { url, email, password } => {
            let door = Door::to_remote(&url)?;
            interruptible(race(plan, door, (&email, &password), None, tell)).await
        }
        Target::Own { settings } => {
            let mut server = OwnServer::new(settings)?;
            let raced = interruptible(race_at_home(plan, &mut server, tell)).await;
            // Whatever happened: nothing of it is left behind.
            let stopped = server.stop().await;
            let report = raced?;
            stopped.map(|()| report)
        }
    }
}

async fn race_at_home(plan: Plan, server: &mut OwnServer, tell: &dyn Fn(&str)) -> Result<Report, RaceError> {
    tell("starting a server for the race");
    let door = Door::to_own(&server.start().await?)?;
    let (email, password) = server.admin();
    race(plan, door, (&email, &password), Some(server), tell).await
}

async fn race(
    plan: Plan,
    door: Door,
    (email, password): (&str, &secrecy::SecretString),
    mut server: Option<&mut OwnServer>,
    tell: &dyn Fn(&str),
) -> Result<Report, RaceError> {
    let begun = Instant::now();
    let admin = Session::open_first(&door, email, password).await?;
    tell("making the race hotel");
    let hotel = Hotel::make(&door, &admin, &plan).await?;
    let guests = crowd::gather(&door, plan.clients, tell).await?;
    let mut stage = Stage { plan, door, admin, hotel, guests };
    let mut report = Report::new(&stage, server.is_some());
    let mut rounds = Vec::new();
    for number in 0..plan.rounds {
        stage.renew().await?;
        let mut round = Round::race(&stage, number).await?;
        if let (true, Some(server)) = (plan.chaos, &mut server) {
            stage.door.moves_to(&server.kill_and_restart().await?);
            report.kills += 1;
        }
        let verdict = round.judge(&stage).await;
        tell(&round.line(plan.rounds));
        report.add(&round, verdict);
        round.give_back(&stage).await;
        round.forget_the_others();
        rounds.push(round);
    }
    tell("looking at everything once more");
    report.faults.extend(ending::judge(&mut stage, &rounds).await);
    report.hotel_was_deleted = stage.hotel.delete(&stage.door, &stage.admin).await;
    report.close(&stage.door.tally(), begun.elapsed());
    Ok(report)
}

impl Stage {
    /// Long races outlive access tokens.
    async fn renew(&mut self) -> Result<(), RaceError> {
        self.admin.renew(&self.door).await?;
        for guest in &mut self.guests {
            guest.renew(&self.door).await?;
        }
        Ok(())
    }
}

/// The work, unless Ctrl-C or SIGTERM comes first.
async fn interruptible<T>(work: impl Future<Output = Result<T, RaceError>>) -> Result<T, RaceError> {
    let listen = |kind| signal(kind).map_err(|error| RaceError::Machine(error.to_string()));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    tokio::select! {
        done = work => done,
        _ = interrupt.recv() => Err(RaceError::Interrupted),
        _ = terminate.recv() => Err(RaceError::Interrupted),
    }
}
