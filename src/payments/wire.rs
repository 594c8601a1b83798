//! How payments look on the wire.

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::provider::KNOWN_METHODS;
use super::state::{PaymentError, PaymentStatus};
use super::store::PaymentRow;
use crate::holds::state::HoldStatus;
use crate::holds::wire::problem as hold_problem;
use crate::http::BASE;
use crate::http::idempotency::{Answer, Halt};
use crate::http::problem::{Code, Problem};
use crate::kernel::ids::{HoldId, PaymentId};
use crate::kernel::money::Money;

/// Which hold to pay for, and how.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pay {
    #[garde(skip)]
    pub(super) hold_id: HoldId,
    /// The simulator knows `pm_card_visa`, `pm_card_chargeDeclined`, `pm_card_chargeDeclinedInsufficientFunds`,
    /// `pm_card_authenticationRequired`, `pm_sim_timeout_then_success`, `pm_sim_timeout_then_failure`,
    /// `pm_sim_late_capture` and `pm_sim_duplicate_webhook`.
    #[garde(custom(known_method))]
    #[schema(example = "pm_card_visa")]
    pub(super) payment_method: String,
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

pub(super) fn halt(error: PaymentError) -> Halt {
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
pub(super) fn answer(payment: &PaymentRow) -> Result<Answer, serde_json::Error> {
    let at = |answer: Answer| answer.at(format!("{BASE}/payments/{}", payment.payment_id)).version(payment.version);
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
