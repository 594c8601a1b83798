//! Why nothing was judged.

use super::call::{Answer, Unanswered};

/// Why a race ended before its verdict.
#[derive(Debug, thiserror::Error)]
pub enum RaceError {
    /// An option that cannot be used.
    #[error("{0}")]
    Option(String),
    /// Nobody answers at the address.
    #[error("cannot reach {url}: {why}")]
    Unreachable { url: String, why: String },
    /// Somebody answers, but not like Lastroom.
    #[error("{url} does not answer like Lastroom: {answer}")]
    Stranger { url: String, answer: String },
    /// The address or the password is wrong.
    #[error("cannot sign in as {0}: the address or the password is wrong")]
    Credentials(String),
    /// Hotels are made by admins.
    #[error("{0} is no admin: only an admin can make the race hotel")]
    NoAdmin(String),
    /// The preparation was refused.
    #[error("{call} was answered {answer}")]
    Unexpected { call: String, answer: String },
    /// The preparation had no definite answer, though there was one before.
    #[error("{0}")]
    Unanswered(#[from] Unanswered),
    /// The server failed while the race was prepared.
    #[error("the server failed: {call} was answered {answer}")]
    ServerFailed { call: String, answer: String },
    /// The race's own server was killed and did not come back.
    #[error("the server did not recover from kill -9: {0}")]
    NotRecovered(String),
    /// The race's own server cannot be started.
    #[error("cannot start a server for the race: {0}")]
    Server(String),
    /// What the race needs of this machine.
    #[error("cannot race on this machine: {0}")]
    Machine(String),
    /// Ctrl-C.
    #[error("interrupted before the end")]
    Interrupted,
}

impl RaceError {
    /// Whether it speaks against the server, rather than against how the race was asked for.
    #[must_use]
    pub fn is_a_failure(&self) -> bool {
        matches!(self, Self::ServerFailed { .. } | Self::NotRecovered(_) | Self::Unanswered(_))
    }

    /// An answer that the preparation cannot go on from.
    pub(super) fn unexpected(call: &str, answer: &Answer) -> Self {
        let (call, told) = (call.to_owned(), answer.to_string());
        if answer.status >= 500 {
            Self::ServerFailed { call, answer: told }
        } else {
            Self::Unexpected { call, answer: told }
        }
    }
}
