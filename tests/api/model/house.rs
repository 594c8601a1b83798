//! What the test believes of a hotel: vectors and loops, and no line shared with the product.
//!
//! Nights and seconds count from where a case begins. Everything refers to everything else by its place in a vector.

use std::collections::BTreeSet;
use std::ops::Range;

/// Nights with stock and rates.
pub const NIGHTS: usize = 4;
/// Room types.
pub const ROOMS: usize = 2;
/// Rate plans: prepaid, paid at the property, and one derived from the first.
pub const PLANS: usize = 3;
/// What the derived plan takes off a night.
pub const OFF_PERCENT: i64 = 10;
/// City tax a room and night, at the property: two adults at 1.50 each.
pub const CITY_TAX: i64 = 300;
pub const HOLD_S: i64 = 600;
pub const QUOTE_S: i64 = 900;
pub const PAYING_S: i64 = 120;
pub const CONFIRM_S: i64 = 900;
/// Live holds a guest may have; fewer than usual, so that the limit is met.
pub const HOLD_LIMIT: usize = 2;
pub const MOST_DECLINED: usize = 5;

/// Hours before check-in until which a plan may be free to cancel: check-in is ten days away.
pub const IN_TIME_H: i32 = 24;
pub const TOO_LATE_H: i32 = 480;

pub type Reasons = BTreeSet<&'static str>;

/// What a guest asks for: rooms of a type on a plan, for some nights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    pub room: usize,
    pub plan: usize,
    pub nights: Range<usize>,
    pub rooms: i64,
}

/// For all rooms, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    pub now: i64,
    pub later: i64,
}

impl Price {
    pub fn total(self) -> i64 {
        self.now + self.later
    }
}

#[derive(Clone, Debug)]
pub struct Offer {
    pub wish: Wish,
    pub total: i64,
}

#[derive(Clone, Debug)]
pub struct Quote {
    pub guest: usize,
    pub wish: Wish,
    pub price: Price,
    /// Night by night, for one room and without its tax.
    pub lines: Vec<i64>,
    pub free_until_h: i32,
    pub expires: i64,
    pub used: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Active,
    /// A payment without an answer, waited for until then.
    Paying {
        payment: usize,
        until: i64,
    },
    Released,
    /// Expired for certain: somebody has tidied.
    Expired,
    Converted {
        booking: usize,
    },
}

#[derive(Clone, Debug)]
pub struct Hold {
    pub guest: usize,
    pub quotes: Vec<usize>,
    pub state: State,
    pub expires: i64,
    pub version: i64,
    pub extended: bool,
}

impl Hold {
    /// Until when it lives, where nothing ends it before.
    pub fn live_until(&self) -> i64 {
        match self.state {
            State::Active => self.expires,
            State::Paying { until, .. } => self.expires.max(until),
            State::Released | State::Expired | State::Converted { .. } => i64::MIN,
        }
    }
}

/// What the provider's own books say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    None,
    Unconfirmed,
    Authorized,
    Declined,
    Captured,
    Voided,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paid {
    Processing,
    Authorized,
    Captured,
    Failed,
    Abandoned,
    /// Authorised for nobody: to be voided.
    Void,
    /// Captured for nobody: to be refunded.
    Refund,
}

#[derive(Clone, Debug)]
pub struct Payment {
    pub hold: usize,
    pub amount: i64,
    pub is_good: bool,
    pub state: Paid,
    pub intent: Intent,
    /// Nobody asks the provider about it any more.
    pub is_settled: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Booking {
    pub hold: usize,
    pub is_cancelled: bool,
}

/// The hotel, its guests' doings and the time.
#[derive(Clone, Debug)]
pub struct House {
    pub now: i64,
    pub capacity: [[i64; NIGHTS]; ROOMS],
    pub closed: [[bool; NIGHTS]; ROOMS],
    /// Of the plans that have prices of their own.
    pub prices: [[[i64; NIGHTS]; ROOMS]; PLANS - 1],
    pub shut: [[[bool; NIGHTS]; ROOMS]; PLANS],
    pub free_until_h: [i32; PLANS],
    pub offers: Vec<Offer>,
    pub quotes: Vec<Quote>,
    pub holds: Vec<Hold>,
    pub payments: Vec<Payment>,
    pub bookings: Vec<Booking>,
}

impl House {
    pub fn new(capacity: [i64; ROOMS]) -> Self {
        Self {
            now: 0,
            capacity: capacity.map(|rooms| [rooms; NIGHTS]),
            closed: [[false; NIGHTS]; ROOMS],
            prices: [[[10_000; NIGHTS]; ROOMS], [[11_000; NIGHTS]; ROOMS]],
            shut: [[[false; NIGHTS]; ROOMS]; PLANS],
            free_until_h: [IN_TIME_H; PLANS],
            offers: Vec::new(),
            quotes: Vec::new(),
            holds: Vec::new(),
            payments: Vec::new(),
            bookings: Vec::new(),
        }
    }

    pub fn is_live(&self, hold: usize) -> bool {
        self.holds[hold].live_until() > self.now
    }

    /// How many rooms of a type a hold takes on a night.
    pub fn takes(&self, hold: usize, room: usize, night: usize) -> i64 {
        let wishes = self.holds[hold].quotes.iter().map(|quote| &self.quotes[*quote].wish);
        wishes.filter(|wish| wish.room == room && wish.nights.contains(&night)).map(|wish| wish.rooms).sum()
    }

    pub fn held(&self, room: usize, night: usize) -> i64 {
        (0..self.holds.len()).filter(|hold| self.is_live(*hold)).map(|hold| self.takes(hold, room, night)).sum()
    }

    pub fn sold(&self, room: usize, night: usize) -> i64 {
        let kept = self.bookings.iter().filter(|booking| !booking.is_cancelled);
        kept.map(|booking| self.takes(booking.hold, room, night)).sum()
    }

    pub fn left(&self, room: usize, night: usize) -> i64 {
        self.capacity[room][night] - self.held(room, night) - self.sold(room, night)
    }

    pub fn least_left(&self, wish: &Wish) -> i64 {
        wish.nights.clone().map(|night| self.left(wish.room, night)).min().expect("a night")
    }

    /// Night by night, for one room and without its tax.
    pub fn lines(&self, wish: &Wish) -> Vec<i64> {
        let night = |night: usize| match wish.plan {
            2 => self.prices[0][wish.room][night] * (100 - OFF_PERCENT) / 100,
            plan => self.prices[plan][wish.room][night],
        };
        wish.nights.clone().map(night).collect()
    }

    pub fn price(&self, wish: &Wish) -> Price {
        let base: i64 = self.lines(wish).iter().sum();
        let tax = CITY_TAX * i64::try_from(wish.nights.len()).expect("a few");
        match wish.plan {
            1 => Price { now: 0, later: wish.rooms * (base + tax) },
            _ => Price { now: wish.rooms * base, later: wish.rooms * tax },
        }
    }

    /// What forbids the stay, however many rooms are left.
    pub fn forbidden(&self, wish: &Wish) -> Reasons {
        let shut = |night: usize| self.closed[wish.room][night] || self.shut[wish.plan][wish.room][night];
        if wish.nights.clone().any(shut) { Reasons::from(["closed"]) } else { Reasons::new() }
    }

    /// What keeps the stay from being sold.
    pub fn reasons(&self, wish: &Wish) -> Reasons {
        let mut reasons = self.forbidden(wish);
        if self.least_left(wish) < wish.rooms {
            reasons.insert("sold_out");
        }
        reasons
    }

    pub fn hold_price(&self, hold: usize) -> Price {
        let prices = || self.holds[hold].quotes.iter().map(|quote| self.quotes[*quote].price);
        Price { now: prices().map(|price| price.now).sum(), later: prices().map(|price| price.later).sum() }
    }

    /// What cancelling costs, and what of the money due now stays with the hotel.
    pub fn penalty(&self, hold: usize) -> Price {
        let late = self.holds[hold].quotes.iter().map(|quote| &self.quotes[*quote]);
        let late = late.filter(|quote| quote.free_until_h == TOO_LATE_H);
        late.fold(Price { now: 0, later: 0 }, |sum, quote| Price {
            now: sum.now + quote.price.now,
            later: sum.later + quote.price.later,
        })
    }

    pub fn declined(&self, hold: usize) -> usize {
        self.payments.iter().filter(|payment| payment.hold == hold && payment.state == Paid::Failed).count()
    }

    pub fn is_paid(&self, hold: usize) -> bool {
        let counts = |payment: &Payment| matches!(payment.state, Paid::Authorized | Paid::Captured);
        self.payments.iter().any(|payment| payment.hold == hold && counts(payment))
    }

    /// Every moment at which something ends that has not ended.
    pub fn deadlines(&self) -> Vec<i64> {
        let quotes = self.quotes.iter().filter(|quote| !quote.used).map(|quote| quote.expires);
        let mut deadlines: Vec<_> = quotes.collect();
        for hold in &self.holds {
            match hold.state {
                State::Active => deadlines.push(hold.expires),
                State::Paying { until, .. } => deadlines.extend([hold.expires, until]),
                State::Released | State::Expired | State::Converted { .. } => {}
            }
        }
        deadlines
    }
}
