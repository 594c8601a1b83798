//! Typed identifiers. Each is a UUIDv7, so that ids made later sort later; a hotel's id is never taken for a hold's.

use std::fmt;

use diesel::deserialize::{FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{Output, ToSql};
use diesel::sql_types::Uuid as SqlUuid;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, AsExpression,
            FromSqlRow, ToSchema,
        )]
        #[diesel(sql_type = SqlUuid)]
        #[serde(transparent)]
        #[schema(value_type = Uuid)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id, sorting after those made before it.
            #[must_use]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl ToSql<SqlUuid, Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> diesel::serialize::Result {
                ToSql::<SqlUuid, Pg>::to_sql(&self.0, out)
            }
        }

        impl FromSql<SqlUuid, Pg> for $name {
            fn from_sql(bytes: PgValue<'_>) -> diesel::deserialize::Result<Self> {
                <Uuid as FromSql<SqlUuid, Pg>>::from_sql(bytes).map(Self)
            }
        }
    )+};
}

ids! {
    /// Somebody who can sign in.
    UserId,
    /// A sign-in: one family of refresh tokens.
    SessionId,
    /// A property; first in the key of everything that belongs to it.
    HotelId,
    /// A kind of room that is sold as one stock.
    RoomTypeId,
    /// A physical room, with a number on its door.
    RoomId,
    /// A price list with its conditions.
    RatePlanId,
    /// A tax or fee of a hotel.
    TaxId,
    /// A price shown to one user, frozen.
    QuoteId,
    /// Rooms taken off sale for some minutes.
    HoldId,
    /// Money asked of a guest once.
    PaymentId,
    /// The conversation with the payment provider about one payment.
    AttemptId,
    /// A confirmed stay.
    BookingId,
    /// One room of a booking.
    BookingRoomId,
    /// An entry of the audit log.
    AuditId,
    /// An entry of the outbox.
    EventId,
    /// A movement of the ledger: lines that sum to nothing.
    MovementId,
    /// Captured money given back.
    RefundId,
    /// Work owed to the payment provider.
    JobId,
}
