//! What a race has shown: for people a table and a histogram, for scripts one JSON document.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::Stage;
use super::door::Tally;
use super::latency::Latencies;
use super::plan::Plan;
use super::round::Round;
use super::verdict::{Fault, Kind, Verdict};
use super::walk::{Ended, Step};

/// Characters of the longest bar.
const BAR: u64 = 50;
/// Faults that are printed; all are counted.
const PRINTED: usize = 20;

/// A race that is over.
pub struct Report {
    plan: Plan,
    is_own: bool,
    hotel_id: String,
    /// Whether the race hotel is gone again.
    pub hotel_was_deleted: bool,
    /// How often the race's own server was killed.
    pub kills: u64,
    winners: usize,
    /// Nights by the inventory call, after the rounds.
    nights: usize,
    oversold_nights: usize,
    /// Rounds in which everything was as it must be.
    sound_rounds: usize,
    /// Each call's answers, by status and code.
    answers: BTreeMap<(Made, String), u64>,
    latencies: BTreeMap<Made, Latencies>,
    tally: Tally,
    took: Duration,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

/// What a step makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Made {
    Hold,
    Payment,
    Booking,
}

impl Made {
    fn name(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Payment => "payment",
            Self::Booking => "booking",
        }
    }
}

impl Report {
    pub(super) fn new(stage: &Stage, is_own: bool) -> Self {
        Self {
            plan: stage.plan,
            is_own,
            hotel_id: stage.hotel.hotel_id.clone(),
            hotel_was_deleted: false,
            kills: 0,
            winners: 0,
            nights: 0,
            oversold_nights: 0,
            sound_rounds: 0,
            answers: BTreeMap::new(),
            latencies: BTreeMap::new(),
            tally: Tally::default(),
            took: Duration::ZERO,
            faults: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, round: &Round, verdict: Verdict) {
        self.winners += round.winners().count();
        self.nights += verdict.nights;
        self.oversold_nights += verdict.oversold_nights;
        self.sound_rounds += usize::from(verdict.faults.is_empty());
        self.faults.extend(verdict.faults);
        for walk in &round.walks {
            self.count(Made::Hold, Some(&walk.hold));
            self.count(Made::Payment, walk.payment.as_ref());
            self.count(Made::Booking, walk.booking.as_ref());
        }
    }

    fn count(&mut self, made: Made, step: Option<&Step>) {
        let Some(step) = step else { return };
        let answer = match &step.ended {
            Ended::Done { .. } => "201".to_owned(),
            Ended::Refused(answer) => answer.clone(),
            Ended::Unanswered(_) => "no answer".to_owned(),
        };
        *self.answers.entry((made, answer)).or_default() += 1;
        self.latencies.entry(made).or_default().record(step.took);
    }

    pub(super) fn close(&mut self, tally: &Tally, took: Duration) {
        let failures = tally.failures.iter().map(|what| Fault::new(None, Kind::ServerError, what.clone()));
        self.faults.extend(failures);
        self.tally = tally.clone();
        self.took = took;
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }

    fn faults_of(&self, kind: Kind) -> usize {
        self.faults.iter().filter(|fault| fault.kind == kind).count()
    }

    /// The whole as one document.
    #[must_use]
    pub fn document(&self) -> Value {
        let answers = self
            .answers
            .iter()
            .map(|((made, answer), count)| json!({ "call": made.name(), "answer": answer, "count": count }));
        let latencies = self.latencies.iter().map(|(made, latencies)| (made.name(), latencies.document()));
        json!({
            "is_clean": self.is_clean(),
            "race": self.plan,
            "own_server": self.is_own,
            "hotel_id": self.hotel_id,
            "hotel_was_deleted": self.hotel_was_deleted,
            "took_s": self.took.as_secs_f64(),
            "winners": self.winners,
            "sound_rounds": self.sound_rounds,
            "nights": self.nights,
            "oversold_nights": self.oversold_nights,
            "answers": answers.collect::<Vec<_>>(),
            "latency_ms": latencies.collect::<BTreeMap<_, _>>(),
            "on_the_way": self.tally,
            "kills": self.kills,
            "faults": self.faults,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { clients, rooms, rounds, nights, pay, chaos } = self.plan;
        let extras = [(pay, ", paid and confirmed"), (chaos, ", with chaos")];
        let extras: String = extras.into_iter().filter_map(|(is_on, text)| is_on.then_some(text)).collect();
        let at = if self.is_own { "its own server" } else { "a running server" };
        writeln!(
            f,
            "clients {clients}, rooms {rooms}, rounds {rounds}, nights {nights}{extras}; against {at}, {:.1} s\n",
            self.took.as_secs_f64()
        )?;

        writeln!(f, "{:<9} {:<28} {:>9}", "call", "answer", "count")?;
        for ((made, answer), count) in &self.answers {
            writeln!(f, "{:<9} {answer:<28} {count:>9}", made.name())?;
        }
        writeln!(f, "\n{:<9} {:>12} {:>12} {:>12}", "call", "p50 ms", "p99 ms", "max ms")?;
        for (made, latencies) in &self.latencies {
            let [p50, p99, max] = [0.5, 0.99, 1.0].map(|quantile| latencies.quantile(quantile));
            writeln!(f, "{:<9} {p50:>12.1} {p99:>12.1} {max:>12.1}", made.name())?;
        }
        if let Some(holds) = self.latencies.get(&Made::Hold) {
            let buckets = holds.buckets();
            let most = buckets.iter().map(|(_, count)| *count).max().unwrap_or_default().max(1);
            writeln!(f, "\nholds answered within")?;
            for (ms, count) in buckets {
                let bar = usize::try_from((count * BAR).div_ceil(most)).unwrap_or_default();
                writeln!(f, "{ms:>9} ms {count:>9}  {}", "#".repeat(bar))?;
            }
        }
        let Tally { sent, dropped, broken, busy, in_progress, replayed, .. } = &self.tally;
        writeln!(
            f,
            "\n{sent} requests: {dropped} dropped on purpose, {broken} broken, {busy} busy, {in_progress} in progress, {replayed} replayed"
        )?;
        if self.kills > 0 {
            writeln!(f, "{} times kill -9 of the server and its PostgreSQL", self.kills)?;
        }
        if !self.is_own && !self.hotel_was_deleted {
            writeln!(f, "the race hotel stays: {}", self.hotel_id)?;
        }
        self.verdict(f)
    }
}

impl Report {
    fn verdict(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |part: usize, whole: usize| format!("{part} of {whole}");
        let rounds = of(self.sound_rounds, self.plan.rounds);
        writeln!(f, "\n{:<34} {:>13}", "winners", self.winners)?;
        writeln!(f, "{:<34} {rounds:>13}", "rounds in which all was right")?;
        writeln!(f, "{:<34} {:>13}", "oversold nights, by the inventory", of(self.oversold_nights, self.nights))?;
        for (kind, name) in [
            (Kind::Oversold, "oversold"),
            (Kind::Lost, "lost"),
            (Kind::PaidWithoutBooking, "paid without a booking"),
            (Kind::Unpaid, "booked and not paid"),
            (Kind::ServerError, "answered 5xx"),
            (Kind::Unanswered, "without a definite answer"),
            (Kind::Unchecked, "could not be checked"),
        ] {
            writeln!(f, "{name:<34} {:>13}", self.faults_of(kind))?;
        }
        for fault in self.faults.iter().take(PRINTED) {
            let round = fault.round.map(|number| format!("round {number}: ")).unwrap_or_default();
            writeln!(f, "    {round}{}", fault.says)?;
        }
        if self.faults.len() > PRINTED {
            writeln!(f, "    and {} more", self.faults.len() - PRINTED)?;
        }
        let last = if self.is_clean() { "Nothing was oversold, nothing was lost." } else { "NOT CLEAN." };
        writeln!(f, "{last}")
    }
}
