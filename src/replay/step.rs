//! One event: one transaction.

use super::history::{Asked, Event, Kind};
use super::hotel::House;
use crate::bookings::state::{CancelError, ConfirmError, DeskError};
use crate::bookings::{cancel, check_in, check_out, no_show, record};
use crate::db::{Db, DbError};
use crate::holds::state::HoldError;
use crate::kernel::ids::BookingId;

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Accepted(BookingId),
    /// A night had no room left, so the booking was rejected as a whole.
    Full,
    /// Fewer than one night or one adult.
    Invalid,
    Cancelled,
    /// The booking moved on and the stock did not.
    MovedOn,
    /// It is about a booking that was not accepted.
    Ignored,
}

/// Does what happened. `booking` is what became of the booking before, if it was accepted.
pub(super) async fn step(
    db: &Db,
    house: &House,
    asked: &Asked,
    event: Event,
    booking: Option<BookingId>,
) -> Result<Outcome, DbError> {
    let booking_id = match (event.kind, asked.stay, booking) {
        (Kind::Create, None, _) => return Ok(Outcome::Invalid),
        (Kind::Create, Some(stay), _) => {
            let agreed = house.agreed(asked, stay)?;
            return match db.write(move |tx| record::record(tx, agreed.clone())).await {
                Ok(booking_id) => Ok(Outcome::Accepted(booking_id)),
                Err(ConfirmError::Hold(HoldError::SoldOut { .. })) => Ok(Outcome::Full),
                Err(ConfirmError::Db(error)) => Err(error),
                Err(refusal) => Err(unexpected(asked, event, &refusal)),
            };
        }
        (_, _, None) => return Ok(Outcome::Ignored),
        (_, _, Some(booking_id)) => booking_id,
    };
    let (hotel_id, user_id, today) = (house.hotel_id, house.user_id, event.date);
    let moved = match event.kind {
        Kind::Create => return Ok(Outcome::Ignored),
        Kind::Cancel => {
            return match db.write(move |tx| cancel::cancel(tx, user_id, booking_id, false)).await {
                Ok(_) => Ok(Outcome::Cancelled),
                Err(CancelError::Db(error)) => Err(error),
                Err(refusal) => Err(unexpected(asked, event, &refusal)),
            };
        }
        Kind::CheckIn => db.write(move |tx| check_in::check_in(tx, hotel_id, booking_id, today)).await,
        Kind::CheckOut => db.write(move |tx| check_out::check_out(tx, hotel_id, booking_id)).await,
        Kind::NoShow => db.write(move |tx| no_show::no_show_on(tx, hotel_id, booking_id, today)).await,
    };
    match moved {
        Ok(()) => Ok(Outcome::MovedOn),
        Err(DeskError::Db(error)) => Err(error),
        Err(refusal) => Err(unexpected(asked, event, &refusal)),
    }
}

/// The history was found in order before it was replayed, so whatever refuses one of its steps is a mistake of ours.
fn unexpected(asked: &Asked, event: Event, refusal: &dyn std::error::Error) -> DbError {
    DbError::invariant(format!("{} of booking {} on {}: {refusal}", event.kind, asked.no, event.date))
}
