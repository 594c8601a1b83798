//! Receive: an event is taken in, with the effect that it has.

use super::event::{AboutIntent, AboutRefund, Event, Metadata, Subject};
use super::store::{self, EventStatus, Verdict};
use crate::db::{Db, DbError, Tx};
use crate::kernel::ids::{AttemptId, HotelId};
use crate::kernel::money::Money;
use crate::payments::evidence::{contradiction, differs};
use crate::payments::machine::Outcome;
use crate::payments::provider::{Intent, IntentStatus, Provider, ProviderError, Unknown};
use crate::payments::refunds::end;
use crate::payments::refunds::store::RefundRow;
use crate::payments::state::RefundStatus;
use crate::payments::{converse, settle, store as payments};

/// Why an event is not taken in: the provider is to send it again.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    #[error(transparent)]
    Unknown(#[from] Unknown),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// What an event comes to.
#[derive(Clone, Debug)]
pub enum Finding {
    /// Nothing here depends on it.
    Ignore,
    /// What it is about may still become known.
    Park(&'static str),
    /// It contradicts what is known.
    Quarantine(String),
    Settle {
        hotel_id: HotelId,
        attempt_id: AttemptId,
        outcome: Outcome,
        /// Where the guest is to go.
        action_url: Option<String>,
    },
    Refunded {
        hotel_id: HotelId,
        refund: RefundRow,
    },
}

/// Takes the event in; what became of it, now or when it was received first.
///
/// Locks: the event's row, so that of two copies the second waits and then finds it, then what
/// [`settle`](settle::settle) locks.
pub async fn receive(
    db: &Db,
    provider: &Provider,
    event: Event,
    confirm_window_s: i32,
) -> Result<EventStatus, ReceiveError> {
    let (name, event_id) = (provider.name(), event.event_id.clone());
    if let Some(status) = db.read(move |conn| store::known(conn, name, &event_id)).await? {
        return Ok(status);
    }
    let finding = find_out(db, provider, &event).await?;
    let take_in = move |tx: &mut Tx<'_>| {
        if !store::insert(tx, name, &event)? {
            let known = store::known(tx, name, &event.event_id)?;
            return known.ok_or_else(|| DbError::invariant("an event that is there has a status"));
        }
        let verdict = apply(tx, &finding, confirm_window_s)?;
        store::decide(tx, name, &event.event_id, &verdict)?;
        tell_staff(&event.event_id, &verdict);
        Ok(verdict.status)
    };
    Ok(db.write(take_in).await?)
}

/// What the event comes to, by what is known here and where the provider says that its intent stands now. An event tells
/// of a moment that is over: in whatever order events arrive, what is settled is the newest state.
pub(super) async fn find_out(db: &Db, provider: &Provider, event: &Event) -> Result<Finding, ReceiveError> {
    match &event.subject {
        Subject::Other => Ok(Finding::Ignore),
        Subject::Unreadable(why) => Ok(Finding::Quarantine(format!("it cannot be read: {why}"))),
        Subject::Intent(about) => about_intent(db, provider, about).await,
        Subject::Refund(about) => about_refund(db, provider, about).await,
    }
}

async fn about_intent(db: &Db, provider: &Provider, about: &AboutIntent) -> Result<Finding, ReceiveError> {
    let (hotel_id, payment) = match find_payment(db, provider, about.metadata, &about.intent_id).await? {
        Ok(found) => found,
        Err(finding) => return Ok(finding),
    };
    let asked = Money::new(payment.amount, payment.currency);
    if about.amount != asked {
        return Ok(Finding::Quarantine(differs("the event is about", about.amount, asked)));
    }
    let intent = match provider.read(&about.intent_id).await {
        Ok(intent) => intent,
        Err(ProviderError::Unknown(unknown)) => return Err(unknown.into()),
        Err(ProviderError::Refused { code }) => {
            return Ok(Finding::Quarantine(format!("the provider does not show its intent: {code}")));
        }
    };
    match contradiction(asked, payment.status, &intent) {
        Some(why) => Ok(Finding::Quarantine(why)),
        None => Ok(settling(hotel_id, payment.attempt_id, intent)),
    }
}

fn settling(hotel_id: HotelId, attempt_id: AttemptId, intent: Intent) -> Finding {
    let action_url = match &intent.status {
        IntentStatus::RequiresAction { url } => Some(url.clone()),
        _ => None,
    };
    Finding::Settle { hotel_id, attempt_id, outcome: converse::outcome(intent), action_url }
}

/// That money went back stays true, so the event alone is enough.
async fn about_refund(db: &Db, provider: &Provider, about: &AboutRefund) -> Result<Finding, ReceiveError> {
    let (hotel_id, payment) = match find_payment(db, provider, about.metadata, &about.intent_id).await? {
        Ok(found) => found,
        Err(finding) => return Ok(finding),
    };
    let (payment_id, key) = (payment.payment_id, about.refund_key.clone());
    let refund = db.read(move |conn| store::refund(conn, hotel_id, payment_id, &key)).await?;
    let Some(refund) = refund else {
        return Ok(Finding::Park("nobody here has asked for the refund"));
    };
    let asked = Money::new(refund.amount, payment.currency);
    if about.amount != asked {
        return Ok(Finding::Quarantine(differs("the event is about", about.amount, asked)));
    }
    if refund.status == RefundStatus::Failed {
        return Ok(Finding::Quarantine("it had refused the refund before".to_owned()));
    }
    Ok(Finding::Refunded { hotel_id, refund })
}

/// The payment that an event is about; or why its effect has to wait.
async fn find_payment(
    db: &Db,
    provider: &Provider,
    named: Metadata,
    intent_id: &str,
) -> Result<Result<(HotelId, store::Subject), Finding>, DbError> {
    let (Some(hotel_id), Some(payment_id)) = (named.hotel_id, named.payment_id) else {
        return Ok(Err(Finding::Park("it names no payment")));
    };
    let name = provider.name();
    let found = db.read(move |conn| store::payment(conn, name, hotel_id, payment_id)).await?;
    Ok(match found {
        None => Err(Finding::Park("its payment is not known")),
        Some(payment) if payment.intent_id.is_none() => Err(Finding::Park("its payment has no intent yet")),
        Some(payment) if payment.intent_id.as_deref() != Some(intent_id) => {
            Err(Finding::Quarantine("its payment has another intent".to_owned()))
        }
        Some(payment) => Ok((hotel_id, payment)),
    })
}

/// The effect, and what became of the event by it.
pub(super) fn apply(tx: &mut Tx<'_>, finding: &Finding, confirm_window_s: i32) -> Result<Verdict, DbError> {
    let verdict = |status, reason| Ok(Verdict { status, reason });
    match finding {
        Finding::Ignore => verdict(EventStatus::Ignored, None),
        Finding::Park(why) => verdict(EventStatus::Parked, Some((*why).to_owned())),
        Finding::Quarantine(why) => verdict(EventStatus::Quarantined, Some(why.clone())),
        Finding::Settle { hotel_id, attempt_id, outcome, action_url } => {
            settle::settle(tx, *hotel_id, *attempt_id, outcome, confirm_window_s)?;
            if let Some(url) = action_url {
                payments::note_action(tx, *hotel_id, *attempt_id, url)?;
            }
            verdict(EventStatus::Applied, None)
        }
        Finding::Refunded { hotel_id, refund } => {
            end::made(tx, *hotel_id, refund)?;
            verdict(EventStatus::Applied, None)
        }
    }
}

pub(super) fn tell_staff(event_id: &str, verdict: &Verdict) {
    if verdict.status == EventStatus::Quarantined {
        tracing::error!(event_id, reason = verdict.reason, "a webhook is put aside: staff must see to it");
    }
}
