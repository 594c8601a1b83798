//! `/payments`.

use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpResponse, get, post};
use utoipa_actix_web::service_config::ServiceConfig;

use super::store::{self, PaymentRow};
use super::webhook::http::receive_webhook;
use super::wire::{Pay, PaymentBody, answer, halt};
use super::{Provider, begin, converse, settle};
use crate::access::guard::{May, StaysBook};
use crate::config::Config;
use crate::db::{Db, DbError};
use crate::http::extract::{Body, InOrder, NoQuery, PathId};
use crate::http::idempotency::{Answer, Claim, Halt, Key, Keyed, claim, finish, free, holds_claim, refuse, works_on};
use crate::http::if_match::tag;
use crate::http::problem::{Code, Problem, ProblemDocument};
use crate::kernel::ids::{AttemptId, PaymentId};

const TAG: &str = "payments";

/// The routes.
pub fn routes(app: &mut ServiceConfig<'_>) {
    app.service(pay).service(get_payment).service(super::refunds::http::request_refund).service(receive_webhook);
}

/// What a call has to do once it has the key.
enum Turn {
    Done(Answer),
    Converse { payment: Box<PaymentRow>, epoch: i32 },
}

/// Pay what is due now
///
/// Authorises `due_now` of the hold; the money is taken once the booking is confirmed. 202 `processing`: the provider's
/// answer is not known yet; 202 `requires_action`: the guest has to answer their bank at `next_action.url` first. Poll
/// the payment either way.
#[utoipa::path(tag = TAG, request_body = Pay, security(("bearer" = [])),
    params(("Idempotency-Key" = String, Header)),
    responses(
        (status = 201, body = PaymentBody),
        (status = 202, body = PaymentBody),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json", description = "idempotency_key_missing, idempotency_key_invalid"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 402, body = ProblemDocument, content_type = "application/problem+json", description = "card_declined with payment_id and decline_code"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "payment_in_progress, payment_abandoned, already_paid, payment_not_required, hold_converted, idempotency_key_reused, idempotency_in_progress"),
        (status = 410, body = ProblemDocument, content_type = "application/problem+json", description = "hold_expired, hold_released"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, body = ProblemDocument, content_type = "application/problem+json", description = "payment_attempts"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    ))]
#[post("/payments")]
pub async fn pay(
    call: InOrder<(May<StaysBook>, Key, Body<Pay>)>,
    db: Data<Db>,
    provider: Data<Provider>,
    config: Data<Config>,
) -> Result<HttpResponse, Problem> {
    let InOrder((guest, key, body)) = call;
    let keyed = key.of(guest.caller.user_id, body.hash);
    match wait_for_turn(&db, &provider, &keyed, &body.value).await? {
        Turn::Done(answer) => Ok(answer.into()),
        Turn::Converse { payment, epoch } => {
            let answered = converse(&db, &provider, *payment, keyed.clone(), epoch, config.confirm_window_s).await;
            if let Err(Halt::Db(_)) = &answered {
                // If the database is away the lease runs out instead.
                let freed = db.write(move |tx| free(tx, &keyed, epoch)).await;
                tracing::debug!(freed = freed.is_ok(), "a payment's key is free for the next try");
            }
            Ok(answered?.into())
        }
    }
}

/// Asks the provider, then settles and answers in one transaction.
///
/// Locks: the key, then what [`settle::settle`] locks. The outcome is kept even if the key was taken over meanwhile.
async fn converse(
    db: &Db,
    provider: &Provider,
    payment: PaymentRow,
    keyed: Keyed,
    epoch: i32,
    confirm_window_s: i32,
) -> Result<Answer, Halt> {
    let outcome = converse::ask(db, provider, &payment).await?;
    let answered: Result<Option<Answer>, Halt> = db
        .write(move |tx| {
            let is_ours = holds_claim(tx, &keyed, epoch)?;
            let settled = settle::settle(tx, payment.hotel_id, payment.attempt_id, &outcome, confirm_window_s)?;
            if !is_ours {
                return Ok(None);
            }
            let answer = answer(&settled)?;
            finish(tx, &keyed, epoch, &answer)?;
            Ok(Some(answer))
        })
        .await;
    answered?.ok_or_else(|| Problem::plain(Code::IdempotencyInProgress).retry_after(1).into())
}

/// Takes a turn, waiting up to 1 s for another call with the same key.
async fn wait_for_turn(db: &Db, provider: &Provider, keyed: &Keyed, ask: &Pay) -> Result<Turn, Halt> {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(1);
    loop {
        match take_turn(db, provider, keyed.clone(), ask.clone()).await {
            Err(Halt::Refused(problem))
                if problem.code == Code::IdempotencyInProgress && tokio::time::Instant::now() < deadline =>
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            turn => return turn,
        }
    }
}

/// Claims the key and records the attempt, in one transaction; or takes up what a caller before left.
async fn take_turn(db: &Db, provider: &Provider, keyed: Keyed, ask: Pay) -> Result<Turn, Halt> {
    let provider = provider.name();
    db.write(move |tx| match claim(tx, &keyed)? {
        Claim::Answered(answer) => Ok(Turn::Done(answer)),
        Claim::Begun { epoch } => {
            let begun = tx.savepoint(|tx| {
                begin::begin(tx, provider, keyed.user_id, ask.hold_id, &ask.payment_method).map_err(halt)
            });
            let (hotel_id, attempt_id) = match begun {
                Ok(begun) => begun,
                Err(Ok(Halt::Refused(problem))) => return refuse(tx, &keyed, epoch, problem).map(Turn::Done),
                Err(Ok(halt)) => return Err(halt),
                Err(Err(error)) => return Err(Halt::Db(error)),
            };
            works_on(tx, &keyed, hotel_id, attempt_id.0)?;
            Ok(Turn::Converse { payment: Box::new(store::of_attempt(tx, hotel_id, attempt_id)?), epoch })
        }
        Claim::TakenOver { epoch, hotel_id, resource_id } => {
            let attempt_id = AttemptId(resource_id);
            match store::lease(tx, hotel_id, attempt_id)? {
                Some(payment) => Ok(Turn::Converse { payment: Box::new(payment), epoch }),
                None => {
                    let answer = answer(&store::of_attempt(tx, hotel_id, attempt_id)?)?;
                    finish(tx, &keyed, epoch, &answer)?;
                    Ok(Turn::Done(answer))
                }
            }
        }
    })
    .await
}

/// See a payment of one's own
#[utoipa::path(tag = TAG, params(("id" = PaymentId, Path)), security(("bearer" = [])), responses(
    (status = 200, body = PaymentBody),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
))]
#[get("/payments/{id}")]
pub async fn get_payment(
    call: InOrder<(May<StaysBook>, NoQuery, PathId<PaymentId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    let InOrder((guest, NoQuery, PathId(payment_id))) = call;
    let user_id = guest.caller.user_id;
    let found = db.read::<_, DbError>(move |conn| store::find(conn, user_id, payment_id)).await?;
    let payment = found.ok_or_else(|| Problem::plain(Code::NotFound))?;
    let payment = PaymentBody::from(&payment);
    Ok(HttpResponse::Ok().insert_header(tag(payment.version)).json(payment))
}
