//! Who takes part: accounts, registered and signed in before the start.

use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use uuid::Uuid;

use super::RaceError;
use super::call::{Answer, Call};
use super::door::{Door, why};

/// Calls under way at the same time while the race is prepared.
pub const AT_ONCE: usize = 16;
/// Passwords are hashed on purpose slowly: more at once would only wait.
const SIGNING_IN_AT_ONCE: usize = 4;

/// Somebody who is signed in.
#[derive(Clone)]
pub struct Session {
    pub email: String,
    pub token: String,
    refresh_token: String,
    renewed: Instant,
    lives: Duration,
}

impl Session {
    /// Signs in where nobody knows yet whether anybody answers, and how.
    pub async fn open_first(door: &Door, email: &str, password: &SecretString) -> Result<Self, RaceError> {
        let call = login(email, password);
        let url = door.url();
        match door.once(&call).await {
            Err(error) => Err(RaceError::Unreachable { url, why: why(error) }),
            Ok(answer) if answer.status == 401 && answer.code() == "invalid_credentials" => {
                Err(RaceError::Credentials(email.to_owned()))
            }
            Ok(answer) if matches!(answer.status, 429 | 503) => Self::open(door, email, password).await,
            Ok(answer) => Self::of(email, &answer)
                .ok_or_else(|| RaceError::Stranger { url, answer: format!("{} to {}", answer, call.name()) }),
        }
    }

    async fn open(door: &Door, email: &str, password: &SecretString) -> Result<Self, RaceError> {
        let call = login(email, password);
        let answer = door.ask(&call).await?;
        Self::of(email, &answer).ok_or_else(|| RaceError::unexpected(&call.name(), &answer))
    }

    async fn register(door: &Door) -> Result<Self, RaceError> {
        let name = Uuid::new_v4().simple().to_string();
        let (email, password) = (format!("race-{name}@example.com"), SecretString::from(name));
        let account =
            json!({ "email": email, "password": password.expose_secret(), "full_name": "A Guest of the Race" });
        let call = Call::post("/auth/register", account);
        let answer = door.ask(&call).await?;
        if answer.status != 202 {
            return Err(RaceError::unexpected(&call.name(), &answer));
        }
        Self::open(door, &email, &password).await
    }

    fn of(email: &str, answer: &Answer) -> Option<Self> {
        let token = answer.field("access_token").as_str()?.to_owned();
        let refresh_token = answer.field("refresh_token").as_str()?.to_owned();
        let lives = Duration::from_secs(answer.field("expires_in").as_u64()?);
        Some(Self { email: email.to_owned(), token, refresh_token, renewed: Instant::now(), lives })
    }

    /// Takes another access token when half the life of this one is over.
    pub async fn renew(&mut self, door: &Door) -> Result<(), RaceError> {
        if self.renewed.elapsed() < self.lives / 2 {
            return Ok(());
        }
        let call = Call::post("/auth/refresh", json!({ "refresh_token": self.refresh_token }));
        let answer = door.ask(&call).await?;
        *self = Self::of(&self.email, &answer).ok_or_else(|| RaceError::unexpected(&call.name(), &answer))?;
        Ok(())
    }
}

fn login(email: &str, password: &SecretString) -> Call {
    Call::post("/auth/login", json!({ "email": email, "password": password.expose_secret() }))
}

/// So many guests.
pub async fn gather(door: &Door, clients: usize, tell: &dyn Fn(&str)) -> Result<Vec<Session>, RaceError> {
    let mut arriving = stream::iter(0..clients).map(|_| Session::register(door)).buffer_unordered(SIGNING_IN_AT_ONCE);
    let mut guests = Vec::with_capacity(clients);
    let step = clients.div_ceil(5);
    while let Some(guest) = arriving.next().await {
        guests.push(guest?);
        if guests.len().is_multiple_of(step) || guests.len() == clients {
            tell(&format!("registered and signed in {} of {clients} guests", guests.len()));
        }
    }
    Ok(guests)
}
