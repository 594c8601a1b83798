//! The stock: counters against the rows that they count, and those rows against the stays that they are made of.

use super::Check;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "stock.held_is_what_holds_take",
        says: "A night's held rooms are those of all active and paying holds.",
        select: "
            SELECT concat_ws(' ', hotel_id, room_type_id, stay_date), i.held = coalesce(n.rooms, 0)
            FROM inventory i FULL JOIN (
                SELECT hotel_id, room_type_id, stay_date, sum(rooms) AS rooms
                FROM holds JOIN hold_nights USING (hotel_id, hold_id)
                WHERE status IN ('active', 'paying') GROUP BY hotel_id, room_type_id, stay_date
            ) n USING (hotel_id, room_type_id, stay_date)",
    },
    Check {
        name: "stock.sold_is_what_bookings_keep",
        says: "A night's sold rooms are the booked rooms that keep it.",
        select: "
            SELECT concat_ws(' ', hotel_id, room_type_id, stay_date), i.sold = coalesce(n.rooms, 0)
            FROM inventory i FULL JOIN (
                SELECT hotel_id, room_type_id, stay_date, count(*) AS rooms
                FROM booking_nights GROUP BY hotel_id, room_type_id, stay_date
            ) n USING (hotel_id, room_type_id, stay_date)",
    },
    Check {
        name: "stock.never_oversold",
        says: "A night's held and sold rooms are no more than can be sold, and no counter is negative.",
        select: "
            SELECT concat_ws(' ', hotel_id, room_type_id, stay_date),
                held + sold <= capacity - out_of_service + allowance
                AND least(held, sold, capacity, out_of_service, allowance) >= 0
            FROM inventory",
    },
    Check {
        name: "stock.out_of_service_is_what_rooms_say",
        says: "From today on as many rooms are out of service as are marked so, but no more than a night has.",
        select: "
            SELECT concat_ws(' ', hotel_id, room_type_id, stay_date),
                out_of_service = least(capacity + allowance, coalesce(away.rooms, 0))
            FROM inventory JOIN hotels USING (hotel_id) LEFT JOIN (
                SELECT hotel_id, room_type_id, count(*) AS rooms FROM rooms
                WHERE status = 'out_of_service' AND deleted_at IS NULL GROUP BY hotel_id, room_type_id
            ) away USING (hotel_id, room_type_id)
            WHERE stay_date >= (now() AT TIME ZONE time_zone)::date",
    },
    Check {
        name: "stock.hold_takes_its_stays",
        says: "A hold takes, by room type and night, the rooms of its items' stays.",
        select: "
            SELECT concat_ws(' ', hold_id, room_type_id, stay_date), taken.rooms = wanted.rooms
            FROM hold_nights taken FULL JOIN (
                SELECT hotel_id, hold_id, room_type_id, check_in + nth AS stay_date, sum(rooms) AS rooms
                FROM hold_items JOIN quotes USING (hotel_id, quote_id)
                CROSS JOIN generate_series(0, check_out - check_in - 1) nth
                GROUP BY hotel_id, hold_id, room_type_id, check_in + nth
            ) wanted USING (hotel_id, hold_id, room_type_id, stay_date)",
    },
    Check {
        name: "stock.booked_room_keeps_its_stay",
        says: "A booked room keeps each night of its stay; cancelled none; after a no-show or check-out what was not freed.",
        select: "
            SELECT concat_ws(' ', booking_room_id, stay_date),
                CASE WHEN kept.room_type_id IS NULL THEN NOT stay.is_whole
                     ELSE kept.room_type_id = stay.room_type_id END
            FROM booking_nights kept FULL JOIN (
                SELECT r.hotel_id, r.booking_room_id, r.room_type_id, r.check_in + nth AS stay_date,
                    b.status IN ('confirmed', 'checked_in') AS is_whole
                FROM booking_rooms r JOIN bookings b USING (hotel_id, booking_id)
                CROSS JOIN generate_series(0, r.check_out - r.check_in - 1) nth
                WHERE b.status <> 'cancelled'
            ) stay USING (hotel_id, booking_room_id, stay_date)",
    },
    Check {
        name: "stock.room_is_assigned_once_a_night",
        says: "A physical room is assigned to one booked room a night.",
        select: "
            SELECT concat_ws(' ', room_id, stay_date), count(*) = 1
            FROM booking_nights WHERE room_id IS NOT NULL GROUP BY hotel_id, room_id, stay_date",
    },
    Check {
        name: "stock.derived_plan_has_no_price",
        says: "A derived plan stores no nightly price: it is computed from its base plan's.",
        select: "
            SELECT concat_ws(' ', rate_plan_id, room_type_id, stay_date), price IS NULL
            FROM rates JOIN rate_plans USING (hotel_id, rate_plan_id) WHERE is_derived",
    },
    Check {
        name: "stock.derived_plan_has_its_base",
        says: "A derived plan that is not retired derives from a base plan that is not.",
        select: "
            SELECT derived.rate_plan_id::text, base.rate_plan_id IS NOT NULL
            FROM rate_plans derived LEFT JOIN rate_plans base
                ON base.hotel_id = derived.hotel_id AND base.rate_plan_id = derived.derived_from
                AND base.derived_from IS NULL AND base.deleted_at IS NULL
            WHERE derived.derived_from IS NOT NULL AND derived.deleted_at IS NULL",
    },
    Check {
        name: "stock.derived_plan_sells_what_its_base_sells",
        says: "A derived plan that is not retired sells no room type that its base plan does not sell.",
        select: "
            SELECT concat_ws(' ', p.rate_plan_id, own.room_type_id), base.room_type_id IS NOT NULL
            FROM rate_plans p JOIN rate_plan_room_types own
                ON own.hotel_id = p.hotel_id AND own.rate_plan_id = p.rate_plan_id AND own.removed_at IS NULL
            LEFT JOIN rate_plan_room_types base
                ON base.hotel_id = p.hotel_id AND base.rate_plan_id = p.derived_from
                AND base.room_type_id = own.room_type_id AND base.removed_at IS NULL
            WHERE p.derived_from IS NOT NULL AND p.deleted_at IS NULL",
    },
];
