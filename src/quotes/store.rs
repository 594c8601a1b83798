//! SQL of quotes.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use crate::db::{DbError, Tx, clock_timestamp, in_seconds, sql};
use crate::kernel::clock::Instant;
use crate::kernel::ids::{HoldId, HotelId, QuoteId, RatePlanId, RoomTypeId, UserId};
use crate::kernel::party::Party;
use crate::kernel::stay::Stay;
use crate::schema::{hold_items, quotes};
use crate::search::offer::{Choice, Terms};

/// A quote as stored.
#[derive(Clone, Debug)]
pub struct Quote {
    pub quote_id: QuoteId,
    pub choice: Choice,
    /// Of one room.
    pub terms: Terms,
    /// Versions of all that the price came from.
    pub priced_from: Vec<u8>,
    pub expires_at: Instant,
    /// The database's time when it was read.
    pub now: Instant,
}

impl Quote {
    /// For all rooms, in minor units.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.for_rooms(self.terms.price.total)
    }

    /// For all rooms, in minor units.
    #[must_use]
    pub fn due_now(&self) -> i64 {
        self.for_rooms(self.terms.price.due_now)
    }

    /// For all rooms, in minor units.
    #[must_use]
    pub fn due_at_property(&self) -> i64 {
        self.for_rooms(self.terms.price.due_at_property)
    }

    /// What of `due_now` is tax, for all rooms, in minor units.
    #[must_use]
    pub fn tax_due_now(&self) -> i64 {
        self.for_rooms(self.terms.tax_due_now())
    }

    fn for_rooms(&self, amount: i64) -> i64 {
        amount.saturating_mul(i64::from(self.choice.party.rooms))
    }
}

/// Inserts a quote that lives `ttl_s` seconds.
pub fn insert(
    tx: &mut Tx<'_>,
    user_id: UserId,
    choice: Choice,
    terms: Terms,
    priced_from: Vec<u8>,
    ttl_s: i32,
) -> Result<Quote, DbError> {
    let quote_id = QuoteId::new();
    let price = serde_json::to_value(&terms).map_err(|error| DbError::invariant(error.to_string()))?;
    let rooms = i64::from(choice.party.rooms);
    let (expires_at, now) = diesel::insert_into(quotes::table)
        .values((
            quotes::hotel_id.eq(choice.hotel_id),
            quotes::quote_id.eq(quote_id),
            quotes::user_id.eq(user_id),
            quotes::room_type_id.eq(choice.room_type_id),
            quotes::rate_plan_id.eq(choice.rate_plan_id),
            (
                quotes::check_in.eq(choice.stay.check_in()),
                quotes::check_out.eq(choice.stay.check_out()),
                quotes::adults.eq(choice.party.adults),
                quotes::children_ages.eq(&choice.party.children_ages),
                quotes::rooms.eq(choice.party.rooms),
                quotes::currency.eq(terms.currency),
                quotes::total.eq(terms.price.total.saturating_mul(rooms)),
                quotes::due_now.eq(terms.price.due_now.saturating_mul(rooms)),
                quotes::due_at_property.eq(terms.price.due_at_property.saturating_mul(rooms)),
                quotes::price.eq(price),
                quotes::priced_from.eq(&priced_from),
                quotes::expires_at.eq(in_seconds(ttl_s)),
            ),
        ))
        .returning((quotes::expires_at, clock_timestamp()))
        .get_result(&mut **tx)?;
    Ok(Quote { quote_id, choice, terms, priced_from, expires_at, now })
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = quotes)]
struct Row {
    hotel_id: HotelId,
    quote_id: QuoteId,
    room_type_id: RoomTypeId,
    rate_plan_id: RatePlanId,
    check_in: NaiveDate,
    check_out: NaiveDate,
    adults: i16,
    children_ages: Vec<Option<i16>>,
    rooms: i16,
    price: Value,
    priced_from: Vec<u8>,
    expires_at: Instant,
}

impl Row {
    fn quote(self, now: Instant) -> Result<Quote, DbError> {
        let stay = Stay::new(self.check_in, self.check_out).map_err(|_| DbError::invariant("quotes_stay_range"))?;
        let party = Party {
            adults: self.adults,
            children_ages: self.children_ages.into_iter().flatten().collect(),
            rooms: self.rooms,
        };
        Ok(Quote {
            quote_id: self.quote_id,
            choice: Choice {
                hotel_id: self.hotel_id,
                room_type_id: self.room_type_id,
                rate_plan_id: self.rate_plan_id,
                stay,
                party,
            },
            terms: serde_json::from_value(self.price).map_err(|error| DbError::invariant(error.to_string()))?,
            priced_from: self.priced_from,
            expires_at: self.expires_at,
            now,
        })
    }
}

/// The user's own quotes among `ids`.
pub fn find(conn: &mut PgConnection, user_id: UserId, ids: &[QuoteId]) -> Result<Vec<Quote>, DbError> {
    let rows: Vec<(Row, Instant)> = quotes::table
        .filter(quotes::quote_id.eq_any(ids).and(quotes::user_id.eq(user_id)))
        .select((Row::as_select(), clock_timestamp()))
        .load(conn)?;
    rows.into_iter().map(|(row, now)| row.quote(now)).collect()
}

/// The quotes that holds lock, in the order of their items.
pub fn of_holds(conn: &mut PgConnection, holds: &[(HotelId, HoldId)]) -> Result<Vec<(HoldId, Quote)>, DbError> {
    let (hotels, ids): (Vec<HotelId>, Vec<HoldId>) = holds.iter().copied().unzip();
    let rows: Vec<(HoldId, Row, Instant)> = hold_items::table
        .inner_join(
            quotes::table.on(quotes::hotel_id.eq(hold_items::hotel_id).and(quotes::quote_id.eq(hold_items::quote_id))),
        )
        .filter(hold_items::hotel_id.eq_any(hotels).and(hold_items::hold_id.eq_any(ids)))
        .order(hold_items::item_no)
        .select((hold_items::hold_id, Row::as_select(), clock_timestamp()))
        .load(conn)?;
    rows.into_iter().map(|(hold_id, row, now)| Ok((hold_id, row.quote(now)?))).collect()
}

/// The quotes that one hold locks, in the order of its items.
pub fn of_hold(conn: &mut PgConnection, hotel_id: HotelId, hold_id: HoldId) -> Result<Vec<Quote>, DbError> {
    Ok(of_holds(conn, &[(hotel_id, hold_id)])?.into_iter().map(|(_, quote)| quote).collect())
}

/// A place in the order in which quotes expire.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub struct Expiry {
    #[diesel(sql_type = Timestamptz)]
    expires_at: Instant,
    #[diesel(sql_type = SqlUuid)]
    hotel_id: HotelId,
    #[diesel(sql_type = SqlUuid)]
    quote_id: QuoteId,
}

#[derive(QueryableByName)]
struct Reaped {
    #[diesel(embed)]
    last: Expiry,
    #[diesel(sql_type = BigInt)]
    removed: i64,
}

/// Of the first `most` quotes behind `after` that expired so many days ago, removes those that nothing was made of; how
/// many, and the last one looked at. None: there are no more. Most quotes that are so old are kept for good, so each is
/// looked at once on the way and not again with each batch.
///
/// Locks: the rows that it removes, passing over locked ones.
pub fn reap(tx: &mut Tx<'_>, days: i32, most: i64, after: Option<Expiry>) -> Result<Option<(usize, Expiry)>, DbError> {
    let reaped: Option<Reaped> = sql("WITH looked_at AS MATERIALIZED (
             SELECT expires_at, hotel_id, quote_id FROM quotes
             WHERE expires_at < (SELECT clock_timestamp()) - $1 * interval '1 day'
               AND (expires_at, hotel_id, quote_id) > (coalesce($2, '-infinity'), $3, $4)
             ORDER BY expires_at, hotel_id, quote_id LIMIT $5
         ), removed AS (
             DELETE FROM quotes WHERE ctid = ANY(ARRAY(
                 SELECT q.ctid FROM looked_at JOIN quotes q USING (hotel_id, quote_id)
                 WHERE NOT EXISTS (SELECT FROM hold_items i WHERE i.hotel_id = q.hotel_id AND i.quote_id = q.quote_id)
                   AND NOT EXISTS (SELECT FROM booking_rooms r WHERE r.hotel_id = q.hotel_id AND r.quote_id = q.quote_id)
                 FOR UPDATE OF q SKIP LOCKED))
             RETURNING quote_id
         )
         SELECT expires_at, hotel_id, quote_id, (SELECT count(*) FROM removed) AS removed FROM looked_at
         ORDER BY expires_at DESC, hotel_id DESC, quote_id DESC LIMIT 1")
    .bind::<Integer, _>(days)
    .bind::<Nullable<Timestamptz>, _>(after.map(|after| after.expires_at))
    .bind::<SqlUuid, _>(after.map_or(HotelId(Uuid::nil()), |after| after.hotel_id))
    .bind::<SqlUuid, _>(after.map_or(QuoteId(Uuid::nil()), |after| after.quote_id))
    .bind::<BigInt, _>(most)
    .get_result(&mut **tx)
    .optional()?;
    Ok(reaped.map(|Reaped { last, removed }| (usize::try_from(removed).unwrap_or_default(), last)))
}
