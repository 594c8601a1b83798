//! Holds: rooms taken off sale for some minutes, for one guest.
//!
//! A hold is *live* while `live_until > clock_timestamp()`, whoever has swept or not; [`live::LiveHold`] is the proof
//! of it inside a transaction, and the only way to a booking.

pub mod expire;
pub mod extend;
pub mod http;
pub mod live;
pub mod place;
pub mod release;
pub mod state;
pub mod store;
pub mod sweeper;
pub mod wire;
