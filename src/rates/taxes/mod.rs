//! Taxes and fees as a hotel's staff see, make and change them. Quotes made before are priced again when they are held;
//! bookings keep their price.

pub mod change;
pub mod create;
pub mod delete;
pub mod http;
pub mod store;
pub mod wire;
