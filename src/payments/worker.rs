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

/// Works until told to stop: jobs and attempts each at their own pace, so that neither waits for the other.
pub fn start(db: &Db, provider: &Provider, confirm_window_s: i32, stopped: &watch::Receiver<bool>) {
    let (jobs_db, jobs_provider) = (db.clone(), provider.clone());
    spawn(stopped.clone(), move || {
        let (db, provider) = (jobs_db.clone(), jobs_provider.clone());
        async move { one_job(&db, &provider, confirm_window_s).await }
    });
    let (db, provider) = (db.clone(), provider.clone());
    spawn(stopped.clone(), move || {
        let (db, provider) = (db.clone(), provider.clone());
        async move { one_attempt(&db, &provider, confirm_window_s).await }
    });
}

/// Repeats `work`, which says whether there was any.
fn spawn<F>(mut stopped: watch::Receiver<bool>, work: impl Fn() -> F + Send + 'static)
where
    F: Future<Output = Result<bool, DbError>> + Send,
{
    tokio::spawn(async move {
        loop {
            match work().await {
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

/// Does one job that is due; false: there is none.
async fn one_job(db: &Db, provider: &Provider, confirm_window_s: i32) -> Result<bool, DbError> {
    let Some(job) = db.write(outbox::lease).await? else {
        return Ok(false);
    };
    if let Err(error) = jobs::run(db, provider, &job, confirm_window_s).await {
        tracing::warn!(%error, kind = %job.kind, tries = job.tries, "a job failed and is tried again");
        let why = error.to_string();
        db.write(move |tx| outbox::postpone(tx, &job, &why)).await?;
    }
    Ok(true)
}

/// Finishes one attempt that was left half done; false: there is none.
async fn one_attempt(db: &Db, provider: &Provider, confirm_window_s: i32) -> Result<bool, DbError> {
    match db.write(store::take_over).await? {
        Some(payment) => complete(db, provider, &payment, confirm_window_s).await.map(|_| true),
        None => Ok(false),
    }
}

/// Finishes an attempt that is now leased to the caller.
async fn complete(
    db: &Db,
    provider: &Provider,
    payment: &PaymentRow,
    confirm_window_s: i32,
) -> Result<PaymentRow, DbError> {
    let outcome = converse::ask(db, provider, payment).await?;
    let (hotel_id, attempt_id) = (payment.hotel_id, payment.attempt_id);
    db.write(move |tx| settle::settle(tx, hotel_id, attempt_id, &outcome, confirm_window_s)).await
}
