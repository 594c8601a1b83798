//! Rate plans, nightly prices, taxes, and what a stay costs.
//!
//! `pricing`, `policy` and `restrictions` are the rules, pure; `store` reads what they work on. `plans` and `taxes` are what
//! a hotel's staff do with them.

pub mod plan;
pub mod plans;
pub mod policy;
pub mod pricing;
pub mod restrictions;
pub mod store;
pub mod taxes;
