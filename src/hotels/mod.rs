//! Hotels: `store` and `place` as the funnel reads them, `admin`, `members` and `audit` as their staff do. `staff` is what every
//! call of staff stands on, in this feature and in those to the left of it.

pub mod admin;
pub mod audit;
pub mod demo;
pub mod members;
pub mod place;
pub mod staff;
pub mod store;
