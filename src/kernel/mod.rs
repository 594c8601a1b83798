//! The vocabulary every layer shares: pure types that carry a rule each. No I/O, no HTTP, no SQL.

pub mod clock;
pub mod decimal;
pub mod ids;
pub mod money;
pub mod page;
pub mod party;
pub mod request;
pub mod secret;
pub mod stay;
pub mod text_enum;
pub mod version;
