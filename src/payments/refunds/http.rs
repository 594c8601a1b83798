//! `/payments/{id}/refunds`.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::owe::RefundReason;
use super::request::{RefundError, request};
use super::store::RefundRow;
use crate::access::guard::{May, PaymentsRefund};
use crate::db::{Db, Tx};
use crate::http::extract::{Body, InOrder, PathId};
use crate::http::idempotency::{Answer, Halt, Key, once_for};
use crate::http::problem::{Code, Problem, ProblemDocument};
use crate::kernel::ids::{PaymentId, RefundId};
use crate::kernel::money::{Currency, Money};
use crate::payments::state::RefundStatus;
use crate::payments::store::hotel_within;

/// How much to give back.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestRefund {
    /// In the payment's currency, and no more than is left of what was captured.
    #[garde(custom(positive))]
    amount: Money,
}

fn positive(money: &Money, _: &()) -> garde::Result {
    if money.amount > 0 { Ok(()) } else { Err(garde::Error::new("must be more than nothing")) }
}

/// A refund.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RefundBody {
    pub refund_id: RefundId,
    pub payment_id: PaymentId,
    /// `pending` until the provider has given the money back.
    pub status: RefundStatus,
    pub amount: Money,
    pub reason: RefundReason,
    /// Why the provider refused a `failed` one for good. The amount may be refunded anew.
    pub failure_code: Option<String>,
    pub created_at: DateTime<Utc>,
}

impl RefundBody {
    fn new(row: &RefundRow, currency: Currency) -> Self {
        Self {
            refund_id: row.refund_id,
            payment_id: row.payment_id,
            status: row.status,
            amount: Money::new(row.amount, currency),
            reason: row.reason,
            failure_code: row.failure_code.clone(),
            created_at: row.created_at,
        }
    }
}

fn halt(error: RefundError) -> Halt {
    Halt::Refused(match error {
        RefundError::Db(error) => return Halt::Db(error),
        RefundError::NotFound => Problem::plain(Code::NotFound),
        RefundError::OtherCurrency => Problem::field("amount.currency", "must be the payment's"),
        RefundError::NotBooked => Problem::plain(Code::NotBooked),
        RefundError::NotCaptured(status) => Problem::plain(Code::NotCaptured).with("payment_status", status),
        RefundError::TooMuch { left } => Problem::plain(Code::RefundExceedsCaptured).with("refundable", left),
    })
}

/// Give captured money back
///
/// For staff, of payments of their hotels. In parts if they like; never more in all than was captured.
#[utoipa::path(tag = "payments", request_body = RequestRefund, security(("bearer" = [])),
    params(("id" = PaymentId, Path), ("Idempotency-Key" = String, Header)),
    responses(
        (status = 201, body = RefundBody),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json", description = "idempotency_key_missing, idempotency_key_invalid"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "refund_exceeds_captured with refundable; not_captured with payment_status; not_booked; idempotency_key_reused; idempotency_in_progress"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    ))]
#[post("/payments/{id}/refunds")]
pub async fn request_refund(
    call: InOrder<(May<PaymentsRefund>, Key, Body<RequestRefund>, PathId<PaymentId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    let InOrder((staff, key, body, PathId(payment_id))) = call;
    let keyed = key.of(staff.caller.user_id, body.hash);
    let amount = body.value.amount;
    let answer: Result<Answer, Halt> = db
        .write(move |tx| {
            let by = staff.again(tx)?;
            // What was answered before is not for somebody who has lost the hotel since.
            let may_see = |tx: &mut Tx<'_>| {
                hotel_within(tx, by.scope(), payment_id)?.map(|_| ()).ok_or_else(|| halt(RefundError::NotFound))
            };
            once_for(tx, Some(&keyed), may_see, |tx| {
                let refund = request(tx, &by, payment_id, amount).map_err(halt)?;
                Ok(Answer::json(201, &RefundBody::new(&refund, amount.currency))?)
            })
        })
        .await;
    Ok(answer?.into())
}
