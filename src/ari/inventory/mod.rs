//! The stock as a hotel's staff see and steer it: capacity, overbooking allowance, closures. What is held and sold is not
//! theirs to write.

pub mod change;
pub mod grid;
pub mod http;
pub mod store;
pub mod wire;
