//! Finding a stay: hotels by place, offers by hotel, and the signed token that an offer is named by.

pub mod ask;
pub mod calendar;
pub mod calendar_http;
mod catalogue;
pub mod find;
pub mod http;
pub mod offer;
pub mod place;
pub mod store;
pub mod token;
pub mod wire;
