//! Bookings: confirmed stays.
//!
//! A booking is made in one place, [`confirm`], from a live hold and, where something is due now, an authorised
//! payment; both are asked for by type.

pub mod admin_http;
pub mod cancel;
pub mod check_in;
pub mod check_out;
pub mod confirm;
pub mod http;
pub mod lookup;
pub mod no_show;
pub mod paid;
mod penalty;
pub mod record;
pub mod state;
pub mod store;
pub mod wire;
