//! Users: see them, disable them, and grant and revoke their roles.

pub mod change;
pub mod grant;
pub mod http;
pub mod revoke;
pub mod store;
