//! Room types as their staff see, make and change them.

pub mod change;
pub mod create;
pub mod delete;
pub mod http;
pub mod store;
pub mod wire;
