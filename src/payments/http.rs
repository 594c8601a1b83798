//! `/payments`.

use std::time::Duration;

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::provider::KNOWN_METHODS;
use super::state::{PaymentError, PaymentStatus};
use super::store::{self, PaymentRow};
use super::webhook::http::receive_webhook;
use super::{Provider, begin, converse, settle};
use crate::access::guard::{May, StaysBook};
use crate::config::Config;
use crate::db::{Db, DbError};
use crate::holds::state::HoldStatus;
use crate::holds::wire::problem as hold_problem;
use crate::http::BASE;
use crate::http::extract::{Body, InOrder, NoQuery, PathId};
use crate::http::idempotency::{Answer, Claim, Halt, Key, Keyed, claim, finish, free, holds_claim, refuse, works_on};
use crate::http::problem::{Code, Problem, ProblemDocument};
use crate::kernel::ids::{AttemptId, HoldId, PaymentId};
use crate::kernel::money::Money;

const TAG: &str = "payments";

/// The routes.
pub fn routes(app: &mut ServiceConfig<'_>) {
    app.service(pay).service(get_payment).service(super::refunds::http::request_refund).service(receive_webhook);
}

/// Which hold to pay for, and how.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pay {
    #[garde(skip)]
    hold_id: HoldId,
    /// The simulator knows `pm_card_visa`, `pm_card_chargeDeclined`, `pm_card_chargeDeclinedInsufficientFunds`,
    /// `pm_card_authenticationRequired`, `pm_sim_timeout_then_success`, `pm_sim_timeout_then_failure`,
    /// `pm_sim_late_capture` and `pm_sim_duplicate_webhook`.
    #[garde(custom(known_method))]
    #[schema(example = "pm_card_visa")]
    payment_method: String,
}

fn known_method(method: &str, _: &()) -> garde::Result {
    if KNOWN_METHODS.contains(&method) {
        Ok(())
    } else {
        Err(garde::Error::new(format!("must be one of {}", KNOWN_METHODS.join(", "))))
    }
}

/// What the guest has to do before the provider authorises.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct NextAction {
    /// Where. The simulator's takes `POST {"outcome":"succeed"|"fail"}`.
    pub url: String,
}

/// A payment.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PaymentBody {
    pub payment_id: PaymentId,
    pub hold_id: HoldId,
    pub status: PaymentStatus,
    /// What was due now.
    pub amount: Money,
    pub captured: Money,
    /// What was or is to be given back of it.
    pub refunded: Money,
    /// How long the hold waits for its confirmation.
    pub hold_expires_at: DateTime<Utc>,
    /// Why it was declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_code: Option<String>,
    /// There while something is to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_action: Option<NextAction>,
    pub version: i32,
    pub created_at: DateTime<Utc>,
}

impl From<&PaymentRow> for PaymentBody {
    fn from(row: &PaymentRow) -> Self {
        Self {
            payment_id: row.payment_id,
            hold_id: row.hold_id,
            status: row.status,
            amount: Money::new(row.amount, row.currency),
            captured: Money::new(row.captured_amount, row.currency),
            refunded: Money::new(row.refunded_amount, row.currency),
            hold_expires_at: row.hold_expires_at,
            failure_code: row.failure_code.clone(),
            next_action: row.next_action_url.clone().map(|url| NextAction { url }),
            version: row.version,
            created_at: row.created_at,
        }
    }
}

fn halt(error: PaymentError) -> Halt {
    match error {
        PaymentError::Db(error) => Halt::Db(error),
        PaymentError::Hold(error) => Halt::Refused(hold_problem(error)),
        PaymentError::AlreadyPaid => Halt::Refused(Problem::plain(Code::AlreadyPaid)),
        PaymentError::NotRequired => Halt::Refused(Problem::plain(Code::PaymentNotRequired)),
        PaymentError::TooManyAttempts { declined } => {
            let detail = format!("{declined} payments of this hold were declined; it takes no more");
            Halt::Refused(Problem::new(Code::PaymentAttempts, detail).retry_after(60))
        }
    }
}

/// The answer to whoever paid, by where the payment stands.
fn answer(payment: &PaymentRow) -> Result<Answer, serde_json::Error> {
    let at = |answer: Answer| answer.at(format!("{BASE}/payments/{}", payment.payment_id));
    match payment.status {
        // A capture that failed is between the hotel and its guest: the booking stands.
        PaymentStatus::Authorized
        | PaymentStatus::CapturePending
        | PaymentStatus::Captured
        | PaymentStatus::CaptureFailed
            if payment.serves_its_hold() =>
        {
            Answer::json(201, &PaymentBody::from(payment)).map(at)
        }
        PaymentStatus::Initiated | PaymentStatus::Processing | PaymentStatus::RequiresAction => {
            Answer::json(202, &PaymentBody::from(payment)).map(at)
        }
        PaymentStatus::Failed => Answer::refusal(
            &Problem::plain(Code::CardDeclined)
                .with("payment_id", payment.payment_id)
                .with("decline_code", &payment.failure_code),
        ),
        // What was reserved or taken for nothing goes back.
        PaymentStatus::Authorized
        | PaymentStatus::CapturePending
        | PaymentStatus::Captured
        | PaymentStatus::CaptureFailed
        | PaymentStatus::Abandoned
        | PaymentStatus::VoidPending
        | PaymentStatus::Voided => {
            let code = match payment.hold_status {
                _ if payment.hold_lives => Code::PaymentAbandoned,
                HoldStatus::Released => Code::HoldReleased,
                HoldStatus::Converted => Code::HoldConverted,
                HoldStatus::Active | HoldStatus::Paying | HoldStatus::Expired => Code::HoldExpired,
            };
            Answer::refusal(&Problem::plain(code).with("payment_id", payment.payment_id))
        }
    }
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
) -> Result<Json<PaymentBody>, Problem> {
    let InOrder((guest, NoQuery, PathId(payment_id))) = call;
    let user_id = guest.caller.user_id;
    let found = db.read::<_, DbError>(move |conn| store::find(conn, user_id, payment_id)).await?;
    let payment = found.ok_or_else(|| Problem::plain(Code::NotFound))?;
    Ok(Json(PaymentBody::from(&payment)))
}
