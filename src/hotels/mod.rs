//! Hotels: `store` and `place` as the funnel reads them, `admin` and `members` as their staff do. `staff` is what every
//! call of staff stands on, in this feature and in those to the left of it.

pub mod admin;
pub mod demo;
pub mod members;
pub mod place;
pub mod staff;
pub mod store;
