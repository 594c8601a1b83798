//! What staff keep: hotels, and the parts that a hotel has. Each has a version, and is deleted without being lost.
//!
//! The steps that every work on them has are here. What is special of a kind, its rules and what else it moves, is in the
//! use cases of its own folder.

use diesel::PgConnection;
use diesel::result::Error as DieselError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::http::Wanted;
use super::{KeptHotel, ManagedHotel, Refusal, store};
use crate::access::guard::Caller;
use crate::audit::{self, Action, Resource, Subject};
use crate::db::{DbError, Tx};
use crate::kernel::ids::HotelId;
use crate::kernel::version::Expected;

/// Which one it is, and in which state.
#[derive(Clone, Copy, Debug)]
pub struct Tag {
    pub hotel_id: HotelId,
    pub id: Uuid,
    pub version: i32,
    pub is_deleted: bool,
}

/// Something that staff create, change, delete and restore, as the API shows it.
pub trait Kept: Serialize + Send + Sync + Sized + 'static {
    /// What it says of itself.
    type Fields: PartialEq;
    const RESOURCE: Resource;
    /// Where it is stored, and the column of its id, beside `hotel_id`.
    const TABLE: (&'static str, &'static str);

    fn tag(&self) -> Tag;

    /// One by its whole key, deleted or not. Whoever calls it has seen that the caller may reach the hotel.
    fn read(conn: &mut PgConnection, hotel_id: HotelId, id: Uuid) -> Result<Option<Self>, DbError>;

    /// Gives a locked one these fields; it is a version later then.
    fn update(tx: &mut Tx<'_>, before: &Self, fields: &Self::Fields) -> Result<Self, Refusal>;

    /// What a broken constraint means.
    fn refused(error: DieselError) -> Refusal {
        DbError::from(error).into()
    }

    fn subject(&self) -> Subject {
        let Tag { hotel_id, id, .. } = self.tag();
        Subject { hotel_id, resource: Self::RESOURCE, resource_id: Some(id) }
    }

    /// Itself, if it is there and of the version that the caller means.
    fn meant(self, expected: &Expected) -> Result<Self, Refusal> {
        let Tag { version, is_deleted, .. } = self.tag();
        if is_deleted {
            return Err(Refusal::NotFound);
        }
        expected.meets(version)?;
        Ok(self)
    }

    /// Writes down that it was created.
    fn created(self, tx: &mut Tx<'_>, by: &Caller) -> Result<Self, Refusal> {
        audit::record(tx, by, Action::Created, self.subject(), None, Some(&self))?;
        Ok(self)
    }

    /// Changes a locked one, and writes it down.
    fn changed(self, tx: &mut Tx<'_>, by: &Caller, fields: &Self::Fields) -> Result<Self, Refusal> {
        let after = Self::update(tx, &self, fields)?;
        audit::record(tx, by, Action::Changed, self.subject(), Some(&self), Some(&after))?;
        Ok(after)
    }

    /// Deletes a locked one, and writes it down.
    fn deleted(self, tx: &mut Tx<'_>, by: &Caller) -> Result<(), Refusal> {
        marked(tx, by, &self, Action::Deleted).map(|_| ())
    }

    /// Puts a locked one back that is deleted, and writes it down.
    fn restored(self, tx: &mut Tx<'_>, by: &Caller) -> Result<Self, Refusal> {
        marked(tx, by, &self, Action::Restored)
    }
}

fn marked<K: Kept>(tx: &mut Tx<'_>, by: &Caller, before: &K, action: Action) -> Result<K, Refusal> {
    let Tag { hotel_id, id, .. } = before.tag();
    store::mark_deleted(tx, before, action == Action::Deleted)?;
    let after = K::read(tx, hotel_id, id)?.ok_or_else(|| DbError::invariant("what is locked stays"))?;
    audit::record(tx, by, action, before.subject(), Some(before), Some(&after))?;
    Ok(after)
}

/// A part of a hotel.
pub trait Part: Kept {
    type Id: From<Uuid> + Into<Uuid> + Copy + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// The end of its path, `/admin/hotels/{hotel_id}/…`.
    const PATH: &'static str;
    /// How strongly whoever changes it locks it.
    const LOCK: &'static str = "FOR NO KEY UPDATE";

    /// The hotel's, oldest first.
    fn list(conn: &mut PgConnection, hotel: &ManagedHotel, wanted: Wanted<Self::Id>) -> Result<Vec<Self>, DbError>;

    /// One of the hotel, deleted or not.
    fn find(conn: &mut PgConnection, hotel: &ManagedHotel, id: Self::Id) -> Result<Option<Self>, DbError> {
        Self::read(conn, hotel.hotel_id, id.into())
    }

    /// The same under its row lock.
    fn lock(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, id: Self::Id) -> Result<Option<Self>, DbError> {
        store::lock_part::<Self>(tx, hotel.hotel_id, id.into())?;
        Self::find(tx, hotel, id)
    }

    /// The one that is to be changed or deleted, locked: not deleted, and of the version that the caller means.
    fn lock_meant(tx: &mut Tx<'_>, hotel: &KeptHotel<'_>, id: Self::Id, expected: &Expected) -> Result<Self, Refusal> {
        Self::lock(tx, hotel, id)?.ok_or(Refusal::NotFound)?.meant(expected)
    }
}
