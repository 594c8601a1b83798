//! Abuse of every documented operation, whatever it is: the attacks walk the description, so that an operation which is
//! added is attacked too. What the description cannot say is in two tables: whose ids a path has (`world.rs`), and what
//! fills a body (`bodies.rs`). Each test tells how much it tried (`--nocapture`).

mod bodies;
mod disguises;
mod extra_fields;
mod foreign_ids;
mod headers;
mod hostile_json;
mod metacharacters;
mod wire;
mod world;
