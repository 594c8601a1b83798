//! What the tests stand on.

pub mod actors;
pub mod aftermath;
pub mod app;
pub mod builders;
pub mod crowd;
pub mod database;
pub mod described;
pub mod golden;
pub mod home;
pub mod operations;
pub mod program;
pub mod real;
pub mod staff;
pub mod storm;
pub mod webhooks;

pub use actors::{Answer, Guest, key};
pub use app::TestApp;
pub use builders::{Hotel, Terms, noon};
pub use database::Start;
pub use staff::Made;
