//! The witness of payment: what a confirmation needs beside a live hold.

use std::marker::PhantomData;

use crate::db::{DbError, Tx};
use crate::holds::live::LiveHold;
use crate::outbox::events::{self, nothing_more};
use crate::outbox::jobs::{self, JobKind};
use crate::payments::state::PaymentStatus;
use crate::payments::store::{self, OfHold};

/// A hold that owes nothing before its confirmation: nothing is due now, or what is due is there, reserved or taken, and locked.
#[must_use]
#[derive(Debug)]
pub struct PaidFor<'tx> {
    payment: Option<OfHold>,
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
        let payment = payments.into_iter().find(|payment| payment.counts);
        Ok(payment.map(|payment| Self { payment: Some(payment), tx: PhantomData }))
    }

    /// The booking is made: the money is to be taken, all of it, unless the provider took it already.
    pub fn capture(self, tx: &mut Tx<'tx>, hold: &LiveHold<'tx>) -> Result<(), DbError> {
        let Some(OfHold { payment_id, status: PaymentStatus::Authorized, .. }) = self.payment else {
            return Ok(());
        };
        let hotel_id = hold.row().hotel_id;
        store::set_capture_amount(tx, hotel_id, payment_id, hold.row().due_now)?;
        store::step(tx, hotel_id, payment_id, PaymentStatus::Authorized, PaymentStatus::CapturePending)?;
        events::emit(tx, hotel_id, "payment.capture_pending", payment_id.0, nothing_more())?;
        jobs::owe(tx, hotel_id, JobKind::Capture, payment_id.0)
    }
}
