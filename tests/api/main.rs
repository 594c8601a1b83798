//! One test binary: actors talk HTTP to the production assembly, on a database of their own each.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that does not get what it expects is to fail"
)]

mod support;

mod funnel;
