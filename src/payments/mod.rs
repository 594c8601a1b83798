//! Payments: money asked for once.
//!
//! A payment has one *attempt*, the conversation with the provider, under one provider key from first call to last.
//! Nothing is called inside a transaction. [`settle`] is the one place where an outcome meets the hold, whoever brings
//! it: the request that asked, a webhook, or the worker that finishes what a crash left half done.

pub mod begin;
pub mod converse;
mod evidence;
pub mod http;
pub mod jobs;
pub mod ledger;
pub mod machine;
pub mod provider;
pub mod refunds;
pub mod settle;
pub mod simulator;
pub mod state;
pub mod store;
pub mod webhook;
pub mod wire;
pub mod worker;

pub use provider::Provider;
