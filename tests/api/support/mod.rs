//! What the tests stand on.

pub mod actors;
pub mod app;
pub mod builders;
pub mod database;

pub use actors::{Answer, Guest, key};
pub use app::TestApp;
pub use builders::Hotel;
