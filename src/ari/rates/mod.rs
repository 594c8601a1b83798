//! Nightly prices and restrictions as a hotel's staff see and steer them.

pub mod change;
pub mod grid;
pub mod http;
pub mod store;
pub mod wire;
