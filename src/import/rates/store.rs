//! SQL of what a rate file is read with.

use std::collections::BTreeSet;

use diesel::PgConnection;

use super::line::{Hotel, Named};
use crate::db::DbError;
use crate::hotels::store as hotels;
use crate::kernel::ids::HotelId;
use crate::rates::store as rates;

/// The hotel as a file's lines may name it. None: there is no such hotel.
pub fn hotel(conn: &mut PgConnection, hotel_id: HotelId) -> Result<Option<Hotel>, DbError> {
    let Some(found) = hotels::find(conn, hotel_id)? else {
        return Ok(None);
    };
    let mut hotel = Hotel {
        currency: found.currency,
        today: found.today(),
        room_types: Named::default(),
        plans: Named::default(),
        derived: BTreeSet::new(),
        sold: BTreeSet::new(),
    };
    let room_types = hotels::room_types(conn, hotel_id)?;
    for room_type in &room_types {
        hotel.room_types.add(room_type.room_type_id, &room_type.name);
    }
    for plan in rates::plans(conn, hotel_id)? {
        hotel.plans.add(plan.rate_plan_id, &plan.name);
        if plan.derived_from.is_some() {
            hotel.derived.insert(plan.rate_plan_id);
        }
        hotel.sold.extend(plan.room_type_ids.iter().map(|room_type_id| (plan.rate_plan_id, *room_type_id)));
    }
    Ok(Some(hotel))
}
