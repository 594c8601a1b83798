//! When all rounds are over: the whole stock again, every guest's list of bookings, and the money of each.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use serde_json::Value;

use super::call::Call;
use super::crowd::AT_ONCE;
use super::round::Round;
use super::verdict::{Fault, Kind, judge_bookings};
use super::walk::Walk;
use super::{RaceError, Stage};

/// Money is captured after the confirmation, in the background; after a kill only when a lease has run out.
const CAPTURED_WITHIN: Duration = Duration::from_secs(120);
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

/// What is wrong with what is left.
pub async fn judge(stage: &mut Stage, rounds: &[Round]) -> Vec<Fault> {
    match look(stage, rounds).await {
        Ok(faults) => faults,
        Err(error) => vec![Fault::new(None, Kind::Unchecked, error.to_string())],
    }
}

async fn look(stage: &mut Stage, rounds: &[Round]) -> Result<Vec<Fault>, RaceError> {
    stage.renew().await?;
    let stage = &*stage;
    let mut faults = Vec::new();
    for round in rounds {
        let booked = i64::try_from(round.booked().count()).unwrap_or(i64::MAX);
        for night in stage.hotel.stock(&stage.door, &stage.admin, round.number).await? {
            if (night.held, night.sold) != (0, booked) {
                let says =
                    format!("{}: at last {} held and {} sold, not 0 and {booked}", night.date, night.held, night.sold);
                faults.push(Fault::new(Some(round.number), Kind::Lost, says));
            }
        }
    }
    if stage.plan.pay {
        faults.extend(bookings(stage, rounds).await?);
        let walks = rounds.iter().flat_map(|round| round.booked().map(|(walk, _)| walk));
        let captured = stream::iter(walks.map(|walk| captured(stage, walk))).buffer_unordered(AT_ONCE);
        let unpaid: Vec<Result<Option<Fault>, RaceError>> = captured.collect().await;
        for fault in unpaid {
            faults.extend(fault?);
        }
    }
    Ok(faults)
}

/// Compares each guest's list with what the guest was told.
async fn bookings(stage: &Stage, rounds: &[Round]) -> Result<Vec<Fault>, RaceError> {
    let mut told: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for (walk, booking_id) in rounds.iter().flat_map(Round::booked) {
        told.entry(walk.guest).or_default().insert(booking_id.to_owned());
    }
    let mut faults = Vec::new();
    for (number, guest) in stage.guests.iter().enumerate() {
        let listed = listed(stage, &guest.token).await?;
        faults.extend(judge_bookings(told.get(&number).unwrap_or(&BTreeSet::new()), &listed));
    }
    Ok(faults)
}

/// The ids of a guest's bookings, page by page.
async fn listed(stage: &Stage, token: &str) -> Result<BTreeSet<String>, RaceError> {
    let mut ids = BTreeSet::new();
    let mut path = "/bookings?limit=200".to_owned();
    loop {
        let call = Call::get(path).by(token);
        let page = stage.door.ask(&call).await?;
        let Some(bookings) = page.field("data").as_array().filter(|_| page.status == 200) else {
            return Err(RaceError::unexpected(&call.name(), &page));
        };
        ids.extend(bookings.iter().filter_map(|booking| booking["booking_id"].as_str()).map(str::to_owned));
        match page.field("next_cursor") {
            Value::String(cursor) => path = format!("/bookings?limit=200&cursor={cursor}"),
            _ => return Ok(ids),
        }
    }
}

/// Waits until the money of a booking is captured.
async fn captured(stage: &Stage, walk: &Walk) -> Result<Option<Fault>, RaceError> {
    let payment_id = walk.payment.as_ref().and_then(|step| step.done()).unwrap_or_default();
    let Some(guest) = stage.guests.get(walk.guest) else { return Ok(None) };
    let call = Call::get(format!("/payments/{payment_id}")).by(&guest.token);
    let begun = Instant::now();
    loop {
        let payment = stage.door.ask(&call).await?;
        let (amount, captured) = (payment.field("amount"), payment.field("captured"));
        match payment.text("status").as_str() {
            "captured" if amount == captured => return Ok(None),
            "authorized" | "capture_pending" if begun.elapsed() < CAPTURED_WITHIN => {}
            status => {
                let says = format!("payment {payment_id} of a booking is {payment} {status}, captured {captured}");
                return Ok(Some(Fault::new(None, Kind::Unpaid, says)));
            }
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}
