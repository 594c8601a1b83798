//! One round: quotes, the starting signal, and what the server says afterwards.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value, json};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::call::Call;
use super::crowd::{AT_ONCE, Session};
use super::verdict::{Fault, Kind, Seen, Verdict};
use super::walk::{Ended, Runner, Walk};
use super::{RaceError, Stage, verdict};

/// A round that was run.
pub struct Round {
    pub number: usize,
    /// Each guest's.
    pub walks: Vec<Walk>,
}

impl Round {
    /// Everybody takes a quote; then all ask at once.
    pub async fn race(stage: &Stage, number: usize) -> Result<Self, RaceError> {
        let quotes = quotes(stage, number).await?;
        let start = Arc::new(Barrier::new(quotes.len()));
        let mut running = JoinSet::new();
        for (guest, (session, quote_id)) in stage.guests.iter().cloned().zip(quotes).enumerate() {
            let (pays, chaos) = (stage.plan.pay, stage.plan.chaos);
            let runner = Runner { guest, session, quote_id, door: stage.door.clone(), pays, chaos };
            running.spawn(runner.run(start.clone()));
        }
        let mut walks = Vec::with_capacity(running.len());
        while let Some(walk) = running.join_next().await {
            walks.push(walk.map_err(|error| RaceError::Machine(error.to_string()))?);
        }
        walks.sort_by_key(|walk| walk.guest);
        Ok(Self { number, walks })
    }

    /// The walks that got a room.
    pub fn winners(&self) -> impl Iterator<Item = &Walk> {
        self.walks.iter().filter(|walk| walk.hold.done().is_some())
    }

    /// The walks that ended with a booking.
    pub fn booked(&self) -> impl Iterator<Item = (&Walk, &str)> {
        self.walks.iter().filter_map(|walk| Some((walk, walk.booking.as_ref()?.done()?)))
    }

    /// What a reader sees of it while the race goes on.
    pub fn line(&self, rounds: usize) -> String {
        let winners = self.winners().count();
        format!("round {} of {rounds}: {winners} won, {} did not", self.number + 1, self.walks.len() - winners)
    }

    /// Compares what the guests were told with what the server says now.
    pub async fn judge(&self, stage: &Stage) -> Verdict {
        match self.look(stage).await {
            Ok(seen) => verdict::judge(self.number, &seen),
            Err(error) => {
                let fault = Fault::new(Some(self.number), Kind::Unchecked, error.to_string());
                Verdict { faults: vec![fault], ..Verdict::default() }
            }
        }
    }

    async fn look(&self, stage: &Stage) -> Result<Seen, RaceError> {
        let nights = stage.hotel.stock(&stage.door, &stage.admin, self.number).await?;
        let mut missing = Vec::new();
        for walk in self.winners() {
            missing.extend(self.what_is_missing(stage, walk).await?);
        }
        let unanswered = |walk: &Walk| {
            let steps = [Some(&walk.hold), walk.payment.as_ref(), walk.booking.as_ref()];
            steps.into_iter().flatten().find_map(|step| match &step.ended {
                Ended::Unanswered(why) => Some(why.clone()),
                Ended::Done { .. } | Ended::Refused(_) => None,
            })
        };
        Ok(Seen {
            rooms: stage.plan.rooms,
            nights_asked: stage.plan.nights,
            clients: self.walks.len(),
            winners: self.winners().count(),
            paid: self.walks.iter().filter_map(|walk| walk.payment.as_ref()?.done()).count(),
            booked: self.booked().count(),
            pays: stage.plan.pay,
            unanswered: self.walks.iter().filter_map(unanswered).collect(),
            missing,
            nights,
        })
    }

    /// What the server does not have as it told a winner.
    async fn what_is_missing(&self, stage: &Stage, walk: &Walk) -> Result<Option<String>, RaceError> {
        let Some(guest) = stage.guests.get(walk.guest) else { return Ok(None) };
        let hold_id = walk.hold.done().unwrap_or_default();
        let booking_id = walk.booking.as_ref().and_then(|step| step.done());
        let (path, field, expected) = match booking_id {
            Some(booking_id) => (format!("/bookings/{booking_id}"), "hold_id", hold_id),
            None => (format!("/holds/{hold_id}"), "status", "active"),
        };
        let answer = stage.door.ask(&Call::get(path.clone()).by(&guest.token)).await?;
        let found = answer.text(field);
        let stands = booking_id.is_none() || answer.text("status") == "confirmed";
        Ok((found != expected || !stands).then(|| format!("{path} is {answer} {} {found}", answer.text("status"))))
    }

    /// Keeps the winners only: they are asked for again at the end, and the others are many.
    pub fn forget_the_others(&mut self) {
        self.walks.retain(|walk| walk.hold.done().is_some());
    }

    /// Gives back what was held: each guest may have a few live holds only.
    pub async fn give_back(&self, stage: &Stage) {
        for walk in self.winners().filter(|walk| walk.booking.is_none()) {
            let (Some(hold_id), Some(guest)) = (walk.hold.done(), stage.guests.get(walk.guest)) else { continue };
            // Whether it was done is asked of the stock, when all is over.
            let _asked = stage.door.ask(&Call::delete(format!("/holds/{hold_id}")).by(&guest.token)).await;
        }
    }
}

/// A quote of each guest's own, of one offer.
async fn quotes(stage: &Stage, number: usize) -> Result<Vec<String>, RaceError> {
    let (check_in, check_out) = stage.hotel.stay(number);
    let query = format!("check_in={check_in}&check_out={check_out}&adults=1");
    let call = Call::get(format!("/hotels/{}/offers?{query}", stage.hotel.hotel_id)).by(&stage.admin.token);
    let offers = stage.door.ask(&call).await?;
    let Some(offer_id) = offers.body.pointer("/data/0/offer_id").and_then(Value::as_str) else {
        return Err(RaceError::unexpected(&call.name(), &offers));
    };
    let quote = |guest: &Session| {
        let call = Call::post("/quotes", json!({ "offer_id": offer_id })).by(&guest.token);
        async move {
            let answer = stage.door.ask(&call).await?;
            let quote_id = answer.field("quote_id").as_str().map(str::to_owned);
            quote_id.ok_or_else(|| RaceError::unexpected(&call.name(), &answer))
        }
    };
    stream::iter(stage.guests.iter().map(quote)).buffered(AT_ONCE).try_collect().await
}
