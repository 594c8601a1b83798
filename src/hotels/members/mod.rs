//! Members of a hotel: who reaches it as staff. What they may do there their roles say.

pub mod grant;
pub mod http;
pub mod revoke;
pub mod store;

use crate::audit::{Resource, Subject};
use crate::kernel::ids::{HotelId, UserId};

fn subject(hotel_id: HotelId, user_id: UserId) -> Subject {
    Subject { hotel_id, resource: Resource::Member, resource_id: Some(user_id.0) }
}
