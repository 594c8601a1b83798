//! A hold, its payments, the provider's books and the work owed, small enough to be walked through in every order.
//!
//! Locks make each use case atomic, so a step here is one transaction, or one call of the provider. What a step does
//! to a payment and its hold is asked of the product's own table, `payments::machine`.

use lastroom::holds::state::HoldStatus;
use lastroom::payments::machine::{self, HoldMove, HoldSeen, Outcome, Owed, Verdict};
use lastroom::payments::state::PaymentStatus;

/// What every payment here is over.
pub const AMOUNT: i64 = 100;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    pub hold: HoldStatus,
    /// `expires_at` is over.
    pub own_time_over: bool,
    /// `paying_until` is over.
    pub paying_time_over: bool,
    pub current: Option<usize>,
    pub owes_give_back: bool,
    pub booking: Booking,
    pub attempts: Vec<Attempt>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Booking {
    None,
    Confirmed,
    Cancelled { keep: i64 },
}

/// A payment, its attempt, and the provider's intent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attempt {
    pub status: PaymentStatus,
    pub is_closed: bool,
    /// `capture_amount`.
    pub keep: i64,
    pub captured: i64,
    pub refund: Option<Refund>,
    pub talk: Talk,
    pub job: Job,
    pub owes_capture: bool,
    pub owes_void: bool,
    pub intent: Intent,
    /// Given back in the provider's books.
    pub refunded_there: i64,
    /// What the provider has told by webhook, and may tell again at any time.
    pub told: Vec<Outcome>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Refund {
    pub amount: i64,
    pub is_done: bool,
}

/// The conversation of a handler or a completer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Talk {
    Nobody,
    /// Somebody is about to call; whether the hold waited when the attempt was taken up.
    Begun {
        is_awaited: bool,
    },
    /// The answer is there, and not settled yet.
    Answered(Outcome),
}

/// The one job of the payment's lane that runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Job {
    Idle,
    /// The provider has answered a capture or a void.
    Answered(Outcome),
    /// The provider has given the money back.
    Refunded,
}

/// The provider's book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Intent {
    Missing,
    Unconfirmed,
    /// The guest has something to do first.
    RequiresAction,
    Authorized,
    Declined,
    Voided,
    Captured(i64),
}

impl World {
    pub fn new() -> Self {
        Self {
            hold: HoldStatus::Active,
            own_time_over: false,
            paying_time_over: false,
            current: None,
            owes_give_back: false,
            booking: Booking::None,
            attempts: Vec::new(),
        }
    }

    pub fn is_live(&self) -> bool {
        match self.hold {
            HoldStatus::Active => !self.own_time_over,
            HoldStatus::Paying => !self.own_time_over || !self.paying_time_over,
            HoldStatus::Released | HoldStatus::Expired | HoldStatus::Converted => false,
        }
    }

    pub fn seen(&self, at: usize) -> HoldSeen {
        match self.hold {
            HoldStatus::Converted => HoldSeen::Booked,
            HoldStatus::Released | HoldStatus::Expired => HoldSeen::Ended,
            _ if !self.is_live() => HoldSeen::Lapsed,
            HoldStatus::Paying if self.current == Some(at) => {
                if self.paying_time_over {
                    HoldSeen::Overdue
                } else {
                    HoldSeen::Awaits
                }
            }
            HoldStatus::Active if self.current == Some(at) && self.attempts[at].status.is_open() => HoldSeen::Overdue,
            HoldStatus::Paying | HoldStatus::Active => HoldSeen::Live,
        }
    }

    /// Somebody tells an outcome of an attempt.
    pub fn settle(&mut self, at: usize, outcome: &Outcome) {
        let verdict = machine::settle(self.attempts[at].status, self.attempts[at].keep, self.seen(at), outcome);
        self.carry_out(at, &verdict);
        match verdict.hold {
            HoldMove::Stays => {}
            HoldMove::AwaitsAction => self.paying_time_over = false,
            HoldMove::Paid => {
                self.stop_paying();
                self.own_time_over = false;
            }
            HoldMove::Resumes => {
                self.stop_paying();
                if self.own_time_over {
                    self.expire();
                }
            }
            HoldMove::Expires => self.expire(),
        }
    }

    pub fn carry_out(&mut self, at: usize, verdict: &Verdict) {
        let attempt = &mut self.attempts[at];
        for &to in &verdict.path {
            assert!(attempt.status.successors().contains(&to), "{} → {to}", attempt.status);
            attempt.status = to;
        }
        attempt.captured += verdict.captured;
        attempt.is_closed |= verdict.is_closed;
        match verdict.owes {
            Owed::Nothing => {}
            Owed::Capture => attempt.owes_capture = true,
            Owed::Void => attempt.owes_void = true,
            Owed::Refund { amount } => {
                assert_eq!(attempt.refund, None, "a payment is refunded once here");
                attempt.refund = Some(Refund { amount, is_done: false });
            }
        }
    }

    /// Active, if its guest did not make it so before.
    fn stop_paying(&mut self) {
        if self.hold == HoldStatus::Paying {
            self.step_hold(HoldStatus::Active);
        }
    }

    /// The hold's time is over: its rooms go back.
    pub fn expire(&mut self) {
        self.step_hold(HoldStatus::Expired);
        self.owes_give_back |= self.current.is_some();
    }

    pub fn step_hold(&mut self, to: HoldStatus) {
        assert!(self.hold.successors().contains(&to), "{} → {to}", self.hold);
        self.hold = to;
    }
}

impl Attempt {
    pub fn begun() -> Self {
        Self {
            status: PaymentStatus::Initiated,
            is_closed: false,
            keep: 0,
            captured: 0,
            refund: None,
            talk: Talk::Begun { is_awaited: true },
            job: Job::Idle,
            owes_capture: false,
            owes_void: false,
            intent: Intent::Missing,
            refunded_there: 0,
            told: Vec::new(),
        }
    }

    pub fn refundable(&self) -> i64 {
        self.captured - self.refund.map_or(0, |refund| refund.amount)
    }

    pub fn counts(&self) -> bool {
        machine::counts(self.status, self.refund.is_some())
    }

    /// The provider changes its book, and tells.
    pub fn book(&mut self, intent: Intent) {
        self.intent = intent;
        if let Some(outcome) = self.read()
            && !self.told.contains(&outcome)
        {
            self.told.push(outcome);
            self.told.sort_by_key(|outcome| format!("{outcome:?}"));
        }
    }

    /// What the provider's book says of the attempt.
    pub fn read(&self) -> Option<Outcome> {
        match self.intent {
            Intent::Missing | Intent::Unconfirmed => None,
            Intent::RequiresAction => Some(Outcome::RequiresAction),
            Intent::Authorized => Some(Outcome::Authorized),
            Intent::Declined => Some(Outcome::Declined { code: String::new() }),
            Intent::Voided => Some(Outcome::Gone),
            Intent::Captured(amount) => Some(Outcome::Captured { amount }),
        }
    }

    /// What the provider has of the guest in the end.
    pub fn net(&self) -> i64 {
        let captured = if let Intent::Captured(amount) = self.intent { amount } else { 0 };
        captured - self.refunded_there
    }
}
