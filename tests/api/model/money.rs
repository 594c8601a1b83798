//! What becomes of payments, and of holds with them, whatever the provider says and when.

use super::command::Line;
use super::house::{CONFIRM_S, House, Intent, MOST_DECLINED, PAYING_S, Paid, Payment, State};
use super::rules::{About, Answer, Refusal, refusal};

impl House {
    pub fn pay(&mut self, guest: usize, hold: usize, is_good: bool, line: Line) -> Result<Answer, Refusal> {
        self.own(guest, hold)?;
        self.live(hold)?;
        self.idle(hold)?;
        let amount = self.hold_price(hold).now;
        if amount == 0 {
            return Err(refusal(409, "payment_not_required"));
        }
        if self.is_paid(hold) {
            return Err(refusal(409, "already_paid"));
        }
        if self.declined(hold) >= MOST_DECLINED {
            return Err(refusal(429, "payment_attempts"));
        }
        self.resume(hold);
        // Whatever did not answer in its time is not waited for any more.
        let open = |payment: &&mut Payment| payment.hold == hold && payment.state == Paid::Processing;
        self.payments.iter_mut().filter(open).for_each(|payment| payment.state = Paid::Abandoned);
        let payment = self.payments.len();
        let (state, intent) = (Paid::Processing, Intent::None);
        self.payments.push(Payment { hold, amount, is_good, state, intent, is_settled: false });
        self.step(hold, State::Paying { payment, until: self.now + PAYING_S });
        let answered = if is_good { Intent::Authorized } else { Intent::Declined };
        self.payments[payment].intent = match line {
            Line::DeadAtOnce => Intent::None,
            Line::DeadAtConfirmation => Intent::Unconfirmed,
            Line::Good | Line::AnswerLost => answered,
            Line::TakesTheMoney => Intent::Captured,
        };
        if line != Line::Good {
            return Ok(Answer::Processing(payment));
        }
        self.settle(payment);
        if is_good {
            return Ok(Answer::Authorized(payment));
        }
        Err(refusal(402, "card_declined").about(About::Payment(payment)))
    }

    /// The completer asks the provider: for the money while its hold waits for the answer, else only what became of it.
    pub fn complete(&mut self, payment: usize) {
        let Payment { hold, intent, is_good, .. } = self.payments[payment];
        if matches!(intent, Intent::None | Intent::Unconfirmed) {
            let awaited = match self.holds[hold].state {
                State::Paying { payment: current, until } => current == payment && until > self.now,
                _ => false,
            };
            self.payments[payment].intent = match (awaited, is_good) {
                (true, true) => Intent::Authorized,
                (true, false) => Intent::Declined,
                (false, _) => Intent::Voided,
            };
        }
        self.settle(payment);
    }

    /// What the provider's books say meets the hold.
    fn settle(&mut self, payment: usize) {
        let Payment { hold, intent, state, .. } = self.payments[payment];
        let is_open = state == Paid::Processing;
        // Late is not too late, while the hold lives and no other payment was begun.
        let is_current =
            self.is_live(hold) && self.payments.iter().rposition(|other| other.hold == hold) == Some(payment);
        self.payments[payment].is_settled = true;
        let (is_money, mut kept, lost) = match intent {
            Intent::Authorized => (true, Paid::Authorized, Paid::Void),
            Intent::Captured => (true, Paid::Captured, Paid::Refund),
            Intent::Declined => (false, Paid::Failed, Paid::Abandoned),
            Intent::Voided => (false, Paid::Abandoned, Paid::Abandoned),
            Intent::None | Intent::Unconfirmed => panic!("it is settled by an answer"),
        };
        if !is_open || is_money && !is_current {
            kept = lost;
        }
        self.payments[payment].state = kept;
        if is_money && is_open && is_current {
            self.holds[hold].expires = self.holds[hold].expires.max(self.now + CONFIRM_S);
        }
        // That it came to nothing changes nothing for a hold that waits no longer.
        if is_open && is_current && (is_money || self.holds[hold].state != State::Active) {
            self.step(hold, State::Active);
        }
        if is_open || intent == Intent::Captured {
            self.tidy(hold);
        }
    }

    /// Money for a hold that ends without a booking is not kept.
    pub fn give_back(&mut self, hold: usize) {
        for payment in self.payments.iter_mut().filter(|payment| payment.hold == hold) {
            match payment.state {
                Paid::Authorized => payment.state = Paid::Void,
                Paid::Captured => payment.state = Paid::Refund,
                Paid::Processing | Paid::Failed | Paid::Abandoned | Paid::Void | Paid::Refund => {}
            }
        }
    }
}
