//! What every route shares: problem documents, ordered extraction, idempotency, versions, the envelope of a request, health and
//! the API's own description.

pub mod client;
pub mod docs;
pub mod envelope;
pub mod extract;
pub mod health;
pub mod idempotency;
pub mod if_match;
pub mod json;
pub mod list;
pub mod patch;
pub mod problem;

/// Where the API lives.
pub const BASE: &str = "/api/v1";
