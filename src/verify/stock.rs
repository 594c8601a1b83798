//! The stock: counters against the rows that they count.

use super::Check;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "stock.held_is_what_holds_take",
        says: "A night's `held` is the rooms of all active and paying holds.",
        select: "SELECT concat_ws(' ', hotel_id, room_type_id, stay_date), i.held = coalesce(n.rooms, 0)
                 FROM inventory i FULL JOIN (
                     SELECT hotel_id, room_type_id, stay_date, sum(rooms) AS rooms
                     FROM holds JOIN hold_nights USING (hotel_id, hold_id)
                     WHERE status IN ('active', 'paying') GROUP BY hotel_id, room_type_id, stay_date
                 ) n USING (hotel_id, room_type_id, stay_date)",
    },
    Check {
        name: "stock.sold_is_what_bookings_keep",
        says: "A night's `sold` is the number of booked rooms that keep it.",
        select: "SELECT concat_ws(' ', hotel_id, room_type_id, stay_date), i.sold = coalesce(n.rooms, 0)
                 FROM inventory i FULL JOIN (
                     SELECT hotel_id, room_type_id, stay_date, count(*) AS rooms
                     FROM booking_nights GROUP BY hotel_id, room_type_id, stay_date
                 ) n USING (hotel_id, room_type_id, stay_date)",
    },
    Check {
        name: "stock.never_oversold",
        says: "A night's held and sold rooms are no more than can be sold, and no counter is negative.",
        select: "SELECT concat_ws(' ', hotel_id, room_type_id, stay_date),
                     held + sold <= capacity - out_of_service + allowance
                     AND least(held, sold, capacity, out_of_service, allowance) >= 0
                 FROM inventory",
    },
];
