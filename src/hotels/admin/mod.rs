//! Hotels as their staff see, make and change them.

pub mod change;
pub mod create;
pub mod delete;
pub mod http;
pub mod store;
pub mod wire;

use crate::audit::{Resource, Subject};
use crate::kernel::ids::HotelId;

fn subject(hotel_id: HotelId) -> Subject {
    Subject { hotel_id, resource: Resource::Hotel, resource_id: Some(hotel_id.0) }
}
