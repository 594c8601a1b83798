//! Guards: extractors that a handler's signature names, so that the type says who may call it.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpRequest};

use super::store::Standing;
use super::tokens::{AccessTokens, Shown};
use super::{keys, store};
use crate::audit::{self, Actor};
use crate::carries_db;
use crate::config::Config;
use crate::db::{Db, DbError, Tx};
use crate::http::client;
use crate::http::idempotency::Halt;
use crate::http::problem::{Code, Problem, internal};
use crate::kernel::ids::{SessionId, UserId};

/// Somebody with a live session.
#[derive(Clone, Debug)]
pub struct Caller {
    pub user_id: UserId,
    pub session_id: SessionId,
    /// Of the key that signed their token.
    generation: i32,
    pub roles: Vec<String>,
    pub permissions: Vec<String>,
    /// Where the request came from.
    pub address: Option<String>,
}

impl Caller {
    fn has<P: Permission>(&self) -> bool {
        self.permissions.iter().any(|held| held == P::NAME)
    }

    /// The hotels that the caller may reach as staff.
    #[must_use]
    pub fn scope(&self) -> Scope {
        if self.has::<HotelsAny>() { Scope::Everywhere } else { Scope::MemberOf(self.user_id) }
    }
}

impl<'a> From<&'a Caller> for Actor<'a> {
    fn from(caller: &'a Caller) -> Self {
        Self::User { user_id: caller.user_id, address: caller.address.as_deref() }
    }
}

/// The hotels that somebody may reach as staff. It becomes a predicate of the statement that looks for them: see
/// `hotels::staff`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Everywhere,
    /// Those whose `hotel_members` name the user.
    MemberOf(UserId),
}

/// A permission as a type.
pub trait Permission: 'static {
    /// As in the table `permissions`.
    const NAME: &'static str;
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $permission:literal),+ $(,)?) => {$(
        $(#[$doc])*
        pub struct $name;

        impl Permission for $name {
            const NAME: &'static str = $permission;
        }
    )+};
}

permissions! {
    /// Search hotels, see offers.
    StaysSearch = "stays:search",
    /// Quote, hold, pay for and book stays of one's own.
    StaysBook = "stays:book",
    /// See hotels as their staff do.
    HotelsRead = "hotels:read",
    /// Change hotels, room types, rooms and taxes.
    HotelsWrite = "hotels:write",
    /// Create hotels.
    HotelsCreate = "hotels:create",
    /// Reach every hotel, a member of it or not.
    HotelsAny = "hotels:any",
    /// Change capacity and closures.
    InventoryWrite = "inventory:write",
    /// Change rate plans and prices.
    RatesWrite = "rates:write",
    /// See every booking of a hotel.
    BookingsReadAny = "bookings:read_any",
    /// Change any booking of a hotel.
    BookingsWriteAny = "bookings:write_any",
    /// Refund captured payments.
    PaymentsRefund = "payments:refund",
    /// Read occupancy reports.
    ReportsRead = "reports:read",
    /// Grant and revoke membership of a hotel.
    MembersWrite = "members:write",
    /// See users and roles.
    UsersRead = "users:read",
    /// Disable users, grant and revoke roles, say what a role may do.
    UsersWrite = "users:write",
    /// Read the audit log.
    AuditRead = "audit:read",
}

/// A caller who has the permission `P`.
pub struct May<P> {
    pub caller: Caller,
    permission: PhantomData<fn() -> P>,
}

impl<P: Permission> May<P> {
    /// Asks again, in the transaction of the work; the caller as of now. Since the request began, and its body may take
    /// its time, an admin may have taken the right away: it is not to be used to get it back.
    pub fn again(&self, tx: &mut Tx<'_>) -> Result<Caller, Barred> {
        let before = &self.caller;
        let standing = store::standing(tx, before.user_id, before.session_id, before.generation)?;
        let Standing { roles, permissions } = standing.ok_or(Barred::SignedOut)?;
        let caller = Caller { roles, permissions, ..before.clone() };
        if caller.has::<P>() { Ok(caller) } else { Err(Barred::Lacks(P::NAME)) }
    }
}

/// Why somebody may not, or not any more.
#[derive(Debug, thiserror::Error)]
pub enum Barred {
    #[error("the session has ended")]
    SignedOut,
    #[error("This needs the permission {0}")]
    Lacks(&'static str),
    #[error(transparent)]
    Db(#[from] DbError),
}
carries_db!(Barred);

impl From<Barred> for Problem {
    fn from(barred: Barred) -> Self {
        match barred {
            Barred::SignedOut => Self::plain(Code::TokenInvalid),
            Barred::Lacks(_) => Self::new(Code::Forbidden, barred.to_string()),
            Barred::Db(error) => error.into(),
        }
    }
}

impl<R> From<Barred> for Halt<R> {
    fn from(barred: Barred) -> Self {
        match barred {
            Barred::Db(error) => Self::Db(error),
            barred => Self::Refused(barred.into()),
        }
    }
}

/// Any caller with a live session.
pub struct SignedIn(pub Caller);

/// A caller who may search; anybody where `LASTROOM_PUBLIC_SEARCH` opens it.
pub struct Visitor(pub Option<Caller>);

type Guarding<T> = Pin<Box<dyn Future<Output = Result<T, Error>>>>;

impl FromRequest for SignedIn {
    type Error = Error;
    type Future = Guarding<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move { Ok(Self(authenticate(&req).await?)) })
    }
}

impl<P: Permission> FromRequest for May<P> {
    type Error = Error;
    type Future = Guarding<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move { Ok(Self { caller: permitted::<P>(&req).await?, permission: PhantomData }) })
    }
}

impl FromRequest for Visitor {
    type Error = Error;
    type Future = Guarding<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move {
            let open = req.app_data::<Data<Config>>().is_some_and(|config| config.public_search);
            if open && !req.headers().contains_key(header::AUTHORIZATION) {
                return Ok(Self(None));
            }
            Ok(Self(Some(permitted::<StaysSearch>(&req).await?)))
        })
    }
}

/// The caller, if they have the permission. A refusal goes into the audit log, by its rule of samples.
async fn permitted<P: Permission>(req: &HttpRequest) -> Result<Caller, Problem> {
    let caller = authenticate(req).await?;
    if caller.has::<P>() {
        return Ok(caller);
    }
    if let Some(db) = req.app_data::<Data<Db>>() {
        let route = req.match_pattern().unwrap_or_default();
        let call = format!("{} {route}", req.method());
        let (user_id, address) = (caller.user_id, caller.address);
        let written = db.write(move |tx| audit::deny(tx, user_id, address.as_deref(), P::NAME, &call)).await;
        // They are refused all the same: a log that cannot be written opens no door.
        if let Err(error) = written {
            tracing::warn!(%error, %user_id, permission = P::NAME, "a denial is missing in the audit log");
        }
    }
    Err(Barred::Lacks(P::NAME).into())
}

/// The caller by their access token. The session is asked of the database each time, so that a logout or a changed
/// role counts on the next request of any process.
async fn authenticate(req: &HttpRequest) -> Result<Caller, Problem> {
    let (Some(db), Some(tokens)) = (req.app_data::<Data<Db>>(), req.app_data::<Data<Arc<AccessTokens>>>()) else {
        return Err(internal(&"the guards' state is not wired"));
    };
    let mut lines = req.headers().get_all(header::AUTHORIZATION);
    let stated = lines.next().ok_or_else(|| Problem::plain(Code::Unauthenticated))?;
    if lines.next().is_some() {
        // Of two, a proxy may have looked at the other (RFC 6750, 3.1: invalid_request).
        return Err(Problem::new(Code::MalformedRequest, "Authorization must be stated once"));
    }
    let token = stated.to_str().ok().and_then(bearer).ok_or_else(|| Problem::plain(Code::TokenInvalid))?;
    let Shown::Genuine { claims, generation } = keys::verify(db, tokens, token).await? else {
        return Err(Problem::plain(Code::TokenInvalid));
    };
    let (user_id, session_id) = (claims.sub, claims.sid);
    let standing = db.read(move |conn| store::standing(conn, user_id, session_id, generation)).await?;
    let Standing { roles, permissions } = standing.ok_or(Barred::SignedOut)?;
    tracing::Span::current().record("user_id", tracing::field::display(user_id));
    let address = client::address(req).map(|address| address.to_string());
    Ok(Caller { user_id, session_id, generation, roles, permissions, address })
}

fn bearer(stated: &str) -> Option<&str> {
    let (scheme, token) = stated.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}
