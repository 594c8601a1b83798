//! One test binary: actors talk HTTP to the production assembly, on a database of their own each.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that does not get what it expects is to fail, and to say so"
)]

#[allow(dead_code, unused_imports, reason = "an actor's words are a vocabulary, whichever tests happen to use them")]
mod support;

mod abuse;
mod access_matrix;
mod admin_audit;
mod admin_funnel;
mod admin_hotels;
mod admin_input;
mod admin_inventory;
mod admin_plans;
mod admin_rates;
mod admin_rooms;
mod admin_scope;
mod admin_users;
mod attacks;
mod audit;
mod auth;
mod calendar;
mod cancellations;
mod captures;
mod constraints;
mod contract;
mod crash;
mod database_settings;
mod db_roles;
mod embedded;
mod errors_payments;
mod errors_queries;
mod errors_quotes;
mod errors_requests;
mod errors_unchanged;
mod expiry;
mod faults;
mod funnel;
mod holds;
mod horizon;
mod idempotency;
mod idempotency_payments;
mod import;
mod import_rates;
mod import_real;
mod interleavings;
mod jobs;
mod layers;
mod leaks;
mod lost_rights;
mod migrations;
mod model;
mod offers;
mod oracle;
mod passwords;
mod payments_overdue;
mod payments_races;
mod prices;
mod process;
mod race_command;
mod races;
mod readme;
mod reaping;
mod recovery;
mod refunds;
mod refunds_refused;
mod replay;
mod search;
mod search_prices;
mod sessions;
mod simulator;
mod simulator_requests;
mod throttling;
mod token_keys;
mod transitions;
mod verify;
mod webhook_orders;
mod webhooks;
