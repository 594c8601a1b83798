//! Refunds: captured money given back. The sum of a payment's refunds never exceeds what was captured of it.

pub mod end;
pub mod http;
pub mod owe;
pub mod request;
pub mod store;
