//! Replay: a hotel's booking history, from its files, through the application layer onto a fresh hotel.
//!
//! Each booking is one transaction through the funnel's own stock ([`crate::bookings::record`]); each cancellation gives
//! the nights back as any other does. The days of the history are simulated as business days, and nothing else is:
//! every instant is the database's.

pub mod capacity;
pub mod history;
pub mod hotel;
pub mod input;
pub mod report;
pub mod run;
mod step;
mod store;
