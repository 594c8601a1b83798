//! One guest's way from the starting signal to a room, or to being told that there is none.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::Barrier;

use super::call::{Answer, Call, Unanswered};
use super::crowd::Session;
use super::door::Door;

/// How often, and how long after each other, a payment is looked at whose outcome the server does not know yet.
const LOOKS: u32 = 240;
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// What was made.
    Done { id: String },
    /// Status and code, as in `409 sold_out`.
    Refused(String),
    /// No definite answer.
    Unanswered(String),
}

/// A step, and how long it took to the definite answer.
#[derive(Clone, Debug)]
pub struct Step {
    pub ended: Ended,
    pub took: Duration,
}

impl Step {
    /// The id of what was made.
    pub fn done(&self) -> Option<&str> {
        match &self.ended {
            Ended::Done { id } => Some(id),
            Ended::Refused(_) | Ended::Unanswered(_) => None,
        }
    }
}

/// A guest's way.
#[derive(Clone, Debug)]
pub struct Walk {
    /// Which of the guests.
    pub guest: usize,
    pub hold: Step,
    pub payment: Option<Step>,
    pub booking: Option<Step>,
}

/// A guest at the start.
pub struct Runner {
    pub guest: usize,
    pub session: Session,
    pub quote_id: String,
    pub door: Door,
    pub pays: bool,
    pub chaos: bool,
}

impl Runner {
    /// Waits for all the others, then asks for the room.
    pub async fn run(self, start: Arc<Barrier>) -> Walk {
        start.wait().await;
        let hold = self.step("/holds", json!({ "quote_id": self.quote_id }), "hold_id").await;
        let mut walk = Walk { guest: self.guest, hold, payment: None, booking: None };
        let Some(hold_id) = walk.hold.done().filter(|_| self.pays) else { return walk };
        let payment = self.pay(hold_id).await;
        let is_paid = payment.done().is_some();
        if is_paid {
            let guest = json!({ "full_name": "A Guest of the Race", "email": self.session.email });
            walk.booking =
                Some(self.step("/bookings", json!({ "hold_id": hold_id, "guest": guest }), "booking_id").await);
        }
        walk.payment = Some(payment);
        walk
    }

    async fn pay(&self, hold_id: &str) -> Step {
        let begun = Instant::now();
        let body = json!({ "hold_id": hold_id, "payment_method": "pm_card_visa" });
        let ended = match self.ask(Call::post("/payments", body)).await {
            Ok(answer) if answer.status == 202 => self.await_outcome(&answer.text("payment_id")).await,
            answer => ended(answer, "payment_id"),
        };
        Step { ended, took: begun.elapsed() }
    }

    /// Looks at a payment until its outcome is known.
    async fn await_outcome(&self, payment_id: &str) -> Ended {
        let mut status = String::new();
        for _ in 0..LOOKS {
            tokio::time::sleep(BETWEEN_LOOKS).await;
            let answer = self.ask(Call::get(format!("/payments/{payment_id}"))).await;
            status = match &answer {
                Ok(answer) => answer.text("status"),
                Err(_) => return ended(answer, "payment_id"),
            };
            match status.as_str() {
                "initiated" | "processing" => {}
                "authorized" | "captured" => return Ended::Done { id: payment_id.to_owned() },
                other => return Ended::Refused(format!("202 {other}")),
            }
        }
        Ended::Unanswered(format!("the payment is still {status}"))
    }

    async fn step(&self, path: &str, body: serde_json::Value, id: &str) -> Step {
        let begun = Instant::now();
        let answer = self.ask(Call::post(path, body)).await;
        Step { ended: ended(answer, id), took: begun.elapsed() }
    }

    async fn ask(&self, call: Call) -> Result<Answer, Unanswered> {
        let call = call.by(&self.session.token);
        if self.chaos { self.door.ask_in_chaos(&call).await } else { self.door.ask(&call).await }
    }
}

fn ended(answer: Result<Answer, Unanswered>, id: &str) -> Ended {
    match answer {
        Ok(answer) if answer.status == 201 => Ended::Done { id: answer.text(id) },
        Ok(answer) => Ended::Refused(answer.to_string()),
        Err(unanswered) => Ended::Unanswered(unanswered.to_string()),
    }
}
