//! Request: staff give back some of what was captured.

use super::owe::{RefundReason, owe};
use super::store::{self, RefundRow};
use crate::access::guard::Caller;
use crate::audit::{self, Action, Resource, Subject};
use crate::carries_db;
use crate::db::{DbError, Tx};
use crate::holds::state::HoldStatus;
use crate::kernel::ids::PaymentId;
use crate::kernel::money::Money;
use crate::payments::state::PaymentStatus;
use crate::payments::store as payments;

/// Why nothing is given back.
#[derive(Debug, thiserror::Error)]
pub enum RefundError {
    #[error("no such payment within reach")]
    NotFound,
    #[error("the payment is in another currency")]
    OtherCurrency,
    #[error("the payment is {0}")]
    NotCaptured(PaymentStatus),
    #[error("the payment's hold still waits")]
    NotBooked,
    #[error("only {left:?} can be given back")]
    TooMuch { left: Money },
    #[error(transparent)]
    Db(#[from] DbError),
}
carries_db!(RefundError);

/// Owes `amount`, which is positive, to the guest; the refund, still pending.
///
/// Not what was captured for a hold that still waits: releasing the hold gives that back. What a refund of before, which
/// the provider refused for good, left here may be given back anew, with a booking or without.
///
/// Locks: the payment, so that of requests at once each sees what those before it took.
pub fn request(tx: &mut Tx<'_>, by: &Caller, payment_id: PaymentId, amount: Money) -> Result<RefundRow, RefundError> {
    let hotel_id = payments::hotel_within(tx, by.scope(), payment_id)?.ok_or(RefundError::NotFound)?;
    let payment = payments::lock(tx, hotel_id, payment_id)?;
    if payment.currency != amount.currency {
        return Err(RefundError::OtherCurrency);
    }
    if payment.status != PaymentStatus::Captured {
        return Err(RefundError::NotCaptured(payment.status));
    }
    // A part of it missing, the hold would have to be paid anew, and the rest be nobody's.
    if matches!(payment.hold_status, HoldStatus::Active | HoldStatus::Paying) && payment.counts() {
        return Err(RefundError::NotBooked);
    }
    if amount.amount > payment.refundable() {
        return Err(RefundError::TooMuch { left: Money::new(payment.refundable(), payment.currency) });
    }
    let refund_id = owe(tx, &payment, amount.amount, RefundReason::Staff)?
        .ok_or_else(|| DbError::invariant("a refund of staff is always another one"))?;
    let refund = store::get(tx, hotel_id, refund_id)?;
    let subject = Subject { hotel_id, resource: Resource::Refund, resource_id: Some(refund_id.0) };
    audit::record(tx, by, Action::Created, subject, None, Some(&refund))?;
    Ok(refund)
}
