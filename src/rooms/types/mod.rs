//! Room types as their staff see, make and change them.

pub mod change;
pub mod create;
pub mod delete;
pub mod http;
pub mod store;
pub mod wire;

use crate::audit::{Resource, Subject};
use crate::kernel::ids::{HotelId, RoomTypeId};

fn subject(hotel_id: HotelId, room_type_id: RoomTypeId) -> Subject {
    Subject { hotel_id, resource: Resource::RoomType, resource_id: Some(room_type_id.0) }
}
