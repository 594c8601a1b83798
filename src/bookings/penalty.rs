//! What it costs that a guest does not stay, by the terms frozen with the quotes.

use super::store::BookedRoom;
use crate::db::{DbError, Tx};
use crate::kernel::ids::BookingId;
use crate::payments::machine;
use crate::payments::refunds::owe::RefundReason;
use crate::payments::settle::carry_out;
use crate::payments::state::PaymentStatus;
use crate::payments::store::{self as payments, PaymentRow};
use crate::rates::policy::Deadline;

/// What the terms say, all rooms together, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    pub penalty: i64,
    /// What of the money due when booking stays with the hotel.
    keep: i64,
}

impl Cost {
    /// The sum over the rooms of the entry that `choose` takes of each policy.
    pub(super) fn of(
        rooms: &[(BookingId, BookedRoom)],
        choose: impl Fn(&[Deadline]) -> Option<&Deadline>,
    ) -> Result<Self, DbError> {
        rooms.iter().try_fold(Self::default(), |sum, (_, room)| {
            let entry = choose(&room.terms.cancellation)
                .ok_or_else(|| DbError::invariant("the last entry of a policy has no deadline"))?;
            Ok(Self {
                penalty: sum.penalty.saturating_add(entry.penalty),
                keep: sum.keep.saturating_add(room.terms.price.due_now - entry.refund),
            })
        })
    }

    /// What of a payment its guest gets back, or never pays.
    pub(super) fn given_up(&self, payment: &PaymentRow) -> i64 {
        match payment.status {
            PaymentStatus::CapturePending => payment.amount - self.keep,
            PaymentStatus::Captured => (payment.refundable() - self.keep).max(0),
            _ => 0,
        }
    }

    /// Keeps that much of a locked payment. One whose capture failed is told too: evidence may come late.
    pub(super) fn keep(&self, tx: &mut Tx<'_>, payment: &PaymentRow) -> Result<(), DbError> {
        let verdict = machine::cancel(payment.status, payment.refundable(), self.keep);
        carry_out(tx, payment, &verdict, RefundReason::Cancelled)?;
        if matches!(payment.status, PaymentStatus::CapturePending | PaymentStatus::CaptureFailed) {
            let amount = (self.keep > 0).then_some(self.keep);
            payments::set_capture_amount(tx, payment.hotel_id, payment.payment_id, amount)?;
        }
        Ok(())
    }
}
