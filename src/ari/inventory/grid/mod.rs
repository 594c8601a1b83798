//! The stock night by night, and what fills a night.

pub mod http;
pub mod store;
pub mod wire;
