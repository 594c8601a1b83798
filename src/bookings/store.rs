//! SQL of bookings.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Array, Date, Uuid as SqlUuid};
use serde_json::Value;

use super::confirm::Guest;
use super::state::BookingStatus;
use crate::access::store::email_key;
use crate::db::{DbError, Tx, sql, tx as transaction};
use crate::holds::store::HoldRow;
use crate::inventory::stock::Nights;
use crate::kernel::clock::Instant;
use crate::kernel::ids::{BookingId, BookingRoomId, HoldId, HotelId, QuoteId, RatePlanId, RoomTypeId, UserId};
use crate::kernel::money::Currency;
use crate::outbox::events::{self, nothing_more};
use crate::quotes::store::Quote;
use crate::schema::{booking_nights, booking_rooms, bookings};
use crate::search::offer::Terms;

/// A booking to be inserted.
pub(super) struct NewBooking<'b> {
    pub booking_id: BookingId,
    pub hold: &'b HoldRow,
    pub confirmation_code: String,
    pub guest: Guest,
    pub special_requests: Option<String>,
    pub items: &'b [Quote],
}

/// Inserts the booking and its rooms.
pub(super) fn insert(tx: &mut Tx<'_>, new: NewBooking<'_>) -> Result<(), DbError> {
    let first = new.items.iter().map(|item| item.choice.stay.check_in()).min();
    let last = new.items.iter().map(|item| item.choice.stay.check_out()).max();
    let (Some(check_in), Some(check_out)) = (first, last) else {
        return Err(DbError::invariant("a hold has items"));
    };
    diesel::insert_into(bookings::table)
        .values((
            bookings::hotel_id.eq(new.hold.hotel_id),
            bookings::booking_id.eq(new.booking_id),
            bookings::hold_id.eq(new.hold.hold_id),
            bookings::user_id.eq(new.hold.user_id),
            bookings::confirmation_code.eq(new.confirmation_code),
            (
                bookings::guest_email_key.eq(email_key(&new.guest.email)),
                bookings::guest_full_name.eq(new.guest.full_name),
                bookings::guest_email.eq(new.guest.email),
                bookings::guest_phone.eq(new.guest.phone),
                bookings::special_requests.eq(new.special_requests),
                bookings::check_in.eq(check_in),
                bookings::check_out.eq(check_out),
                bookings::currency.eq(new.hold.currency),
                bookings::total.eq(new.hold.total),
                bookings::due_now.eq(new.hold.due_now),
                bookings::due_at_property.eq(new.hold.due_at_property),
            ),
        ))
        .execute(&mut **tx)?;
    insert_rooms(tx, new.hold.hotel_id, new.booking_id, new.items)
}

/// The rooms as they were quoted: price and all are copied from the quotes, where they are frozen.
fn insert_rooms(tx: &mut Tx<'_>, hotel_id: HotelId, booking_id: BookingId, items: &[Quote]) -> Result<(), DbError> {
    let rooms =
        items.iter().flat_map(|item| (0..item.choice.party.rooms).map(|_| (BookingRoomId::new(), item.quote_id)));
    let (ids, quotes): (Vec<BookingRoomId>, Vec<QuoteId>) = rooms.unzip();
    let wanted = ids.len();
    let inserted =
        sql("INSERT INTO booking_rooms (hotel_id, booking_room_id, booking_id, quote_id, room_type_id, rate_plan_id,
                            check_in, check_out, adults, children_ages, price)
         SELECT q.hotel_id, room.booking_room_id, $2, q.quote_id, q.room_type_id, q.rate_plan_id,
                q.check_in, q.check_out, q.adults, q.children_ages, q.price
         FROM unnest($3, $4) AS room (booking_room_id, quote_id)
         JOIN quotes q ON q.hotel_id = $1 AND q.quote_id = room.quote_id")
        .bind::<SqlUuid, _>(hotel_id)
        .bind::<SqlUuid, _>(booking_id)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<SqlUuid>, _>(quotes)
        .execute(&mut **tx)?;
    transaction::exactly(inserted, wanted, "rooms of a booking")
}

/// A row for each night of each room, from the rooms' own dates.
pub(super) fn insert_nights(tx: &mut Tx<'_>, hotel_id: HotelId, booking_id: BookingId) -> Result<(), DbError> {
    sql("INSERT INTO booking_nights (hotel_id, booking_room_id, stay_date, room_type_id)
         SELECT r.hotel_id, r.booking_room_id, night::date, r.room_type_id
         FROM booking_rooms r, generate_series(r.check_in, r.check_out - 1, interval '1 day') AS night
         WHERE r.hotel_id = $1 AND r.booking_id = $2")
    .bind::<SqlUuid, _>(hotel_id)
    .bind::<SqlUuid, _>(booking_id)
    .execute(&mut **tx)?;
    Ok(())
}

/// A booking's row.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = bookings)]
pub struct BookingRow {
    pub hotel_id: HotelId,
    pub booking_id: BookingId,
    pub hold_id: HoldId,
    pub confirmation_code: String,
    pub status: BookingStatus,
    pub guest_full_name: String,
    pub guest_email: String,
    pub guest_phone: Option<String>,
    pub special_requests: Option<String>,
    pub check_in: NaiveDate,
    pub check_out: NaiveDate,
    pub currency: Currency,
    pub total: i64,
    pub due_now: i64,
    pub due_at_property: i64,
    pub penalty: Option<i64>,
    pub cancelled_at: Option<Instant>,
    pub version: i32,
    pub created_at: Instant,
}

/// A booked room.
#[derive(Clone, Debug)]
pub struct BookedRoom {
    pub booking_room_id: BookingRoomId,
    pub room_type_id: RoomTypeId,
    pub rate_plan_id: RatePlanId,
    pub check_in: NaiveDate,
    pub check_out: NaiveDate,
    pub adults: i16,
    pub children_ages: Vec<i16>,
    pub terms: Terms,
}

/// A booking of the user.
pub fn find(conn: &mut PgConnection, user_id: UserId, booking_id: BookingId) -> Result<Option<BookingRow>, DbError> {
    Ok(bookings::table
        .filter(bookings::booking_id.eq(booking_id).and(bookings::user_id.eq(user_id)))
        .select(BookingRow::as_select())
        .first(conn)
        .optional()?)
}

/// Locks a booking of the hotel; none: it has no such one.
pub(super) fn lock(tx: &mut Tx<'_>, hotel_id: HotelId, booking_id: BookingId) -> Result<Option<BookingRow>, DbError> {
    let row = bookings::table.find((hotel_id, booking_id)).select(BookingRow::as_select());
    Ok(row.for_update().first(&mut **tx).optional()?)
}

/// The hotel's own day.
pub(super) fn today(conn: &mut PgConnection, hotel_id: HotelId) -> Result<NaiveDate, DbError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Date)]
        today: NaiveDate,
    }
    let row: Row =
        sql("SELECT (clock_timestamp() AT TIME ZONE time_zone)::date AS today FROM hotels WHERE hotel_id = $1")
            .bind::<SqlUuid, _>(hotel_id)
            .get_result(conn)?;
    Ok(row.today)
}

/// Confirmed → no-show, at a penalty in minor units.
pub(super) fn mark_no_show(tx: &mut Tx<'_>, booking: &BookingRow, penalty: i64) -> Result<BookingRow, DbError> {
    Ok(diesel::update(bookings::table.find((booking.hotel_id, booking.booking_id)))
        .filter(bookings::status.eq(BookingStatus::Confirmed))
        .set((
            bookings::status.eq(BookingStatus::NoShow),
            bookings::penalty.eq(penalty),
            bookings::version.eq(bookings::version + 1),
        ))
        .returning(BookingRow::as_returning())
        .get_result(&mut **tx)?)
}

/// Confirmed → checked in, or checked in → checked out, with the event that tells of it.
pub(super) fn move_on(tx: &mut Tx<'_>, booking: &BookingRow, to: BookingStatus) -> Result<(), DbError> {
    let moved = diesel::update(bookings::table.find((booking.hotel_id, booking.booking_id)))
        .filter(bookings::status.eq(booking.status))
        .set((bookings::status.eq(to), bookings::version.eq(bookings::version + 1)))
        .execute(&mut **tx)?;
    transaction::exactly(moved, 1, "a booking that moves on")?;
    let topic = format!("booking.{to}");
    events::emit(tx, booking.hotel_id, &topic, booking.booking_id.0, nothing_more())
}

/// Confirmed → cancelled, at a penalty in minor units.
pub(super) fn cancel(tx: &mut Tx<'_>, booking: &BookingRow, penalty: i64, now: Instant) -> Result<BookingRow, DbError> {
    Ok(diesel::update(bookings::table.find((booking.hotel_id, booking.booking_id)))
        .filter(bookings::status.eq(BookingStatus::Confirmed))
        .set((
            bookings::status.eq(BookingStatus::Cancelled),
            bookings::penalty.eq(penalty),
            bookings::cancelled_at.eq(now),
            bookings::version.eq(bookings::version + 1),
        ))
        .returning(BookingRow::as_returning())
        .get_result(&mut **tx)?)
}

/// What the booking keeps of the stock.
pub(super) fn nights(conn: &mut PgConnection, booking: &BookingRow) -> Result<Nights, DbError> {
    let rows: Vec<(RoomTypeId, NaiveDate)> = booking_nights::table
        .inner_join(
            booking_rooms::table.on(booking_rooms::hotel_id
                .eq(booking_nights::hotel_id)
                .and(booking_rooms::booking_room_id.eq(booking_nights::booking_room_id))),
        )
        .filter(booking_rooms::hotel_id.eq(booking.hotel_id).and(booking_rooms::booking_id.eq(booking.booking_id)))
        .select((booking_nights::room_type_id, booking_nights::stay_date))
        .load(conn)?;
    Ok(rows.into_iter().fold(Nights::new(), |mut nights, night| {
        *nights.entry(night).or_default() += 1;
        nights
    }))
}

/// Takes the booking's nights away from it; the stock is told apart.
pub(super) fn free_nights(tx: &mut Tx<'_>, booking: &BookingRow) -> Result<(), DbError> {
    let rooms = booking_rooms::table
        .filter(booking_rooms::hotel_id.eq(booking.hotel_id).and(booking_rooms::booking_id.eq(booking.booking_id)))
        .select(booking_rooms::booking_room_id);
    diesel::delete(booking_nights::table)
        .filter(booking_nights::hotel_id.eq(booking.hotel_id).and(booking_nights::booking_room_id.eq_any(rooms)))
        .execute(&mut **tx)?;
    Ok(())
}

/// The user's bookings, newest first, from before `before`.
pub fn list(
    conn: &mut PgConnection,
    user_id: UserId,
    before: Option<BookingId>,
    rows: i64,
) -> Result<Vec<BookingRow>, DbError> {
    let mut query = bookings::table.filter(bookings::user_id.eq(user_id)).into_boxed();
    if let Some(before) = before {
        query = query.filter(bookings::booking_id.lt(before));
    }
    Ok(query.order(bookings::booking_id.desc()).limit(rows).select(BookingRow::as_select()).load(conn)?)
}

/// A booking by its code and its guest's address.
pub fn lookup(conn: &mut PgConnection, code: &str, email: &str) -> Result<Option<BookingRow>, DbError> {
    Ok(bookings::table
        .filter(bookings::confirmation_code.eq(code).and(bookings::guest_email_key.eq(email_key(email))))
        .select(BookingRow::as_select())
        .first(conn)
        .optional()?)
}

/// The rooms of the bookings, by booking.
pub fn rooms(conn: &mut PgConnection, bookings: &[&BookingRow]) -> Result<Vec<(BookingId, BookedRoom)>, DbError> {
    type Row = (BookingId, BookingRoomId, RoomTypeId, RatePlanId, NaiveDate, NaiveDate, i16, Vec<Option<i16>>, Value);
    let hotels: Vec<_> = bookings.iter().map(|booking| booking.hotel_id).collect();
    let ids: Vec<_> = bookings.iter().map(|booking| booking.booking_id).collect();
    let rows: Vec<Row> = booking_rooms::table
        .filter(booking_rooms::hotel_id.eq_any(hotels).and(booking_rooms::booking_id.eq_any(ids)))
        .order(booking_rooms::booking_room_id)
        .select((
            booking_rooms::booking_id,
            booking_rooms::booking_room_id,
            booking_rooms::room_type_id,
            booking_rooms::rate_plan_id,
            booking_rooms::check_in,
            booking_rooms::check_out,
            booking_rooms::adults,
            booking_rooms::children_ages,
            booking_rooms::price,
        ))
        .load(conn)?;
    rows.into_iter()
        .map(|(booking, booking_room_id, room_type_id, rate_plan_id, check_in, check_out, adults, ages, price)| {
            let terms = serde_json::from_value(price).map_err(|error| DbError::invariant(error.to_string()))?;
            let children_ages = ages.into_iter().flatten().collect();
            let room = BookedRoom {
                booking_room_id,
                room_type_id,
                rate_plan_id,
                check_in,
                check_out,
                adults,
                children_ages,
                terms,
            };
            Ok((booking, room))
        })
        .collect()
}
