//! The worker: does what is owed to the provider, and finishes the attempts that a crash left half done. Any number of
//! processes may run one; they pass over each other's work.

use std::time::Duration;

use tokio::sync::watch;

use super::provider::Provider;
use super::store::{self, PaymentRow};
use super::{converse, jobs, settle};
use crate::db::{Db, DbError};
use crate::outbox::jobs as outbox;

/// How often it looks for something to do when there was nothing.
const PAUSE: Duration = Duration::from_millis(500);

/// Works until told to stop.
pub fn start(db: Db, provider: Provider, confirm_window_s: i32, mut stopped: watch::Receiver<bool>) {
    tokio::spawn(async move {
        loop {
            match round(&db, &provider, confirm_window_s).await {
                Ok(true) if !*stopped.borrow() => continue,
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "the payment worker goes on in a moment"),
            }
            tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    });
}

/// One piece of work; false: there was none.
pub async fn round(db: &Db, provider: &Provider, confirm_window_s: i32) -> Result<bool, DbError> {
    if let Some(job) = db.write(outbox::lease).await? {
        if let Err(error) = jobs::run(db, provider, &job, confirm_window_s).await {
            tracing::warn!(%error, kind = %job.kind, tries = job.tries, "a job failed and is tried again");
            let why = error.to_string();
            db.write(move |tx| outbox::postpone(tx, &job, &why)).await?;
        }
        return Ok(true);
    }
    match db.write(store::take_over).await? {
        Some(payment) => {
            complete(db, provider, &payment, confirm_window_s).await?;
            Ok(true)
        }
        None => Ok(false),
    }
}

/// Finishes an attempt that is now leased to the caller.
pub async fn complete(
    db: &Db,
    provider: &Provider,
    payment: &PaymentRow,
    confirm_window_s: i32,
) -> Result<PaymentRow, DbError> {
    let outcome = converse::ask(db, provider, payment).await?;
    let (hotel_id, attempt_id) = (payment.hotel_id, payment.attempt_id);
    db.write(move |tx| settle::settle(tx, hotel_id, attempt_id, &outcome, confirm_window_s)).await
}
