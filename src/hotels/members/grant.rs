//! Make somebody a member of a hotel.

use super::store::{self, Member};
use super::subject;
use crate::access::guard::Caller;
use crate::audit::{self, Action};
use crate::db::{DbError, Tx};
use crate::hotels::staff::{KeptHotel, Refusal};
use crate::kernel::ids::{HotelId, UserId};

/// Who is to be a member.
#[derive(Clone, Debug)]
pub enum Whom {
    User(UserId),
    /// Whoever registered it first: nobody has proven that it is theirs.
    Email(String),
}

impl Whom {
    /// The field that names them.
    fn field(&self) -> &'static str {
        match self {
            Self::User(_) => "user_id",
            Self::Email(_) => "email",
        }
    }
}

/// Grants membership: it counts on the member's next request. Whether they were none before.
///
/// Locks: keeps the hotel; inserts. Behind it stands the primary key of `hotel_members`.
pub fn grant(tx: &mut Tx<'_>, by: &Caller, hotel_id: HotelId, whom: &Whom) -> Result<(Member, bool), Refusal> {
    let hotel = KeptHotel::lock(tx, by.scope(), hotel_id)?;
    let user_id = store::user(tx, whom)?;
    let user_id = user_id.ok_or_else(|| Refusal::invalid(whom.field(), "is nobody's, or the account is disabled"))?;
    let is_new = store::insert(tx, &hotel, user_id)?;
    let member = store::find(tx, &hotel, user_id)?;
    let member = member.ok_or_else(|| DbError::invariant("a member just granted is there"))?;
    if is_new {
        audit::record(tx, by, Action::Granted, subject(hotel_id, user_id), None, Some(&member))?;
    }
    Ok((member, is_new))
}
