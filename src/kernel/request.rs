//! The id of the request now being served, wherever its work is done: what a problem document and a log line carry.

use std::future::Future;

tokio::task_local! {
    static REQUEST_ID: String;
}

/// The id; empty outside of a request.
#[must_use]
pub fn id() -> String {
    REQUEST_ID.try_with(Clone::clone).unwrap_or_default()
}

/// Runs a future as part of the request.
pub async fn scope<F: Future>(id: String, work: F) -> F::Output {
    REQUEST_ID.scope(id, work).await
}

/// Runs a closure as part of the request: for threads that the future hands work to.
pub fn sync_scope<T>(id: String, work: impl FnOnce() -> T) -> T {
    REQUEST_ID.sync_scope(id, work)
}
