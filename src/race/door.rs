//! The way to the server: calls that are sent, with one key, until the answer is definite.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, IF_MATCH};
use reqwest::redirect::Policy;
use reqwest::{Client, Method};
use serde::Serialize;
use uuid::Uuid;

use super::RaceError;
use super::call::{Answer, Call, Unanswered};

/// How long an answer may take before the call is sent again.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a call is sent that has no definite answer. The longest that one may be "in progress" is a lease of 30 s.
const MOST_TRIES: u32 = 90;
/// Before the next try, unless the server says how long.
const PAUSE: Duration = Duration::from_millis(100);
/// However long the server says.
const MOST_PAUSE: Duration = Duration::from_secs(2);
/// How often chaos drops the connection of one call; after that it waits for the answer.
const MOST_DROPS: u32 = 4;
/// Chaos drops a connection after less than 2 to the power of this, in ms.
const LONGEST_DROP_EXPONENT: u32 = 7;

/// What happened on the way to the definite answers.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tally {
    /// Calls sent, each try counted.
    pub sent: u64,
    /// Connections that chaos dropped.
    pub dropped: u64,
    /// Connections that broke by themselves, or were refused.
    pub broken: u64,
    /// 503 or 429 with Retry-After: tried again.
    pub busy: u64,
    /// 409 `idempotency_in_progress`: tried again.
    pub in_progress: u64,
    /// Definite answers that an earlier try had brought about.
    pub replayed: u64,
    /// 5xx but a 503 with Retry-After, with the calls.
    pub failures: Vec<String>,
}

/// The way to the server, shared by all.
#[derive(Clone)]
pub struct Door(Arc<Inner>);

struct Inner {
    client: Client,
    base: RwLock<String>,
    tally: Mutex<Tally>,
}

impl Door {
    /// To the race's own server at an address.
    pub fn to_own(address: &str) -> Result<Self, RaceError> {
        // On this machine, without TLS: a machine without any certificate authority will do.
        Self::new(Client::builder().no_proxy().tls_certs_only([]), &format!("http://{address}"))
    }

    /// To a server that runs somewhere.
    pub fn to_remote(url: &str) -> Result<Self, RaceError> {
        let url = url.trim().trim_end_matches('/');
        let client = match url.split_once("://") {
            Some(("http", host)) if !host.is_empty() => Client::builder().tls_certs_only([]),
            Some(("https", host)) if !host.is_empty() => Client::builder(),
            _ => return Err(RaceError::Option("--url must begin with http:// or https://".to_owned())),
        };
        Self::new(client, url)
    }

    fn new(client: reqwest::ClientBuilder, base: &str) -> Result<Self, RaceError> {
        let client = client.redirect(Policy::none()).timeout(PATIENCE).build();
        let client = client.map_err(|error| RaceError::Machine(error.to_string()))?;
        let (base, tally) = (RwLock::new(base.to_owned()), Mutex::default());
        Ok(Self(Arc::new(Inner { client, base, tally })))
    }

    /// The server was started again, at another address.
    pub fn moves_to(&self, address: &str) {
        *self.0.base.write().unwrap_or_else(PoisonError::into_inner) = format!("http://{address}");
    }

    pub fn url(&self) -> String {
        self.0.base.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn tally(&self) -> Tally {
        self.0.tally.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self, change: impl FnOnce(&mut Tally)) {
        change(&mut self.0.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// One try.
    pub async fn once(&self, call: &Call) -> Result<Answer, reqwest::Error> {
        let url = format!("{}/api/v1{}", self.url(), call.path);
        let mut request = self.0.client.request(call.method.clone(), url);
        if let Some(token) = &call.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if call.method == Method::POST {
            request = request.header("idempotency-key", &call.key);
        }
        if call.method == Method::DELETE {
            request = request.header(IF_MATCH, "*");
        }
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        self.count(|tally| tally.sent += 1);
        let response = request.send().await?;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let retry_after = header("retry-after").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        let (status, replayed) = (response.status().as_u16(), header("idempotency-replayed").is_some());
        // A body that is no JSON is as good as none: whoever needs something of it will miss it.
        let body = serde_json::from_slice(&response.bytes().await?).unwrap_or_default();
        Ok(Answer { status, body, retry_after, replayed })
    }

    /// Sends until the answer is definite.
    pub async fn ask(&self, call: &Call) -> Result<Answer, Unanswered> {
        self.insist(call, 0).await
    }

    /// The same, but now and then the connection is dropped on the way and the call sent again.
    pub async fn ask_in_chaos(&self, call: &Call) -> Result<Answer, Unanswered> {
        self.insist(call, MOST_DROPS).await
    }

    async fn insist(&self, call: &Call, mut drops: u32) -> Result<Answer, Unanswered> {
        let mut last = String::new();
        let mut tries = 0;
        while tries < MOST_TRIES {
            let answer = if drops > 0 && chance().is_multiple_of(2) {
                let patience =
                    Duration::from_millis(chance() % (1 << (1 + chance() % u64::from(LONGEST_DROP_EXPONENT))));
                let Ok(answer) = tokio::time::timeout(patience, self.once(call)).await else {
                    drops -= 1;
                    self.count(|tally| tally.dropped += 1);
                    continue;
                };
                answer
            } else {
                self.once(call).await
            };
            tries += 1;
            let pause = match answer {
                Ok(answer) if answer.is_not_yet() => {
                    self.count(|tally| match answer.status {
                        409 => tally.in_progress += 1,
                        _ => tally.busy += 1,
                    });
                    last = answer.to_string();
                    answer.retry_after.unwrap_or(PAUSE).min(MOST_PAUSE)
                }
                Ok(answer) => {
                    self.count(|tally| definite(tally, call, &answer));
                    return Ok(answer);
                }
                Err(error) => {
                    self.count(|tally| tally.broken += 1);
                    last = why(error);
                    PAUSE
                }
            };
            // Not all at the same moment again.
            tokio::time::sleep(pause + PAUSE * u32::try_from(chance() % 5).unwrap_or_default()).await;
        }
        Err(Unanswered { call: call.name(), tries, last })
    }
}

fn definite(tally: &mut Tally, call: &Call, answer: &Answer) {
    tally.replayed += u64::from(answer.replayed);
    if answer.status >= 500 {
        tally.failures.push(format!("{}: {answer}", call.name()));
    }
}

/// The innermost reason, which is what people know: connection refused, certificate unknown.
pub fn why(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut reason: &dyn std::error::Error = &error;
    while let Some(source) = reason.source() {
        reason = source;
    }
    reason.to_string()
}

/// Any number.
fn chance() -> u64 {
    Uuid::new_v4().as_u64_pair().1 >> 8
}
