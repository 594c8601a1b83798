//! The worker: does what is owed to the provider, finishes the attempts that a crash left half done or that wait for an
//! outcome, and tries parked webhooks again. Any number of processes may run one; they pass over each other's work.

use std::time::Duration;

use tokio::sync::watch;

use super::provider::Provider;
use super::store::{self, PaymentRow};
use super::webhook::retry;
use super::{converse, jobs, settle};
use crate::config::Config;
use crate::db::{Db, DbError};
use crate::outbox::jobs as outbox;

/// How often it looks for jobs when there was none: a guest who has booked sees the money taken a moment later.
const JOB_PAUSE: Duration = Duration::from_millis(500);

/// Works until told to stop: jobs, attempts and parked webhooks each at their own pace, so that none waits for another.
/// The last two are the exception, and are looked for every `completer_interval`.
pub fn start(db: &Db, provider: &Provider, config: &Config, stopped: &watch::Receiver<bool>) {
    let (confirm_window_s, interval) = (config.confirm_window_s, config.completer_interval);
    let both = || (db.clone(), provider.clone());
    let (for_jobs, for_attempts, for_webhooks) = (both(), both(), both());
    spawn(JOB_PAUSE, stopped.clone(), move || {
        let (db, provider) = for_jobs.clone();
        async move { one_job(&db, &provider, confirm_window_s).await }
    });
    spawn(interval, stopped.clone(), move || {
        let (db, provider) = for_attempts.clone();
        async move { one_attempt(&db, &provider, confirm_window_s).await }
    });
    spawn(interval, stopped.clone(), move || {
        let (db, provider) = for_webhooks.clone();
        async move { retry::one_parked(&db, &provider, confirm_window_s).await }
    });
}

/// Repeats `work`, which says whether there was any, with a pause when there was none.
fn spawn<F, E>(pause: Duration, mut stopped: watch::Receiver<bool>, work: impl Fn() -> F + Send + 'static)
where
    F: Future<Output = Result<bool, E>> + Send,
    E: std::fmt::Display + Send,
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
                () = tokio::time::sleep(pause) => {}
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
        if error.is_for_staff() {
            tracing::error!(%error, kind = %job.kind, subject_id = %job.subject_id, "a job cannot be done: staff must see to it");
        } else {
            tracing::warn!(%error, kind = %job.kind, tries = job.tries, "a job failed and is tried again");
        }
        let why = error.to_string();
        db.write(move |tx| outbox::postpone(tx, &job, &why)).await?;
    }
    Ok(true)
}

/// Takes one attempt further that nobody works on; false: there is none.
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
