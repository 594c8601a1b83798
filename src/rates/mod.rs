//! Rate plans, nightly prices, taxes, and what a stay costs.
//!
//! `pricing`, `policy` and `restrictions` are the rules, pure; `store` reads what they work on.

pub mod plan;
pub mod policy;
pub mod pricing;
pub mod restrictions;
pub mod store;
