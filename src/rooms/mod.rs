//! Room types (`types`), and the physical rooms of them: numbers on doors, in service or not.
//!
//! What can be sold is a number of its own, the capacity of the stock. A room that is out of service takes one away from
//! it, every night from today on.

pub mod change;
pub mod create;
pub mod delete;
pub mod http;
pub mod store;
pub mod types;
pub mod wire;
