//! How holds look on the wire.

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use garde::Validate;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::state::{HoldError, HoldStatus};
use super::store::{self, HoldRow};
use crate::db::DbError;
use crate::http::idempotency::Halt;
use crate::http::problem::{Code, FieldError, Problem};
use crate::kernel::ids::{HoldId, HotelId, QuoteId, UserId};
use crate::kernel::money::Money;
use crate::quotes::http::QuoteBody;
use crate::quotes::store as quotes;

/// The most quotes that one hold takes.
const MOST_ITEMS: usize = 9;

/// What to hold: one quote, or several of one hotel.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct PlaceHold {
    /// Either this or `items`.
    #[serde(default, deserialize_with = "stated")]
    #[schema(nullable = false)]
    quote_id: Option<QuoteId>,
    /// 1 to 9 quotes of one hotel, each once: all of them are held, or none.
    #[serde(default, deserialize_with = "stated")]
    #[schema(min_items = 1, max_items = 9, nullable = false)]
    items: Option<Vec<PlaceHoldItem>>,
}

/// What is stated must be something: `null` is not the same as leaving it out.
fn stated<'de, D: Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

/// One of the quotes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceHoldItem {
    quote_id: QuoteId,
}

impl PlaceHold {
    /// The quotes in the order stated.
    pub(super) fn quote_ids(self) -> Result<Vec<QuoteId>, Problem> {
        let ids: Vec<_> = match (self.quote_id, self.items) {
            (Some(quote_id), None) => return Ok(vec![quote_id]),
            (None, Some(items)) => items.into_iter().map(|item| item.quote_id).collect(),
            (Some(_), Some(_)) => return Err(Problem::field("items", "must not be given beside quote_id")),
            (None, None) => {
                let message = "either quote_id or items is needed".to_owned();
                let missing = FieldError { field: "quote_id".to_owned(), code: "missing".to_owned(), message };
                return Err(Problem::invalid(vec![missing]));
            }
        };
        if ids.is_empty() || ids.len() > MOST_ITEMS {
            return Err(Problem::field("items", format!("must be 1 to {MOST_ITEMS} quotes")));
        }
        let repeated = ids.iter().enumerate().find(|(at, id)| ids.iter().take(*at).any(|other| other == *id));
        match repeated {
            Some((at, _)) => Err(Problem::field(format!("items[{at}].quote_id"), "must be named once")),
            None => Ok(ids),
        }
    }
}

/// How much more time is wanted.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtendHold {
    /// Seconds [default: 600].
    #[garde(range(min = 1, max = 600))]
    #[schema(minimum = 1, maximum = 600)]
    pub extend_by_s: Option<i32>,
}

/// A hold.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct HoldBody {
    pub hold_id: HoldId,
    pub hotel_id: HotelId,
    pub status: HoldStatus,
    pub expires_at: DateTime<Utc>,
    pub version: i32,
    pub items: Vec<QuoteBody>,
    pub total: Money,
    pub due_now: Money,
    pub due_at_property: Money,
    pub created_at: DateTime<Utc>,
}

impl HoldBody {
    /// The holds with their items, in one more query.
    pub(super) fn read(conn: &mut PgConnection, holds: &[HoldRow]) -> Result<Vec<Self>, DbError> {
        let keys: Vec<_> = holds.iter().map(|hold| (hold.hotel_id, hold.hold_id)).collect();
        let items = quotes::of_holds(conn, &keys)?;
        let body = |hold: &HoldRow| {
            let own = items.iter().filter(|(hold_id, _)| *hold_id == hold.hold_id).map(|(_, quote)| quote);
            Self::new(hold, own.map(QuoteBody::from).collect())
        };
        Ok(holds.iter().map(body).collect())
    }

    fn new(hold: &HoldRow, items: Vec<QuoteBody>) -> Self {
        let money = |amount| Money::new(amount, hold.currency);
        Self {
            hold_id: hold.hold_id,
            hotel_id: hold.hotel_id,
            status: hold.status_now(),
            expires_at: hold.live_until.unwrap_or(hold.expires_at),
            version: hold.version,
            items,
            total: money(hold.total),
            due_now: money(hold.due_now),
            due_at_property: money(hold.due_at_property),
            created_at: hold.created_at,
        }
    }

    /// One of the user's holds.
    pub(super) fn find(conn: &mut PgConnection, user_id: UserId, hold_id: HoldId) -> Result<Option<Self>, DbError> {
        let hold: Vec<_> = store::find(conn, user_id, hold_id)?.into_iter().collect();
        Ok(Self::read(conn, &hold)?.pop())
    }
}

/// The problem for a hold's refusal.
pub fn problem(error: HoldError) -> Problem {
    match error {
        HoldError::Db(error) => error.into(),
        HoldError::NotFound => Problem::plain(Code::NotFound),
        HoldError::SeveralHotels => Problem::field("items", "must be quotes of one hotel"),
        HoldError::Limit { limit } => {
            Problem::new(Code::HoldLimit, format!("At most {limit} holds can be live at a time")).retry_after(60)
        }
        HoldError::QuoteExpired { item } => Problem::plain(Code::QuoteExpired).with("item", item),
        HoldError::QuoteUsed { item } => Problem::plain(Code::QuoteUsed).with("item", item),
        HoldError::Unavailable { item, reasons } => {
            Problem::plain(Code::OfferUnavailable).with("item", item).with("reasons", reasons)
        }
        HoldError::SoldOut { item, first_night } => {
            Problem::plain(Code::SoldOut).with("item", item).with("first_night", first_night)
        }
        HoldError::Expired => Problem::plain(Code::HoldExpired),
        HoldError::Released => Problem::plain(Code::HoldReleased),
        HoldError::Converted(booking_id) => Problem::plain(Code::HoldConverted).with("booking_id", booking_id),
        HoldError::PaymentInProgress => Problem::plain(Code::PaymentInProgress),
        HoldError::AlreadyExtended => Problem::plain(Code::AlreadyExtended),
        HoldError::Version(mismatch) => mismatch.into(),
    }
}

/// A refusal of keyed work.
pub fn halt<R>(error: HoldError) -> Halt<R> {
    match error {
        HoldError::Db(error) => Halt::Db(error),
        error => Halt::Refused(problem(error)),
    }
}
