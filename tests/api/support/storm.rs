//! Guests who never give up: load for servers and databases that come and go, and what each guest was told.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::actors::{Answer, Guest, key};
use super::app::TestApp;
use super::builders::{Hotel, Terms};
use super::crowd::crowd;

/// Nobody asks longer than this for a definite answer.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);

/// Where the server is just now, and what it answers.
#[derive(Clone, Default)]
pub struct Door {
    address: Arc<Mutex<String>>,
    told: Arc<Mutex<BTreeMap<String, u64>>>,
}

impl Door {
    pub fn at(address: &str) -> Self {
        let door = Self::default();
        door.moves_to(address);
        door
    }

    pub fn moves_to(&self, address: &str) {
        address.clone_into(&mut self.address.lock().expect("the address"));
    }

    /// A guest who calls the server where it is now.
    fn caller(&self, guest: &Guest) -> Guest {
        guest.behind(&self.address.lock().expect("the address"))
    }

    /// How often each status and code was answered, and how often nothing.
    pub fn told(&self) -> BTreeMap<String, u64> {
        self.told.lock().expect("the tally").clone()
    }

    fn tell(&self, what: String) {
        *self.told.lock().expect("the tally").entry(what).or_default() += 1;
    }

    /// Sends until the answer is definite: a lost connection, a 503 and a call that still runs are none.
    pub async fn insist(&self, guest: &Guest, method: Method, path: &str, key: &str, body: Option<&Value>) -> Answer {
        let begun = Instant::now();
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        let headers = if body.is_some() { headers.as_slice() } else { &[] };
        loop {
            let guest = self.caller(guest);
            let body = body.map(|body| body.to_string().into_bytes());
            let answer = guest.attempt(method.clone(), path, headers, body).await;
            match answer {
                Err(_) => self.tell("no answer".to_owned()),
                Ok(answer) => {
                    let code =
                        serde_json::from_str(&answer.text).map_or(Value::Null, |body: Value| body["code"].clone());
                    self.tell(format!("{} {}", answer.status, code.as_str().unwrap_or("-")));
                    assert!(answer.status < 500 || answer.status == 503, "{path}: {}", answer.text);
                    let again = answer.status == 503 || code == "idempotency_in_progress";
                    if !again {
                        return answer;
                    }
                    assert!(answer.header("retry-after").is_some(), "{path}: {}", answer.text);
                }
            }
            assert!(begun.elapsed() < PATIENCE, "{path} is never answered; so far {:?}", self.told());
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// A call with a key, and its definite answer.
pub struct Told {
    guest: Guest,
    pub path: &'static str,
    key: String,
    body: Value,
    pub answer: Answer,
}

impl Told {
    /// The same call is answered from what is stored.
    pub async fn assert_told_again(&self, door: &Door) {
        let again = door.caller(&self.guest).post_keyed(self.path, &self.key, self.body.clone()).await;
        assert_eq!((again.status, &again.text), (self.answer.status, &self.answer.text), "{}", self.path);
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{}", self.path);
    }
}

/// Load that goes on until it is told to end.
pub struct Storm {
    door: Door,
    over: Arc<AtomicBool>,
    guests: Vec<JoinHandle<Vec<Told>>>,
}

impl Storm {
    /// So many guests quote, hold, give back, let lapse, pay and confirm, in two hotels, behind the door.
    pub fn begin(app: &TestApp, door: &Door, guests: usize) -> Self {
        let scarce = Hotel::with(app, &Terms { capacity: 2, payment_policy: "pay_at_property", ..Terms::default() });
        let ample = Hotel::with(app, &Terms { capacity: 500, ..Terms::default() });
        let hotels = Arc::new([scarce, ample]);
        let over = Arc::new(AtomicBool::new(false));
        let members = crowd(app, guests).into_iter().enumerate().map(|(no, guest)| {
            let walk = Walk { door: door.clone(), guest, no, hotels: hotels.clone(), told: Vec::new() };
            tokio::spawn(walk.until(over.clone()))
        });
        Self { door: door.clone(), over: over.clone(), guests: members.collect() }
    }

    /// Nobody begins anything new; what everybody was told, once each has a definite answer to the last call.
    pub async fn end(self) -> Vec<Told> {
        self.over.store(true, Ordering::SeqCst);
        let mut told = Vec::new();
        for guest in self.guests {
            told.extend(guest.await.expect("a guest with definite answers"));
        }
        eprintln!("{} keyed calls ended; {:?}", told.len(), self.door.told());
        told
    }
}

/// One guest's way.
struct Walk {
    door: Door,
    guest: Guest,
    no: usize,
    hotels: Arc<[Hotel; 2]>,
    told: Vec<Told>,
}

impl Walk {
    async fn until(mut self, over: Arc<AtomicBool>) -> Vec<Told> {
        let mut turn = self.no;
        while !over.load(Ordering::SeqCst) {
            self.turn(turn).await;
            turn += 1;
        }
        self.told
    }

    /// One stay, as far as it goes.
    async fn turn(&mut self, turn: usize) {
        let from = 5 + u64::try_from(turn * 3 + self.no * 7).expect("a count") % 40;
        let ample = turn.is_multiple_of(2);
        let hotel = &self.hotels[usize::from(ample)];
        let path = format!("/hotels/{}/offers?{}", hotel.id(), hotel.stay(from, from + 1 + from % 7));
        let offers = self.door.insist(&self.guest, Method::GET, &path, "", None).await.ok(200);
        let Some(offer) = offers["data"].get(0) else { return };
        let Some(quote) = self.post("/quotes", json!({ "offer_id": offer["offer_id"] }), &[409]).await else { return };
        let Some(hold) = self.post("/holds", json!({ "quote_id": quote["quote_id"] }), &[409, 410]).await else {
            return;
        };
        let hold_id = &hold["hold_id"];
        match turn % 3 {
            // It lapses by itself.
            0 => {}
            1 if ample => {
                let payment = json!({ "hold_id": hold_id, "payment_method": "pm_card_visa" });
                if self.post("/payments", payment, &[402, 409, 410]).await.is_some() {
                    let guest = json!({ "full_name": "Ada Lovelace", "email": self.guest.email });
                    self.post("/bookings", json!({ "hold_id": hold_id, "guest": guest }), &[409, 410]).await;
                }
            }
            _ => {
                let path = format!("/holds/{}", hold_id.as_str().expect("an id"));
                self.door.insist(&self.guest, Method::DELETE, &path, "", None).await.ok(204);
            }
        }
    }

    /// The body of a success; none for one of these refusals.
    async fn post(&mut self, path: &'static str, body: Value, refusals: &[u16]) -> Option<Value> {
        let key = key();
        let answer = self.door.insist(&self.guest, Method::POST, path, &key, Some(&body)).await;
        let made = (answer.status < 400).then(|| answer.json());
        assert!(made.is_some() || refusals.contains(&answer.status), "{path}: {}", answer.text);
        self.told.push(Told { guest: self.guest.clone(), path, key, body, answer });
        made
    }
}
