//! Bulk loading of a catalogue from files: hotels by the thousand, each with room types, plans, taxes and nights; and the
//! rates of a hotel (`rates`).
//!
//! A file is read line by line; a line that cannot be used goes to a reject file with its number and reason, never
//! silently. Hotels go in by batches, each one transaction of COPYs, under an external key from which their ids
//! derive: running a file again, or on after a crash, adds what is missing and nothing twice.

pub mod file;
pub mod hotel;
pub mod rates;
pub mod reading;
pub mod recipe;
pub mod run;
pub mod store;
