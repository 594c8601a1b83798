//! What each call is to do and to answer, as the README tells it.

use super::command::{Line, Tag};
use super::house::{
    Booking, HOLD_LIMIT, HOLD_S, Hold, House, NIGHTS, Offer, QUOTE_S, Quote, ROOMS, Reasons, State, Wish,
};

/// A call, with everything it names found.
#[derive(Clone, Debug)]
pub enum Op {
    Quote { guest: usize, offer: usize },
    Hold { guest: usize, quotes: Vec<usize> },
    Extend { guest: usize, hold: usize, tag: Tag, seconds: Option<i64> },
    Release { guest: usize, hold: usize },
    Pay { guest: usize, hold: usize, is_good: bool, line: Line },
    Confirm { guest: usize, hold: usize },
    Cancel { guest: usize, booking: usize, dry_run: bool },
}

/// A problem document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    pub code: &'static str,
    pub about: About,
}

/// What a problem document must name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    Nothing,
    Item(usize),
    Short {
        item: usize,
        first_night: usize,
    },
    Forbidden {
        item: Option<usize>,
        reasons: Reasons,
    },
    /// The quote that is offered instead.
    Repriced {
        item: usize,
        quote: usize,
    },
    /// The offer that is made instead.
    Reoffered(usize),
    Booking(usize),
    Payment(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Quoted(usize),
    Held(usize),
    Extended(usize),
    Released,
    Authorized(usize),
    Processing(usize),
    Booked(usize),
    /// What it costs, and what of the money due now goes back.
    Cancelled {
        penalty: i64,
        refund: i64,
    },
    Refused(Refusal),
}

pub fn refusal(status: u16, code: &'static str) -> Refusal {
    Refusal { status, code, about: About::Nothing }
}

impl Refusal {
    pub fn about(self, about: About) -> Self {
        Self { about, ..self }
    }
}

impl House {
    /// Does the call.
    pub fn call(&mut self, op: &Op) -> Answer {
        let done = match op {
            Op::Quote { guest, offer } => self.quote(*guest, *offer),
            Op::Hold { guest, quotes } => self.hold(*guest, quotes),
            Op::Extend { guest, hold, tag, seconds } => self.extend(*guest, *hold, *tag, seconds.unwrap_or(600)),
            Op::Release { guest, hold } => self.release(*guest, *hold),
            Op::Pay { guest, hold, is_good, line } => self.pay(*guest, *hold, *is_good, *line),
            Op::Confirm { guest, hold } => self.confirm(*guest, *hold),
            Op::Cancel { guest, booking, dry_run } => self.cancel(*guest, *booking, *dry_run),
        };
        done.unwrap_or_else(Answer::Refused)
    }

    fn new_quote(&mut self, guest: usize, wish: Wish) -> usize {
        let (price, lines, free_until_h) = (self.price(&wish), self.lines(&wish), self.free_until_h[wish.plan]);
        let expires = self.now + QUOTE_S;
        self.quotes.push(Quote { guest, wish, price, lines, free_until_h, expires, used: false });
        self.quotes.len() - 1
    }

    fn quote(&mut self, guest: usize, offer: usize) -> Result<Answer, Refusal> {
        let (wish, shown) = (self.offers[offer].wish.clone(), self.offers[offer].total);
        let reasons = self.reasons(&wish);
        if !reasons.is_empty() {
            return Err(refusal(409, "offer_unavailable").about(About::Forbidden { item: None, reasons }));
        }
        let total = self.price(&wish).total();
        if total != shown {
            self.offers.push(Offer { wish, total });
            return Err(refusal(409, "price_changed").about(About::Reoffered(self.offers.len() - 1)));
        }
        Ok(Answer::Quoted(self.new_quote(guest, wish)))
    }

    fn hold(&mut self, guest: usize, quotes: &[usize]) -> Result<Answer, Refusal> {
        let live = (0..self.holds.len()).filter(|hold| self.holds[*hold].guest == guest && self.is_live(*hold));
        if live.count() >= HOLD_LIMIT {
            return Err(refusal(429, "hold_limit"));
        }
        if quotes.iter().any(|quote| self.quotes[*quote].guest != guest) {
            return Err(refusal(404, "not_found"));
        }
        for (item, quote) in quotes.iter().map(|quote| &self.quotes[*quote]).enumerate() {
            if quote.used {
                return Err(refusal(409, "quote_used").about(About::Item(item)));
            }
            if quote.expires <= self.now {
                return Err(refusal(410, "quote_expired").about(About::Item(item)));
            }
        }
        for (item, quote) in quotes.iter().enumerate() {
            self.still_so(item, *quote)?;
        }
        self.enough(quotes)?;
        for quote in quotes {
            self.quotes[*quote].used = true;
        }
        let expires = self.now + HOLD_S;
        let quotes = quotes.to_vec();
        self.holds.push(Hold { guest, quotes, state: State::Active, expires, version: 1, extended: false });
        Ok(Answer::Held(self.holds.len() - 1))
    }

    /// A quote can be held while nothing forbids it and its price and conditions are as they were.
    fn still_so(&mut self, item: usize, quote: usize) -> Result<(), Refusal> {
        let Quote { guest, wish, lines, free_until_h, .. } = self.quotes[quote].clone();
        let reasons = self.forbidden(&wish);
        if !reasons.is_empty() {
            return Err(refusal(409, "offer_unavailable").about(About::Forbidden { item: Some(item), reasons }));
        }
        if lines != self.lines(&wish) || free_until_h != self.free_until_h[wish.plan] {
            let quote = self.new_quote(guest, wish);
            return Err(refusal(409, "price_changed").about(About::Repriced { item, quote }));
        }
        Ok(())
    }

    /// Rooms for all quotes together, or the first night that has too few and the first item that wants it.
    fn enough(&self, quotes: &[usize]) -> Result<(), Refusal> {
        for room in 0..ROOMS {
            for night in 0..NIGHTS {
                let wants = |quote: &usize| {
                    let wish = &self.quotes[*quote].wish;
                    if wish.room == room && wish.nights.contains(&night) { wish.rooms } else { 0 }
                };
                if quotes.iter().map(wants).sum::<i64>() > self.left(room, night) {
                    let item = quotes.iter().position(|quote| wants(quote) > 0).expect("somebody wants it");
                    return Err(refusal(409, "sold_out").about(About::Short { item, first_night: night }));
                }
            }
        }
        Ok(())
    }

    /// The hold is the guest's.
    pub fn own(&self, guest: usize, hold: usize) -> Result<(), Refusal> {
        if self.holds[hold].guest == guest { Ok(()) } else { Err(refusal(404, "not_found")) }
    }

    /// The hold lives.
    pub fn live(&self, hold: usize) -> Result<(), Refusal> {
        match self.holds[hold].state {
            State::Active | State::Paying { .. } if self.is_live(hold) => Ok(()),
            State::Active | State::Paying { .. } | State::Expired => Err(refusal(410, "hold_expired")),
            State::Released => Err(refusal(410, "hold_released")),
            State::Converted { booking } => Err(refusal(409, "hold_converted").about(About::Booking(booking))),
        }
    }

    /// No payment of it is under way that still has time to answer.
    pub fn idle(&self, hold: usize) -> Result<(), Refusal> {
        match self.holds[hold].state {
            State::Paying { until, .. } if until > self.now => Err(refusal(409, "payment_in_progress")),
            _ => Ok(()),
        }
    }

    /// The hold is its guest's again, if a payment had its time and did not answer.
    pub fn resume(&mut self, hold: usize) {
        if matches!(self.holds[hold].state, State::Paying { until, .. } if until <= self.now) {
            self.step(hold, State::Active);
        }
    }

    pub fn step(&mut self, hold: usize, state: State) {
        self.holds[hold].state = state;
        self.holds[hold].version += 1;
    }

    fn extend(&mut self, guest: usize, hold: usize, tag: Tag, seconds: i64) -> Result<Answer, Refusal> {
        self.own(guest, hold)?;
        if tag == Tag::Absent {
            return Err(refusal(428, "precondition_required"));
        }
        self.live(hold)?;
        if tag == Tag::Stale {
            return Err(refusal(412, "precondition_failed"));
        }
        self.idle(hold)?;
        if self.holds[hold].extended {
            return Err(refusal(409, "already_extended"));
        }
        self.resume(hold);
        self.holds[hold].extended = true;
        self.holds[hold].expires += seconds;
        self.step(hold, State::Active);
        Ok(Answer::Extended(hold))
    }

    fn release(&mut self, guest: usize, hold: usize) -> Result<Answer, Refusal> {
        self.own(guest, hold)?;
        match self.live(hold) {
            Ok(()) => {
                self.idle(hold)?;
                self.resume(hold);
                self.give_back(hold);
                self.step(hold, State::Released);
            }
            Err(refusal) if refusal.code == "hold_converted" => return Err(refusal),
            Err(_) => self.tidy(hold),
        }
        Ok(Answer::Released)
    }

    /// A hold whose time is over is marked as expired.
    pub fn tidy(&mut self, hold: usize) {
        if matches!(self.holds[hold].state, State::Active | State::Paying { .. }) && !self.is_live(hold) {
            self.give_back(hold);
            self.step(hold, State::Expired);
        }
    }

    pub fn sweep(&mut self) {
        (0..self.holds.len()).for_each(|hold| self.tidy(hold));
    }

    fn confirm(&mut self, guest: usize, hold: usize) -> Result<Answer, Refusal> {
        self.own(guest, hold)?;
        self.live(hold)?;
        self.idle(hold)?;
        if self.hold_price(hold).now > 0 && !self.is_paid(hold) {
            return Err(refusal(409, "payment_required"));
        }
        self.resume(hold);
        let booking = self.bookings.len();
        self.bookings.push(Booking { hold, is_cancelled: false });
        self.step(hold, State::Converted { booking });
        Ok(Answer::Booked(booking))
    }

    fn cancel(&mut self, guest: usize, booking: usize, dry_run: bool) -> Result<Answer, Refusal> {
        let Booking { hold, is_cancelled } = self.bookings[booking];
        self.own(guest, hold)?;
        if is_cancelled {
            return Err(refusal(409, "already_cancelled"));
        }
        let (price, penalty) = (self.hold_price(hold), self.penalty(hold));
        self.bookings[booking].is_cancelled = !dry_run;
        Ok(Answer::Cancelled { penalty: penalty.total(), refund: price.now - penalty.now })
    }
}
