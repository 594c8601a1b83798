//! The witness of payment: what a confirmation needs beside a live hold.

use std::marker::PhantomData;

use crate::db::{DbError, Tx};
use crate::holds::live::LiveHold;
use crate::payments::machine;
use crate::payments::refunds::owe::RefundReason;
use crate::payments::settle::carry_out;
use crate::payments::state::PaymentStatus;
use crate::payments::store::{self, PaymentRow};

/// A hold that owes nothing before its confirmation: nothing is due now, or what is due is there, reserved or taken, and locked.
#[must_use]
#[derive(Debug)]
pub struct PaidFor<'tx> {
    payment: Option<PaymentRow>,
    tx: PhantomData<fn(&'tx ()) -> &'tx ()>,
}

impl<'tx> PaidFor<'tx> {
    /// Locks the hold's payments; none: it must be paid first.
    pub fn of(tx: &mut Tx<'tx>, hold: &LiveHold<'tx>) -> Result<Option<Self>, DbError> {
        let row = hold.row();
        if row.due_now == 0 {
            return Ok(Some(Self { payment: None, tx: PhantomData }));
        }
        let payments = store::lock_of_hold(tx, row.hotel_id, row.hold_id)?;
        let payment = payments.into_iter().find(PaymentRow::counts);
        Ok(payment.map(|payment| Self { payment: Some(payment), tx: PhantomData }))
    }

    /// The booking is made: the money is to be taken, all of it, unless the provider took it already.
    pub fn capture(self, tx: &mut Tx<'tx>) -> Result<(), DbError> {
        let Some(payment) = self.payment else {
            return Ok(());
        };
        let verdict = machine::confirm(payment.status, payment.captured_amount);
        if verdict.path.contains(&PaymentStatus::CapturePending) {
            store::set_capture_amount(tx, payment.hotel_id, payment.payment_id, Some(payment.amount))?;
        }
        carry_out(tx, &payment, &verdict, RefundReason::Excess)
    }
}
