//! Hotels and their room types, as the funnel reads them.

pub mod demo;
pub mod place;
pub mod store;
