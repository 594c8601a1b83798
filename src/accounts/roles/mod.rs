//! Roles: what each may do. Which roles there are, and which permissions, the schema says.

pub mod change;
pub mod http;
pub mod name;
pub mod store;
