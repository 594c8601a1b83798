//! Owe: captured money that may not be kept is put on its way back.

use super::store;
use crate::db::{DbError, Tx};
use crate::kernel::ids::RefundId;
use crate::outbox::events::{self, nothing_more};
use crate::outbox::jobs::{self, JobKind};
use crate::payments::ledger;
use crate::payments::store::PaymentRow;
use crate::text_enum;

text_enum! {
    /// Why money goes back.
    pub enum RefundReason {
        /// It was captured, and no booking came of it.
        NoBooking = "no_booking",
        /// More was captured than the booking may keep.
        Excess = "excess",
        /// The booking was cancelled.
        Cancelled = "cancelled",
        /// Staff gave it back.
        Staff = "staff",
    }
}

/// Owes `amount` minor units of a payment whose row is locked. For each reason but [`RefundReason::Staff`] once a payment.
///
/// None: it is owed already. Behind it stands `refunds_provider_key`.
pub fn owe(
    tx: &mut Tx<'_>,
    payment: &PaymentRow,
    amount: i64,
    reason: RefundReason,
) -> Result<Option<RefundId>, DbError> {
    let Some(refund_id) = store::insert(tx, payment, amount, reason)? else {
        return Ok(None);
    };
    ledger::refund_owed(tx, payment, refund_id, amount)?;
    jobs::owe(tx, payment.hotel_id, JobKind::Refund, refund_id.0, payment.payment_id.0)?;
    events::emit(tx, payment.hotel_id, "refund.pending", refund_id.0, nothing_more())?;
    Ok(Some(refund_id))
}
