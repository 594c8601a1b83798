//! Lastroom: a hotel booking backend that never sells the last room twice.
//!
//! # The map
//! Dependencies run one way; a test (`layers.rs`) reads every `use` and holds it:
//!
//! `main → cli → app → features → access → audit, outbox → http → db → kernel`
//!
//! and among the features
//!
//! `replay → import → accounts → ari → bookings → payments → holds → quotes → search → rooms → inventory → rates → hotels`
//!
//! whoever stands left may use what stands right. `config`, `telemetry` and `schema` may be used by all, and use none of
//! these (but `config` the kernel, and `telemetry` `config`).
//! `verify` stands apart: it uses `db` and `kernel`, and only `cli` uses it. So does `race`, which uses nothing of these.
//! What must travel against the stream travels as a row of the outbox, written in the same transaction.
//!
//! # Glossary
//! * **Stay**: hotel-local nights `[check_in, check_out)`.
//! * **Rate plan**: a price list with its conditions (meals, payment policy, cancellation). Derived plans compute their
//!   nights from a base plan's.
//! * **Offer**: room type × rate plan for a stay, priced now; its `offer_id` is a signed token, not a row.
//! * **Quote**: an offer frozen for one user. Takes no stock.
//! * **Hold**: rooms taken off sale for some minutes. *Live* until `live_until`, by the database's clock.
//! * **Payment**, **attempt**: money asked for once; the conversation with the provider about it.
//! * **Capture**: taking authorised money; **void**: giving the authorisation back.
//! * **Booking**: a confirmed stay.
//! * **Business day**: the day that a hotel's staff work on; the calendar's, but for a replay.
//! * **Inventory**: the stock: one row a room type and night, with `held` and `sold`.
//! * **ARI**: availability, rates and inventory, as a hotel's staff steer them.

pub mod access;
pub mod accounts;
pub mod app;
pub mod ari;
pub mod audit;
pub mod bookings;
pub mod cli;
pub mod config;
pub mod db;
pub mod holds;
pub mod hotels;
pub mod http;
pub mod import;
pub mod inventory;
pub mod kernel;
pub mod outbox;
pub mod payments;
pub mod quotes;
pub mod race;
pub mod rates;
pub mod replay;
pub mod rooms;
pub mod schema;
pub mod search;
pub mod telemetry;
pub mod verify;
