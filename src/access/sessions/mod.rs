//! Sessions: where a user is signed in, and how they sign out there.

pub mod http;
pub mod store;
