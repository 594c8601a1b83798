//! The audit log as staff read it: of the hotels within their reach, and for admins all of it.

pub mod http;
mod store;
