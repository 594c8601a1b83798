//! Lock rate: quotes become a hold, all of them or none.

use super::state::HoldError;
use super::store::{self, NewHold};
use crate::db::{DbError, Tx};
use crate::hotels::store as hotels;
use crate::inventory::stock::{self, Lack, Nights};
use crate::kernel::ids::{HoldId, HotelId, QuoteId, UserId};
use crate::outbox::events::{self, nothing_more};
use crate::quotes::recheck::{Rechecked, recheck};
use crate::quotes::store::{self as quotes, Quote};
use crate::rates::restrictions::Reason;

/// What to hold, for whom, and the rules of the house.
#[derive(Clone, Debug)]
pub struct Place {
    pub user_id: UserId,
    /// 1 to 9, each once.
    pub quote_ids: Vec<QuoteId>,
    pub hold_ttl_s: i32,
    pub quote_ttl_s: i32,
    pub hold_limit: i64,
    /// Whether expired holds that stand in the way may be cleared first. False on the last try.
    pub may_reclaim: bool,
}

/// How a placement ended.
#[derive(Debug)]
pub enum Placed {
    Held {
        hold_id: HoldId,
    },
    /// A price or policy is another now: the caller may hold this new quote instead.
    Repriced {
        item: usize,
        current: Box<Quote>,
    },
    /// Expired holds stand in the way. Roll back, give their rooms back, and start again.
    InTheWay {
        hotel_id: HotelId,
        nights: Nights,
    },
}

/// Places the hold.
///
/// Locks: the user (quota), the hotel (to keep it), then the nights in order. Behind it stand `hold_items_quote_key` and
/// `inventory_never_oversold`.
pub fn place(tx: &mut Tx<'_>, ask: &Place) -> Result<Placed, HoldError> {
    if store::lock_quota(tx, ask.user_id)? >= ask.hold_limit {
        return Err(HoldError::Limit { limit: ask.hold_limit });
    }
    let quotes = usable_quotes(tx, ask)?;
    let hotel_id = match quotes.first() {
        Some(first) => first.choice.hotel_id,
        None => return Err(HoldError::NotFound),
    };
    // Before looking whether it is on sale: whoever deletes it meanwhile waits, and then counts this hold.
    hotels::keep(tx, hotel_id)?;
    for (item, quote) in quotes.iter().enumerate() {
        match recheck(tx, ask.user_id, quote, ask.quote_ttl_s)? {
            Rechecked::Same => {}
            Rechecked::Unavailable { reasons } => return Err(HoldError::Unavailable { item, reasons }),
            Rechecked::Changed { current } => return Ok(Placed::Repriced { item, current }),
        }
    }
    Ok(match take(tx, ask.user_id, &quotes, ask.hold_ttl_s, ask.may_reclaim)? {
        Taken::Held { hold_id } => Placed::Held { hold_id },
        Taken::InTheWay { nights } => Placed::InTheWay { hotel_id, nights },
    })
}

/// What became of the rooms.
#[derive(Debug)]
pub enum Taken {
    Held {
        hold_id: HoldId,
    },
    /// As [`Placed::InTheWay`].
    InTheWay {
        nights: Nights,
    },
}

/// Takes the rooms of quotes of one hotel that somebody has found good: their price, their terms, and that they are
/// unused. The hotel is kept by the caller.
///
/// Locks: the nights in order.
pub fn take(
    tx: &mut Tx<'_>,
    user_id: UserId,
    quotes: &[Quote],
    hold_ttl_s: i32,
    may_reclaim: bool,
) -> Result<Taken, HoldError> {
    let hotel_id = quotes.first().ok_or(HoldError::NotFound)?.choice.hotel_id;
    let nights = nights_of(quotes);
    match stock::lock(tx, hotel_id, &nights)?.all_free() {
        Ok(free) => free.hold(tx)?,
        // The clock is asked once: a hold may lapse between two questions.
        Err(Lack::Short { .. }) if store::any_lapsed_on(tx, hotel_id, &nights)? => {
            if may_reclaim {
                return Ok(Taken::InTheWay { nights });
            }
            // Holds lapse faster than they can be cleared away: that is not sold out.
            return Err(DbError::Busy("expired holds are in the way").into());
        }
        Err(lack) => return Err(refusal(lack, quotes)),
    }
    let hold_id = insert(tx, user_id, hotel_id, quotes, &nights, hold_ttl_s)?;
    events::emit(tx, hotel_id, "hold.active", hold_id.0, nothing_more())?;
    Ok(Taken::Held { hold_id })
}

/// The quotes in the order asked, each the caller's own, of one hotel, unexpired and unused.
fn usable_quotes(tx: &mut Tx<'_>, ask: &Place) -> Result<Vec<Quote>, HoldError> {
    let mut found = quotes::find(tx, ask.user_id, &ask.quote_ids)?;
    found.sort_by_key(|quote| ask.quote_ids.iter().position(|id| *id == quote.quote_id));
    if found.len() != ask.quote_ids.len() {
        return Err(HoldError::NotFound);
    }
    let Some(hotel_id) = found.first().map(|quote| quote.choice.hotel_id) else {
        return Err(HoldError::NotFound);
    };
    if found.iter().any(|quote| quote.choice.hotel_id != hotel_id) {
        return Err(HoldError::SeveralHotels);
    }
    let used = store::used(tx, hotel_id, &ask.quote_ids)?;
    for (item, quote) in found.iter().enumerate() {
        if used.contains(&quote.quote_id) {
            return Err(HoldError::QuoteUsed { item });
        }
        if quote.expires_at <= quote.now {
            return Err(HoldError::QuoteExpired { item });
        }
    }
    Ok(found)
}

fn nights_of(quotes: &[Quote]) -> Nights {
    let mut nights = Nights::new();
    for quote in quotes {
        for date in quote.choice.stay.dates() {
            *nights.entry((quote.choice.room_type_id, date)).or_default() += i32::from(quote.choice.party.rooms);
        }
    }
    nights
}

/// Names the first item that wants the night.
fn refusal(lack: Lack, quotes: &[Quote]) -> HoldError {
    let (Lack::Short { room_type_id, night } | Lack::Closed { room_type_id, night }) = lack;
    let wants = |quote: &Quote| {
        quote.choice.room_type_id == room_type_id && quote.choice.stay.dates().any(|date| date == night)
    };
    let item = quotes.iter().position(wants).unwrap_or_default();
    match lack {
        Lack::Short { .. } => HoldError::SoldOut { item, first_night: night },
        Lack::Closed { .. } => HoldError::Unavailable { item, reasons: vec![Reason::Closed] },
    }
}

fn insert(
    tx: &mut Tx<'_>,
    user_id: UserId,
    hotel_id: HotelId,
    quotes: &[Quote],
    nights: &Nights,
    ttl_s: i32,
) -> Result<HoldId, HoldError> {
    let Some(first) = quotes.first() else {
        return Err(HoldError::NotFound);
    };
    let quote_ids: Vec<QuoteId> = quotes.iter().map(|quote| quote.quote_id).collect();
    let new = NewHold {
        hotel_id,
        user_id,
        currency: first.terms.currency,
        due_now: quotes.iter().map(Quote::due_now).fold(0, i64::saturating_add),
        due_at_property: quotes.iter().map(Quote::due_at_property).fold(0, i64::saturating_add),
        quotes: &quote_ids,
        nights,
        ttl_s,
    };
    // The user's row is locked, so only a race that the lock order rules out could use a quote meanwhile.
    store::insert(tx, &new)?.ok_or(HoldError::QuoteUsed { item: 0 })
}
