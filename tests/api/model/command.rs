//! What may happen next. Whom a command is about is a number among those there are when its turn comes, 0 the newest,
//! so that a shorter sequence still means something.

use proptest::prelude::*;

use super::house::{IN_TIME_H, NIGHTS, PLANS, ROOMS, TOO_LATE_H, Wish};

/// Guests of a case.
pub const GUESTS: usize = 3;

/// One of those that can still be used, or of all that ever were.
#[derive(Clone, Copy, Debug)]
pub enum Pick {
    Live(usize),
    Any(usize),
}

/// Who asks for what somebody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Owner,
    Stranger,
}

/// The version in `If-Match`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    Current,
    Stale,
    Absent,
}

/// How far the provider gets before its answer is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    Good,
    /// It hears nothing.
    DeadAtOnce,
    /// It hears of the intent, and nothing of its confirmation.
    DeadAtConfirmation,
    /// It does all that it is asked to, and its answer is lost.
    AnswerLost,
    /// It takes the money unasked, and its answer is lost.
    TakesTheMoney,
}

#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// So many seconds.
    Seconds(i64),
    /// A hold has lapsed.
    HoldEnds(Pick),
    /// A quote has expired.
    QuoteEnds(Pick),
    /// A payment's time to answer is over.
    PayingEnds,
}

#[derive(Clone, Debug)]
pub enum Command {
    /// A guest looks for a stay, and quotes it if it is on sale.
    Quote {
        guest: usize,
        wish: Wish,
    },
    /// A guest quotes an offer that somebody saw before.
    QuoteAgain {
        guest: usize,
        offer: usize,
    },
    Hold {
        first: Pick,
        others: Vec<Pick>,
        by: By,
    },
    Extend {
        hold: Pick,
        by: By,
        tag: Tag,
        seconds: Option<i64>,
    },
    Release {
        hold: Pick,
        by: By,
    },
    /// So many times.
    Pay {
        hold: Pick,
        by: By,
        is_good: bool,
        line: Line,
        times: usize,
    },
    /// The completer asks what became of a payment without an answer.
    Complete {
        payment: usize,
    },
    Confirm {
        hold: Pick,
        by: By,
    },
    Cancel {
        booking: Pick,
        by: By,
        dry_run: bool,
    },
    Pass(Until),
    Sweep,
    /// A call that was made before is sent again with its key, as it was or with another body.
    Repeat {
        back: usize,
        is_changed: bool,
    },
    /// The hotel has so many rooms of a type that night.
    Capacity {
        room: usize,
        night: usize,
        rooms: i64,
    },
    Price {
        plan: usize,
        room: usize,
        night: usize,
        price: i64,
    },
    /// A rate is written again as it was.
    Touch {
        plan: usize,
        room: usize,
        night: usize,
    },
    /// A night of a room type opens or closes.
    Close {
        room: usize,
        night: usize,
    },
    /// The same for one plan.
    Shut {
        plan: usize,
        room: usize,
        night: usize,
    },
    /// A plan is free to cancel until so many hours before.
    FreeUntil {
        plan: usize,
        hours: i32,
    },
}

fn pick() -> impl Strategy<Value = Pick> {
    prop_oneof![9 => (0..8usize).prop_map(Pick::Live), 1 => (0..16usize).prop_map(Pick::Any)]
}

fn by() -> impl Strategy<Value = By> {
    prop_oneof![19 => Just(By::Owner), 1 => Just(By::Stranger)]
}

fn wish() -> impl Strategy<Value = Wish> {
    (0..ROOMS, 0..PLANS, 0..NIGHTS, 1..=3usize, prop_oneof![4 => Just(1i64), 1 => 2..=3i64]).prop_map(
        |(room, plan, from, nights, rooms)| Wish { room, plan, nights: from..(from + nights).min(NIGHTS), rooms },
    )
}

fn line() -> impl Strategy<Value = Line> {
    let dead = [Line::DeadAtOnce, Line::DeadAtConfirmation, Line::AnswerLost, Line::TakesTheMoney];
    prop_oneof![3 => Just(Line::Good), 1 => proptest::sample::select(dead.to_vec())]
}

fn until() -> impl Strategy<Value = Until> {
    prop_oneof![
        2 => (1..=700i64).prop_map(Until::Seconds),
        2 => pick().prop_map(Until::HoldEnds),
        1 => pick().prop_map(Until::QuoteEnds),
        1 => Just(Until::PayingEnds),
    ]
}

/// What guests do.
fn funnel() -> impl Strategy<Value = Command> {
    let others = proptest::collection::vec(pick(), 0..=2);
    let tag = prop_oneof![8 => Just(Tag::Current), 1 => Just(Tag::Stale), 1 => Just(Tag::Absent)];
    let seconds = proptest::option::of(1..=600i64);
    let times = prop_oneof![12 => Just(1usize), 1 => Just(5usize)];
    prop_oneof![
        10 => (0..GUESTS, wish()).prop_map(|(guest, wish)| Command::Quote { guest, wish }),
        1 => (0..GUESTS, 0..16usize).prop_map(|(guest, offer)| Command::QuoteAgain { guest, offer }),
        10 => (pick(), others, by()).prop_map(|(first, others, by)| Command::Hold { first, others, by }),
        3 => (pick(), by(), tag, seconds)
            .prop_map(|(hold, by, tag, seconds)| Command::Extend { hold, by, tag, seconds }),
        2 => (pick(), by()).prop_map(|(hold, by)| Command::Release { hold, by }),
        6 => (pick(), by(), proptest::bool::weighted(0.7), line(), times)
            .prop_map(|(hold, by, is_good, line, times)| Command::Pay { hold, by, is_good, line, times }),
        5 => (pick(), by()).prop_map(|(hold, by)| Command::Confirm { hold, by }),
        2 => (pick(), by(), proptest::bool::weighted(0.2))
            .prop_map(|(booking, by, dry_run)| Command::Cancel { booking, by, dry_run }),
    ]
}

/// What happens to them.
fn world() -> impl Strategy<Value = Command> {
    let night = || (0..ROOMS, 0..NIGHTS);
    let rate = || (0..PLANS, 0..ROOMS, 0..NIGHTS);
    let price = prop_oneof![1 => Just(0i64), 3 => (80..=120i64).prop_map(|whole| whole * 100)];
    prop_oneof![
        6 => until().prop_map(Command::Pass),
        2 => Just(Command::Sweep),
        2 => (0..4usize).prop_map(|payment| Command::Complete { payment }),
        3 => (0..6usize, proptest::bool::weighted(0.2))
            .prop_map(|(back, is_changed)| Command::Repeat { back, is_changed }),
        2 => (night(), 0..=4i64).prop_map(|((room, night), rooms)| Command::Capacity { room, night, rooms }),
        2 => (0..PLANS - 1, 0..ROOMS, 0..NIGHTS, price)
            .prop_map(|(plan, room, night, price)| Command::Price { plan, room, night, price }),
        1 => rate().prop_map(|(plan, room, night)| Command::Touch { plan, room, night }),
        1 => night().prop_map(|(room, night)| Command::Close { room, night }),
        1 => rate().prop_map(|(plan, room, night)| Command::Shut { plan, room, night }),
        1 => (0..PLANS, prop_oneof![Just(IN_TIME_H), Just(TOO_LATE_H)])
            .prop_map(|(plan, hours)| Command::FreeUntil { plan, hours }),
    ]
}

/// A hotel's rooms of each type, and what happens there.
pub type Case = ([i64; ROOMS], Vec<Command>);

/// A case of up to so many commands.
pub fn case(most: usize) -> impl Strategy<Value = Case> {
    let command = prop_oneof![2 => funnel(), 1 => world()];
    ([1..=3i64, 1..=3i64], proptest::collection::vec(command, 1..=most))
}
