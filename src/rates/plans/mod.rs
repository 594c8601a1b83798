//! Rate plans as a hotel's staff see, make and change them. Quotes made before are looked at again when they are held;
//! holds and bookings keep their terms.
//!
//! A plan is a base plan, with nightly prices of its own, or derived from one. Which of the two, it stays. A derived plan
//! sells no room type that its base plan does not sell.

mod base;
pub mod change;
pub mod create;
pub mod delete;
pub mod http;
pub mod lists;
pub mod patch;
pub mod store;
pub mod wire;
