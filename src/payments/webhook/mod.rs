//! What a provider tells unasked.
//!
//! An event is a hint, not the truth: events arrive late, twice and in any order. Whoever receives one asks the provider
//! where the intent stands now, and tells [`settle`](super::settle). What was received is kept in the inbox, whose key
//! lets an event have one effect, in the transaction of that effect.

pub mod event;
pub mod http;
pub mod receive;
pub mod retry;
pub mod signature;
pub mod store;
