//! Rates of a hotel from a file, a line a night: what staff set by `PATCH …/rates`, for those who keep their prices
//! elsewhere.
//!
//! The same file can be run again, or on after a crash: a night that is so already is left as it is.

pub mod line;
pub mod run;
pub mod store;
