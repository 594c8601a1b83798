//! What the bulk changes have in common: how much one call may name, and that its items do not contradict each other.

use chrono::{Duration, NaiveDate};
use serde::Serialize;

use super::MAX_DAYS;
use super::refusal::{Fault, Refused, none};
use super::span::{Span, Weekday, Weekdays};
use super::strips::{self, Strip};
use super::trail::MOST_NIGHTS;
use crate::hotels::staff::Refusal;

/// The most items of a call.
pub const MAX_ITEMS: usize = 1_000;
/// The most nights of a call, all items together.
pub const MAX_NIGHTS: i64 = 200_000;
/// How far ahead a night may lie, in days: beyond ten years, a date is a slip of the pen.
pub const MAX_AHEAD_DAYS: i64 = 3_660;

/// An item of a bulk change.
pub trait Item {
    /// What its nights are nights of.
    type Key: Ord + Copy;

    fn key(&self) -> Self::Key;
    /// From, to, and the weekdays if not all.
    fn range(&self) -> (NaiveDate, NaiveDate, Option<&[Weekday]>);
    /// Names of what it sets.
    fn sets(&self) -> Vec<&'static str>;
    fn expected_version(&self) -> Option<i32>;
}

/// Items within the limits. Once they are [`Bulk::sound`], none contradicts another.
#[derive(Clone, Debug)]
pub struct Bulk<I: Item> {
    pub items: Vec<I>,
    /// Of each item.
    pub spans: Vec<Span>,
    /// All nights, each once.
    pub strips: Vec<Strip<I::Key>>,
    /// How many nights the strips have.
    pub nights: i64,
    faults: Vec<Fault>,
}

/// An item that is meant for nights of one version only.
#[derive(Clone, Copy, Debug)]
pub struct Expecting<K> {
    pub item: usize,
    pub key: K,
    pub span: Span,
    pub version: i32,
}

/// What a bulk change has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Done {
    /// Different nights named.
    pub nights: i64,
    /// Of these, those that are another now, made ones among them.
    pub changed: i64,
    /// Of these, those that were not there before.
    pub created: i64,
}

impl<I: Item> Bulk<I> {
    /// Looks at the items for themselves, of which some are known to be `broken`. Too much is refused at once; all else is
    /// told by [`Bulk::sound`], together with what only the hotel's rows can tell.
    pub fn check(items: Vec<I>, broken: Vec<Fault>) -> Result<Self, Refused> {
        let mut faults = broken;
        if !(1..=MAX_ITEMS).contains(&items.len()) {
            none(faults)?;
            return Err(Refused::Invalid(vec![too_much(format!("must be 1 to {MAX_ITEMS}"))]));
        }
        let spans: Vec<Span> = items.iter().map(span).collect();
        // What has a fault of its own has no nights that others could name too.
        let sound = |(at, span): (usize, &Span)| match fault(at, *span) {
            Some(fault) => {
                faults.push(fault);
                Span { to: span.from, ..*span }
            }
            None => *span,
        };
        let named: Vec<Span> = spans.iter().enumerate().map(sound).collect();
        let total: i64 = named.iter().map(|span| span.nights()).sum();
        if total > MAX_NIGHTS {
            faults.push(too_much(format!("must name at most {MAX_NIGHTS} nights in all, and name {total}")));
            none(std::mem::take(&mut faults))?;
        }
        let strips = strips::cut(&items.iter().map(Item::key).zip(named).collect::<Vec<_>>());
        faults.extend(contradictions(&items, &strips));
        let nights = strips.iter().map(|strip| strip.span.nights()).sum();
        Ok(Self { items, spans, strips, nights, faults })
    }

    /// Refuses everything that is at fault: what [`Bulk::check`] found, nights that are past where the hotel is, or absurdly
    /// far away, and what the hotel's rows contradict.
    pub fn sound(&self, today: NaiveDate, by_rows: Vec<Fault>) -> Result<(), Refused> {
        let mut faults = self.faults.clone();
        faults.extend(self.out_of_time(today));
        faults.extend(by_rows);
        none(faults)
    }

    /// A refusal of the hotel: what is not valid is told before what is not there.
    pub fn refusal(&self, refusal: Refusal) -> Refused {
        match (refusal, none(self.faults.clone())) {
            (Refusal::NotFound, Err(invalid)) => invalid,
            (refusal, _) => refusal.into(),
        }
    }

    fn out_of_time(&self, today: NaiveDate) -> impl Iterator<Item = Fault> {
        let last = today + Duration::days(MAX_AHEAD_DAYS);
        self.spans.iter().enumerate().filter_map(move |(at, span)| {
            if span.from < today {
                Some(Fault::of(at, "from", format!("must not be before the hotel's today, {today}")))
            } else if span.to > last {
                Some(Fault::of(at, "to", format!("must be at most {MAX_AHEAD_DAYS} days after the hotel's today")))
            } else {
                None
            }
        })
    }

    /// The items whose key is not `known`.
    pub fn unknown(&self, known: impl Fn(I::Key) -> bool) -> impl Iterator<Item = usize> {
        self.items.iter().enumerate().filter(move |(_, item)| !known(item.key())).map(|(at, _)| at)
    }

    /// Whether the audit log keeps what the nights were.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.nights <= MOST_NIGHTS
    }

    /// The items that expect a version.
    #[must_use]
    pub fn expecting(&self) -> Vec<Expecting<I::Key>> {
        let expecting = |((item, asked), span): ((usize, &I), &Span)| {
            Some(Expecting { item, key: asked.key(), span: *span, version: asked.expected_version()? })
        };
        self.items.iter().enumerate().zip(&self.spans).filter_map(expecting).collect()
    }
}

fn too_much(message: String) -> Fault {
    Fault { field: "items".to_owned(), is_missing: false, message }
}

fn span(item: &impl Item) -> Span {
    let (from, to, weekdays) = item.range();
    let weekdays = weekdays.map_or(Weekdays::ALL, |days| days.iter().copied().collect());
    Span { from, to, weekdays }
}

fn fault(at: usize, span: Span) -> Option<Fault> {
    match span.days() {
        ..=0 => Some(Fault::of(at, "to", "must be after from")),
        1..=MAX_DAYS if span.nights() == 0 => Some(Fault::of(at, "weekdays", "none of them is between from and to")),
        1..=MAX_DAYS => None,
        _ => Some(Fault::of(at, "to", format!("must be at most {MAX_DAYS} days after from"))),
    }
}

/// Both items of each contradiction.
fn contradictions<I: Item>(items: &[I], strips: &[Strip<I::Key>]) -> Vec<Fault> {
    let sets = |item: usize| items.get(item).map(Item::sets).unwrap_or_default();
    let mut faults: Vec<(usize, Fault)> = Vec::new();
    for clash in strips::clashes(strips, sets) {
        let night = clash.night.map(|night| night.to_string()).unwrap_or_default();
        let says = |other: usize| format!("items[{other}] sets {} of {night} too", clash.field);
        if faults.iter().all(|(item, _)| *item != clash.first) {
            faults.push((clash.first, Fault::of(clash.first, "", says(clash.second))));
        }
        faults.push((clash.second, Fault::of(clash.second, "", says(clash.first))));
    }
    faults.sort_by_key(|(item, _)| *item);
    faults.into_iter().map(|(_, fault)| fault).collect()
}
