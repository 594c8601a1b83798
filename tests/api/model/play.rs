//! Plays a sequence of commands against the server and against what the test believes, and compares after each.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use lastroom::db::Db;
use lastroom::holds::sweeper;

use super::calls::Sent;
use super::command::{By, Command, GUESTS, Pick, Until};
use super::house::{House, Offer, State, Wish};
use super::look;
use super::rows::Rows;
use super::rules::Op;
use crate::support::Guest;

/// No deadline is nearer than this to a moment at which something is asked, in seconds: steps take time of their own.
const MARGIN_S: i64 = 30;

/// How often each call was answered how.
pub type Tally = BTreeMap<String, usize>;

/// Ids by place, as the answers told them.
#[derive(Default)]
pub struct Ids {
    pub offers: Vec<String>,
    pub quotes: Vec<String>,
    pub holds: Vec<String>,
    pub payments: Vec<String>,
    pub bookings: Vec<String>,
}

/// A hotel, its guests, and what the test believes of them.
pub struct Play<'p> {
    pub guests: &'p [Guest],
    pub rows: Rows,
    pub house: House,
    pub ids: Ids,
    sweeper: &'p Db,
    pub sent: Vec<Sent>,
    /// When the case's clock was stopped last.
    stopped: Instant,
    steps: usize,
    pub tally: Tally,
}

impl<'p> Play<'p> {
    pub fn new(guests: &'p [Guest], sweeper: &'p Db, rows: Rows, house: House) -> Self {
        assert_eq!(guests.len(), GUESTS);
        let (ids, sent, stopped) = (Ids::default(), Vec::new(), Instant::now());
        Self { guests, rows, house, ids, sweeper, sent, stopped, steps: 0, tally: Tally::new() }
    }

    /// One command, and a look at everything.
    pub async fn step(&mut self, command: &Command) -> Result<(), String> {
        self.command(command).await?;
        // The time that the step itself took does not count: the case's clock stands still between commands.
        let took = self.stopped.elapsed();
        self.rows.pass(-took.as_secs_f64())?;
        self.stopped += took;
        self.steps += 1;
        look::everything(self, self.steps).await
    }

    /// Everything runs out, and the money finds its place.
    pub async fn end(&mut self) -> Result<(), String> {
        for payment in 0..self.house.payments.len() {
            self.complete(payment).await?;
        }
        self.pass(10_000)?;
        self.sweep().await?;
        look::everything(self, 0).await?;
        for _ in 0..1_000 {
            if self.rows.unfinished(None)? == 0 {
                return look::money(self);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err("jobs are still open".to_owned())
    }

    async fn command(&mut self, command: &Command) -> Result<(), String> {
        match command.clone() {
            Command::Quote { guest, wish } => self.look_and_quote(guest, wish).await,
            Command::QuoteAgain { guest, offer } => match nth(self.house.offers.len(), offer) {
                Some(offer) => self.perform(Op::Quote { guest, offer }).await,
                None => Ok(()),
            },
            Command::Hold { first, others, by } => match self.quotes(first, &others) {
                Some(quotes) => {
                    let guest = caller(self.house.quotes[quotes[0]].guest, by);
                    self.perform(Op::Hold { guest, quotes }).await
                }
                None => Ok(()),
            },
            Command::Pass(until) => self.pass_until(until),
            Command::Sweep => self.sweep().await,
            Command::Complete { payment } => {
                let open = |payment: &usize| !self.house.payments[*payment].is_settled;
                let open: Vec<_> = (0..self.house.payments.len()).filter(open).collect();
                match nth(open.len(), payment) {
                    Some(at) => self.complete(open[at]).await,
                    None => Ok(()),
                }
            }
            Command::Repeat { back, is_changed } => self.repeat(back, is_changed).await,
            Command::Extend { hold, by, tag, seconds } => {
                self.on_hold(hold, by, |guest, hold| Op::Extend { guest, hold, tag, seconds }).await
            }
            Command::Release { hold, by } => self.on_hold(hold, by, |guest, hold| Op::Release { guest, hold }).await,
            Command::Cancel { booking, by, dry_run } => {
                let all = (0..self.house.bookings.len()).collect();
                let kept = |booking: &usize| !self.house.bookings[*booking].is_cancelled;
                let Some(booking) = choose(booking, all, kept) else { return Ok(()) };
                let guest = caller(self.house.holds[self.house.bookings[booking].hold].guest, by);
                self.perform(Op::Cancel { guest, booking, dry_run }).await
            }
            Command::Confirm { hold, by } => self.on_hold(hold, by, |guest, hold| Op::Confirm { guest, hold }).await,
            Command::Pay { hold, by, is_good, line, times } => {
                let Some(hold) = self.pick_hold(hold) else { return Ok(()) };
                let guest = caller(self.house.holds[hold].guest, by);
                for _ in 0..times {
                    self.perform(Op::Pay { guest, hold, is_good, line }).await?;
                }
                Ok(())
            }
            staff => self.change(&staff),
        }
    }

    async fn on_hold(&mut self, hold: Pick, by: By, op: impl Fn(usize, usize) -> Op) -> Result<(), String> {
        match self.pick_hold(hold) {
            Some(hold) => self.perform(op(caller(self.house.holds[hold].guest, by), hold)).await,
            None => Ok(()),
        }
    }

    /// What the hotel's staff does, whose calls are not built yet.
    fn change(&mut self, command: &Command) -> Result<(), String> {
        let house = &mut self.house;
        match *command {
            Command::Capacity { room, night, rooms } => {
                let changed = self.rows.change_night(&format!("capacity = {rooms}"), room, night);
                let fits = house.held(room, night) + house.sold(room, night) <= rooms;
                // Rooms of holds that are over count in the rows until somebody tidies.
                let untidy = (0..house.holds.len()).any(|hold| {
                    matches!(house.holds[hold].state, State::Active | State::Paying { .. })
                        && !house.is_live(hold)
                        && house.takes(hold, room, night) > 0
                });
                match changed {
                    Ok(()) if fits => house.capacity[room][night] = rooms,
                    Err(error) if error.contains("inventory_never_oversold") && (!fits || untidy) => {}
                    other => return Err(format!("{rooms} rooms, which fit: {fits}: {other:?}")),
                }
                Ok(())
            }
            Command::Price { plan, room, night, price } => {
                house.prices[plan][room][night] = price;
                self.rows.change_rate(&format!("price = {price}"), plan, room, night)
            }
            Command::Touch { plan, room, night } => self.rows.change_rate("closed = closed", plan, room, night),
            Command::Close { room, night } => {
                house.closed[room][night] ^= true;
                self.rows.change_night("closed = NOT closed", room, night)
            }
            Command::Shut { plan, room, night } => {
                house.shut[plan][room][night] ^= true;
                self.rows.change_rate("closed = NOT closed", plan, room, night)
            }
            Command::FreeUntil { plan, hours } => {
                house.free_until_h[plan] = hours;
                self.rows.free_until(plan, hours)
            }
            ref other => unreachable!("guests do {other:?}"),
        }
    }

    async fn look_and_quote(&mut self, guest: usize, wish: Wish) -> Result<(), String> {
        let shown = look::offers(self, guest, &wish).await?;
        let Some(offer_id) = shown else { return Ok(()) };
        self.ids.offers.push(offer_id);
        let total = self.house.price(&wish).total();
        self.house.offers.push(Offer { wish, total });
        self.perform(Op::Quote { guest, offer: self.house.offers.len() - 1 }).await
    }

    async fn sweep(&mut self) -> Result<(), String> {
        self.house.sweep();
        sweeper::sweep(self.sweeper).await.map(|_| ()).map_err(|error| error.to_string())
    }

    /// Lets a completer take up the payment's attempt, and waits until it has.
    async fn complete(&mut self, payment: usize) -> Result<(), String> {
        if self.house.payments[payment].is_settled {
            return Ok(());
        }
        let id = self.ids.payments[payment].clone();
        self.rows.end_lease(&id)?;
        for _ in 0..1_000 {
            if self.rows.unfinished(Some(&id))? == 0 {
                self.house.complete(payment);
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err("nobody completes the payment".to_owned())
    }

    fn pass_until(&mut self, until: Until) -> Result<(), String> {
        let paying = |state: State| match state {
            State::Paying { until, .. } => Some(until),
            _ => None,
        };
        let deadline = match until {
            Until::Seconds(seconds) => Some(self.house.now + seconds),
            Until::HoldEnds(pick) => {
                let hold = self.pick_hold(pick).filter(|hold| self.house.is_live(*hold));
                hold.map(|hold| self.house.holds[hold].live_until() + MARGIN_S)
            }
            Until::QuoteEnds(pick) => self.pick_quote(pick).map(|quote| self.house.quotes[quote].expires + MARGIN_S),
            Until::PayingEnds => {
                self.house.holds.iter().filter_map(|hold| paying(hold.state)).max().map(|until| until + MARGIN_S)
            }
        };
        match deadline.map(|deadline| deadline - self.house.now) {
            Some(seconds) if seconds > 0 => self.pass(seconds),
            _ => Ok(()),
        }
    }

    /// So many seconds pass, and some more where a deadline would be near.
    fn pass(&mut self, seconds: i64) -> Result<(), String> {
        let before = self.house.now;
        self.house.now += seconds;
        let deadlines = self.house.deadlines();
        while deadlines.iter().any(|deadline| (deadline - self.house.now).abs() < MARGIN_S) {
            self.house.now += 10;
        }
        let seconds = u32::try_from(self.house.now - before).map_err(|error| error.to_string())?;
        self.rows.pass(f64::from(seconds))
    }

    fn pick_hold(&self, pick: Pick) -> Option<usize> {
        let all: Vec<_> = (0..self.house.holds.len()).collect();
        choose(pick, all, |hold| self.house.is_live(*hold))
    }

    fn pick_quote(&self, pick: Pick) -> Option<usize> {
        let all: Vec<_> = (0..self.house.quotes.len()).collect();
        choose(pick, all, |quote| self.is_usable(*quote))
    }

    fn is_usable(&self, quote: usize) -> bool {
        let quote = &self.house.quotes[quote];
        !quote.used && quote.expires > self.house.now
    }

    /// A quote, and others of its guest's or of anybody's, each once.
    fn quotes(&self, first: Pick, others: &[Pick]) -> Option<Vec<usize>> {
        let first = self.pick_quote(first)?;
        let mut quotes = vec![first];
        let guest = self.house.quotes[first].guest;
        for pick in others {
            let rest = (0..self.house.quotes.len()).filter(|quote| !quotes.contains(quote)).collect();
            let fits = |quote: &usize| self.is_usable(*quote) && self.house.quotes[*quote].guest == guest;
            quotes.extend(choose(*pick, rest, fits));
        }
        Some(quotes)
    }
}

fn caller(owner: usize, by: By) -> usize {
    match by {
        By::Owner => owner,
        By::Stranger => (owner + 1) % GUESTS,
    }
}

/// One of so many, counted back from the newest: what comes and goes before it leaves it where it is.
pub fn nth(of: usize, back: usize) -> Option<usize> {
    (of > 0).then(|| of - 1 - back % of)
}

fn choose(pick: Pick, all: Vec<usize>, is_live: impl Fn(&usize) -> bool) -> Option<usize> {
    let (number, among) = match pick {
        Pick::Live(number) => (number, all.into_iter().filter(is_live).collect()),
        Pick::Any(number) => (number, all),
    };
    nth(among.len(), number).map(|at| among[at])
}
