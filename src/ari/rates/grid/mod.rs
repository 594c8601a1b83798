//! Rates night by night.

pub mod http;
pub mod store;
pub mod wire;
