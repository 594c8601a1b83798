//! Accounts, as admins run them: who may sign in, which roles they have, and what a role may do. What counts is asked of
//! the database at each request, so each change counts on the next one.
//!
//! Whoever has `users:write` can give themselves every other permission: it is the admins'.

mod administration;
pub mod roles;
mod store;
pub mod users;

use uuid::Uuid;

use crate::audit::{NO_HOTEL, Resource, Subject};

fn subject(resource: Resource, resource_id: Option<Uuid>) -> Subject {
    Subject { hotel_id: NO_HOTEL, resource, resource_id }
}
