//! End: the provider has given the money back, or refuses to for good.

use super::store::{self, RefundRow};
use crate::db::{DbError, Tx};
use crate::kernel::ids::HotelId;
use crate::outbox::events::{self, nothing_more};
use crate::payments::{ledger, store as payments};

/// The money went back; told again, nothing changes.
///
/// Locks: the payment.
pub fn made(tx: &mut Tx<'_>, hotel_id: HotelId, refund: &RefundRow) -> Result<(), DbError> {
    let payment = payments::lock(tx, hotel_id, refund.payment_id)?;
    if store::succeeded(tx, hotel_id, refund.refund_id)? {
        ledger::refunded(tx, &payment, refund.refund_id, refund.amount)?;
        events::emit(tx, hotel_id, "refund.succeeded", refund.refund_id.0, nothing_more())?;
    }
    Ok(())
}

/// The money stays, and is the guest's; told again, nothing changes. It is for staff to find a way: to ask for another
/// refund, or to pay it back beside the provider.
///
/// Locks: the payment.
pub fn refused(tx: &mut Tx<'_>, hotel_id: HotelId, refund: &RefundRow, code: &str) -> Result<(), DbError> {
    let payment = payments::lock(tx, hotel_id, refund.payment_id)?;
    if store::failed(tx, hotel_id, refund.refund_id, code)? {
        let RefundRow { refund_id, payment_id, amount, .. } = *refund;
        ledger::refund_failed(tx, &payment, refund_id, amount)?;
        events::emit(tx, hotel_id, "refund.failed", refund_id.0, nothing_more())?;
        tracing::error!(%refund_id, %payment_id, code, "the provider refuses a refund for good: staff must see to it");
    }
    Ok(())
}
