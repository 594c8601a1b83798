//! Sessions: where a user is signed in, and how they sign out there.

pub mod end;
pub mod http;
pub mod store;
