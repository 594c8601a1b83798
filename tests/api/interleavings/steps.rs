//! What can happen next.

use lastroom::holds::state::HoldStatus;
use lastroom::payments::machine::{self, HoldSeen, Outcome};
use lastroom::payments::state::PaymentStatus;

use super::world::{AMOUNT, Attempt, Booking, Intent, Job, Refund, Talk, World};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    OwnTimePasses,
    PayingTimePasses,
    Sweep,
    /// The guest does something with a hold whose payment had no outcome in time.
    Resume,
    Release,
    Pay,
    Confirm,
    Cancel {
        keep: i64,
    },
    /// The process dies, and another starts: whatever was only in its memory is gone.
    Crash,
    /// The provider hears the call, answers if it was asked for money, and its answer arrives or not.
    Call {
        at: usize,
        says: Says,
        is_lost: bool,
    },
    /// The call never reaches the provider, or only the one that creates the intent does.
    CallFails {
        at: usize,
        created: bool,
    },
    /// The guest does at the provider's what is to be done.
    GuestActs {
        at: usize,
        yes: bool,
    },
    SettleAnswer {
        at: usize,
    },
    /// The lease is over: a completer takes the attempt up.
    TakeOver {
        at: usize,
    },
    /// The provider takes the money unasked.
    UnaskedCapture {
        at: usize,
    },
    Webhook {
        at: usize,
        outcome: Outcome,
    },
    RunJob {
        at: usize,
        is_lost: bool,
    },
    /// The provider will not capture what is authorised.
    RefuseCapture {
        at: usize,
    },
    RecordJob {
        at: usize,
    },
    GiveBack,
}

/// What the provider says when it is asked for money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    Yes,
    No,
    Act,
}

/// Every step that can happen in this world.
pub fn possible(world: &World, most_attempts: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut may = |can: bool, step: Step| {
        if can {
            steps.push(step);
        }
    };
    let waits = matches!(world.hold, HoldStatus::Active | HoldStatus::Paying);
    may(waits && !world.own_time_over, Step::OwnTimePasses);
    may(world.hold == HoldStatus::Paying && !world.paying_time_over, Step::PayingTimePasses);
    may(waits && !world.is_live(), Step::Sweep);
    may(world.hold == HoldStatus::Paying && world.is_live() && world.paying_time_over, Step::Resume);
    may(world.hold == HoldStatus::Active && world.is_live(), Step::Release);
    may(may_pay(world) && world.attempts.len() < most_attempts, Step::Pay);
    let is_paid = world.attempts.iter().any(Attempt::counts);
    may(world.hold == HoldStatus::Active && world.is_live() && is_paid, Step::Confirm);
    for keep in [0, 40, AMOUNT] {
        may(world.booking == Booking::Confirmed, Step::Cancel { keep });
    }
    may(world.owes_give_back, Step::GiveBack);
    let in_memory = |attempt: &Attempt| attempt.talk != Talk::Nobody || attempt.job != Job::Idle;
    may(world.attempts.iter().any(in_memory), Step::Crash);
    for (at, attempt) in world.attempts.iter().enumerate() {
        of_attempt(&mut may, at, attempt);
    }
    steps
}

fn of_attempt(may: &mut impl FnMut(bool, Step), at: usize, attempt: &Attempt) {
    match &attempt.talk {
        Talk::Nobody => may(!attempt.is_closed, Step::TakeOver { at }),
        Talk::Begun { is_awaited } => {
            let is_asked = *is_awaited && matches!(attempt.intent, Intent::Missing | Intent::Unconfirmed);
            for is_lost in [false, true] {
                may(true, Step::Call { at, says: Says::Yes, is_lost });
                may(is_asked, Step::Call { at, says: Says::No, is_lost });
                may(is_asked, Step::Call { at, says: Says::Act, is_lost });
            }
            may(true, Step::CallFails { at, created: false });
            may(attempt.intent == Intent::Missing, Step::CallFails { at, created: true });
        }
        Talk::Answered(_) => may(true, Step::SettleAnswer { at }),
    }
    for yes in [true, false] {
        may(attempt.intent == Intent::RequiresAction, Step::GuestActs { at, yes });
    }
    // A provider that will not capture when it is asked to does not do it unasked either.
    let is_refused =
        attempt.job == Job::Answered(Outcome::CaptureRefused) || attempt.status == PaymentStatus::CaptureFailed;
    may(attempt.intent == Intent::Authorized && !is_refused, Step::UnaskedCapture { at });
    for outcome in &attempt.told {
        may(true, Step::Webhook { at, outcome: outcome.clone() });
    }
    let refund_waits = attempt.refund.is_some_and(|refund| !refund.is_done);
    if attempt.job == Job::Idle {
        let waits = attempt.owes_capture || attempt.owes_void || refund_waits;
        may(waits, Step::RunJob { at, is_lost: false });
        may(waits, Step::RunJob { at, is_lost: true });
        let captures = attempt.owes_capture && attempt.status == PaymentStatus::CapturePending;
        may(captures && attempt.intent == Intent::Authorized, Step::RefuseCapture { at });
    } else {
        may(true, Step::RecordJob { at });
    }
}

/// The rule of `payments::begin`.
fn may_pay(world: &World) -> bool {
    world.is_live() && world.hold == HoldStatus::Active && !world.attempts.iter().any(Attempt::counts)
}

impl World {
    /// The world after a step.
    #[must_use]
    pub fn after(&self, step: &Step) -> Self {
        let mut world = self.clone();
        world.take(step);
        world
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::OwnTimePasses => self.own_time_over = true,
            Step::PayingTimePasses => self.paying_time_over = true,
            Step::Sweep => self.expire(),
            Step::Resume => self.step_hold(HoldStatus::Active),
            Step::Release => {
                self.step_hold(HoldStatus::Released);
                self.owes_give_back |= self.current.is_some();
            }
            Step::Pay => self.pay(),
            Step::Confirm => self.confirm(),
            Step::Cancel { keep } => self.cancel(keep),
            Step::GiveBack => {
                for at in 0..self.attempts.len() {
                    let attempt = &self.attempts[at];
                    let verdict = machine::give_back(attempt.status, attempt.refundable());
                    self.carry_out(at, &verdict);
                }
                self.owes_give_back = false;
            }
            Step::Crash => {
                for attempt in &mut self.attempts {
                    attempt.talk = Talk::Nobody;
                    attempt.job = Job::Idle;
                }
            }
            Step::Call { at, says, is_lost } => self.attempts[at].call(says, is_lost),
            Step::CallFails { at, created } => {
                self.attempts[at].talk = Talk::Answered(Outcome::Unknown);
                if created {
                    self.attempts[at].book(Intent::Unconfirmed);
                }
            }
            Step::GuestActs { at, yes } => {
                self.attempts[at].book(if yes { Intent::Authorized } else { Intent::Declined });
            }
            Step::SettleAnswer { at } => {
                if let Talk::Answered(outcome) = std::mem::replace(&mut self.attempts[at].talk, Talk::Nobody) {
                    self.settle(at, &outcome);
                }
            }
            Step::TakeOver { at } => {
                let is_awaited = self.seen(at) == HoldSeen::Awaits;
                self.attempts[at].talk = Talk::Begun { is_awaited };
            }
            Step::UnaskedCapture { at } => self.attempts[at].book(Intent::Captured(AMOUNT)),
            Step::Webhook { at, ref outcome } => self.settle(at, outcome),
            Step::RunJob { at, is_lost } => self.attempts[at].run_job(is_lost),
            Step::RefuseCapture { at } => self.attempts[at].job = Job::Answered(Outcome::CaptureRefused),
            Step::RecordJob { at } => self.record_job(at),
        }
    }

    fn pay(&mut self) {
        for at in 0..self.attempts.len() {
            if self.attempts[at].status.is_open() {
                self.settle(at, &Outcome::Unknown);
            }
        }
        self.step_hold(HoldStatus::Paying);
        self.paying_time_over = false;
        self.current = Some(self.attempts.len());
        self.attempts.push(Attempt::begun());
    }

    fn confirm(&mut self) {
        let paid = self.attempts.iter().position(Attempt::counts).expect("a paid hold");
        let verdict = machine::confirm(self.attempts[paid].status, self.attempts[paid].captured);
        if verdict.path.contains(&PaymentStatus::CapturePending) {
            self.attempts[paid].keep = AMOUNT;
        }
        self.carry_out(paid, &verdict);
        self.step_hold(HoldStatus::Converted);
        self.booking = Booking::Confirmed;
    }

    /// As `bookings::cancel` does it.
    fn cancel(&mut self, keep: i64) {
        self.booking = Booking::Cancelled { keep };
        for at in 0..self.attempts.len() {
            let status = self.attempts[at].status;
            let verdict = machine::cancel(status, self.attempts[at].refundable(), keep);
            self.carry_out(at, &verdict);
            if matches!(status, PaymentStatus::CapturePending | PaymentStatus::CaptureFailed) {
                self.attempts[at].keep = keep;
            }
        }
    }

    fn record_job(&mut self, at: usize) {
        match std::mem::replace(&mut self.attempts[at].job, Job::Idle) {
            Job::Idle => {}
            Job::Refunded => {
                let amount = self.attempts[at].refund.map_or(0, |refund| refund.amount);
                self.attempts[at].refund = Some(Refund { amount, is_done: true });
            }
            Job::Answered(outcome) => {
                let was_capture = self.attempts[at].owes_capture;
                self.settle(at, &outcome);
                if was_capture {
                    self.attempts[at].owes_capture = false;
                } else {
                    self.attempts[at].owes_void = false;
                }
            }
        }
    }
}

impl Attempt {
    /// As `payments::converse`: money is asked for while the hold waits, else the intent is let go.
    fn call(&mut self, says: Says, is_lost: bool) {
        let Talk::Begun { is_awaited } = self.talk else { return };
        match (self.intent, is_awaited, says) {
            (Intent::Missing | Intent::Unconfirmed, true, Says::Yes) => self.book(Intent::Authorized),
            (Intent::Missing | Intent::Unconfirmed, true, Says::No) => self.book(Intent::Declined),
            (Intent::Missing | Intent::Unconfirmed, true, Says::Act) => self.book(Intent::RequiresAction),
            (Intent::Missing | Intent::Unconfirmed | Intent::RequiresAction, false, _) => self.book(Intent::Voided),
            _ => {}
        }
        let answer = self.read().filter(|_| !is_lost);
        self.talk = Talk::Answered(answer.unwrap_or(Outcome::Unknown));
    }

    /// As `payments::jobs`, in the order in which they were owed.
    fn run_job(&mut self, is_lost: bool) {
        if self.owes_capture {
            match self.status {
                PaymentStatus::CapturePending => {
                    if self.intent == Intent::Authorized {
                        assert!(self.keep > 0, "nobody captures nothing: payments_capture_has_amount");
                        self.book(Intent::Captured(self.keep));
                    }
                    self.answer_job(is_lost);
                }
                _ => self.owes_capture = false,
            }
        } else if self.owes_void {
            match self.status {
                PaymentStatus::VoidPending => {
                    if matches!(self.intent, Intent::Authorized | Intent::RequiresAction | Intent::Unconfirmed) {
                        self.book(Intent::Voided);
                    }
                    self.answer_job(is_lost);
                }
                _ => self.owes_void = false,
            }
        } else if let Some(refund) = self.refund {
            // The key of the refund makes it happen once, however often it is asked for.
            self.refunded_there = refund.amount;
            self.job = if is_lost { Job::Idle } else { Job::Refunded };
        }
    }

    fn answer_job(&mut self, is_lost: bool) {
        self.job = match self.read() {
            Some(Outcome::Declined { .. }) if !is_lost => Job::Answered(Outcome::Gone),
            Some(outcome) if !is_lost && !matches!(outcome, Outcome::Authorized | Outcome::RequiresAction) => {
                Job::Answered(outcome)
            }
            _ => Job::Idle,
        };
    }
}
