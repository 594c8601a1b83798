//! What every call of staff stands on: the hotel within the caller's reach.
//!
//! A hotel that is not within it is not found, and nothing in a hotel is read or written but through one of the two
//! types here.

pub mod handle;
pub mod http;
pub mod kept;
pub mod refusal;
mod store;

use std::marker::PhantomData;
use std::ops::Deref;

use diesel::PgConnection;

pub use kept::{Kept, Part};
pub use refusal::Refusal;
pub use store::within;

use crate::access::guard::Scope;
use crate::db::Tx;
use crate::kernel::ids::{HotelId, RoomTypeId};
use crate::kernel::money::Currency;

/// A hotel within the caller's reach, not deleted.
#[derive(Clone, Copy, Debug)]
pub struct ManagedHotel {
    pub hotel_id: HotelId,
    /// What amounts without a currency of their own are in.
    pub currency: Currency,
}

impl ManagedHotel {
    /// For reading.
    pub fn find(conn: &mut PgConnection, scope: Scope, hotel_id: HotelId) -> Result<Self, Refusal> {
        store::find(conn, scope, hotel_id)?.ok_or(Refusal::NotFound)
    }
}

/// The same, and it stays so until the transaction ends: nobody deletes it or changes its currency meanwhile.
#[derive(Debug)]
pub struct KeptHotel<'tx> {
    hotel: ManagedHotel,
    tx: PhantomData<fn(&'tx ()) -> &'tx ()>,
}

impl Deref for KeptHotel<'_> {
    type Target = ManagedHotel;

    fn deref(&self) -> &ManagedHotel {
        &self.hotel
    }
}

impl<'tx> KeptHotel<'tx> {
    /// For changing something in it. Any number of transactions may keep a hotel at a time.
    ///
    /// Locks: the hotel, `FOR KEY SHARE`, as the foreign keys of its parts do.
    pub fn lock(tx: &mut Tx<'tx>, scope: Scope, hotel_id: HotelId) -> Result<Self, Refusal> {
        let hotel = store::keep(tx, scope, hotel_id)?.ok_or(Refusal::NotFound)?;
        Ok(Self { hotel, tx: PhantomData })
    }

    /// For what must not happen beside anything else in the hotel: whoever keeps it, a guest placing a hold among them,
    /// is waited for, and waits.
    ///
    /// Locks: the hotel, `FOR UPDATE`.
    pub fn lock_alone(tx: &mut Tx<'tx>, scope: Scope, hotel_id: HotelId) -> Result<Self, Refusal> {
        let hotel = store::keep_alone(tx, scope, hotel_id)?.ok_or(Refusal::NotFound)?;
        Ok(Self { hotel, tx: PhantomData })
    }
}

/// Refuses where guests are to stay, or are in the house, or hold rooms now: in the hotel, or in one of its room types.
/// Exact only while the hotel is locked alone.
pub fn no_future_bookings(
    tx: &mut Tx<'_>,
    hotel: &KeptHotel<'_>,
    room_type_id: Option<RoomTypeId>,
) -> Result<(), Refusal> {
    match store::future_bookings(tx, hotel.hotel_id, room_type_id)? {
        (0, 0) => Ok(()),
        (bookings, holds) => Err(Refusal::HasFutureBookings { bookings, holds }),
    }
}
