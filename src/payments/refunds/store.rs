//! SQL of refunds.

use diesel::prelude::*;
use serde::Serialize;

use super::owe::RefundReason;
use crate::db::{DbError, Tx};
use crate::kernel::clock::Instant;
use crate::kernel::ids::{HotelId, PaymentId, RefundId};
use crate::payments::state::RefundStatus;
use crate::payments::store::PaymentRow;
use crate::schema::refunds;

/// A refund's row.
#[derive(Clone, Debug, Serialize, Queryable, Selectable)]
#[diesel(table_name = refunds)]
pub struct RefundRow {
    pub refund_id: RefundId,
    pub payment_id: PaymentId,
    pub amount: i64,
    pub reason: RefundReason,
    pub status: RefundStatus,
    #[serde(skip)]
    pub provider_key: String,
    /// Why the provider refused it for good.
    pub failure_code: Option<String>,
    pub created_at: Instant,
}

/// Inserts a refund; none: it is owed already. Its provider key is the payment and the reason, or for staff, who may
/// give back more than once, itself.
pub(super) fn insert(
    tx: &mut Tx<'_>,
    payment: &PaymentRow,
    amount: i64,
    reason: RefundReason,
) -> Result<Option<RefundId>, DbError> {
    let refund_id = RefundId::new();
    let provider_key = match reason {
        RefundReason::NoBooking | RefundReason::Excess | RefundReason::Cancelled => {
            format!("lastroom:{}:{reason}", payment.payment_id)
        }
        RefundReason::Staff => format!("lastroom:{refund_id}"),
    };
    let inserted = diesel::insert_into(refunds::table)
        .values((
            refunds::hotel_id.eq(payment.hotel_id),
            refunds::refund_id.eq(refund_id),
            refunds::payment_id.eq(payment.payment_id),
            refunds::amount.eq(amount),
            refunds::reason.eq(reason),
            refunds::provider_key.eq(provider_key),
        ))
        .on_conflict_do_nothing()
        .execute(&mut **tx)?;
    Ok((inserted == 1).then_some(refund_id))
}

pub fn get(conn: &mut PgConnection, hotel_id: HotelId, refund_id: RefundId) -> Result<RefundRow, DbError> {
    Ok(refunds::table.find((hotel_id, refund_id)).select(RefundRow::as_select()).first(conn)?)
}

/// Pending → succeeded; done before, nothing changes. True: it was pending.
pub fn succeeded(tx: &mut Tx<'_>, hotel_id: HotelId, refund_id: RefundId) -> Result<bool, DbError> {
    let changed = diesel::update(refunds::table.find((hotel_id, refund_id)))
        .filter(refunds::status.eq(RefundStatus::Pending))
        .set(refunds::status.eq(RefundStatus::Succeeded))
        .execute(&mut **tx)?;
    Ok(changed == 1)
}

/// Pending → failed; ended before, nothing changes. True: it was pending.
pub fn failed(tx: &mut Tx<'_>, hotel_id: HotelId, refund_id: RefundId, code: &str) -> Result<bool, DbError> {
    let changed = diesel::update(refunds::table.find((hotel_id, refund_id)))
        .filter(refunds::status.eq(RefundStatus::Pending))
        .set((refunds::status.eq(RefundStatus::Failed), refunds::failure_code.eq(code)))
        .execute(&mut **tx)?;
    Ok(changed == 1)
}
