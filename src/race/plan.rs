//! What is to be raced, and where.

use secrecy::SecretString;
use serde::Serialize;

use super::RaceError;

/// Each is an account, and a connection at the server.
const MOST_CLIENTS: usize = 1_000;
const MOST_ROOMS: usize = 1_000;
const MOST_ROUNDS: usize = 1_000;
/// The longest stay that is sold.
const MOST_NIGHTS: usize = 99;
/// Each round has nights of its own, and stock is kept for ten years ahead.
const MOST_NIGHTS_IN_ALL: usize = 3_600;

/// A race.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Plan {
    pub clients: usize,
    /// Rooms left.
    pub rooms: usize,
    pub rounds: usize,
    /// Nights a stay.
    pub nights: usize,
    /// Whether the winners pay and confirm.
    pub pay: bool,
    /// Whether connections are dropped, and the race's own server is killed.
    pub chaos: bool,
}

/// Where to race.
pub enum Target {
    /// A fresh server, made for the race with these settings: names of environment variables, and values.
    Own { settings: Vec<(&'static str, String)> },
    /// A server that runs, and an admin of it.
    Remote { url: String, email: String, password: SecretString },
}

impl Plan {
    pub(super) fn checked(self) -> Result<Self, RaceError> {
        let limits = [
            ("--clients", self.clients, MOST_CLIENTS),
            ("--rooms", self.rooms, MOST_ROOMS),
            ("--rounds", self.rounds, MOST_ROUNDS),
            ("--nights", self.nights, MOST_NIGHTS),
        ];
        for (option, given, most) in limits {
            if !(1..=most).contains(&given) {
                return Err(RaceError::Option(format!("{option} must be 1 to {most}")));
            }
        }
        if self.rounds.saturating_mul(self.nights) > MOST_NIGHTS_IN_ALL {
            let rule = format!("--rounds times --nights must be at most {MOST_NIGHTS_IN_ALL}");
            return Err(RaceError::Option(rule));
        }
        Ok(self)
    }
}
