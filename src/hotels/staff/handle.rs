//! What the handlers of staff's calls do, whatever the call is about: a handler says who may call it and with what, and
//! which use case it is.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::Json;
use serde::Serialize;

use super::http::{Nothing, StaffList, page};
use super::kept::{Kept, Part};
use super::{ManagedHotel, Refusal, store};
use crate::access::guard::{Caller, HotelsRead, May, Permission};
use crate::db::{Db, DbError, Tx};
use crate::http::BASE;
use crate::http::extract::{Body, InOrder, NoQuery, OptionalBody, PathId, PathIds, Query};
use crate::http::idempotency::{Answer, Halt, Keyed, OptionalKey, once_for};
use crate::http::if_match::IfMatch;
use crate::http::problem::Problem;
use crate::kernel::ids::HotelId;
use crate::kernel::page::Page;
use crate::kernel::secret::Keyring;
use crate::kernel::version::Expected;

/// What a work is about.
#[derive(Clone, Copy, Debug)]
pub enum Reach {
    /// No hotel in particular.
    House,
    Hotel(HotelId),
}

/// Which one a path names: a hotel, or a hotel and a part of it.
pub trait At: Copy {
    type Ids: Copy + Send + 'static;

    fn ids(self) -> Self::Ids;
    fn reach(self) -> Reach;
}

impl At for PathId<HotelId> {
    type Ids = HotelId;

    fn ids(self) -> HotelId {
        self.0
    }

    fn reach(self) -> Reach {
        Reach::Hotel(self.0)
    }
}

impl<I: Copy + Send + 'static> At for PathIds<HotelId, I> {
    type Ids = (HotelId, I);

    fn ids(self) -> (HotelId, I) {
        (self.0, self.1)
    }

    fn reach(self) -> Reach {
        Reach::Hotel(self.0)
    }
}

/// Use cases. `A` is what a path names, `P` a patch, `K` what is kept.
pub type Create<N, K> = fn(&mut Tx<'_>, &Caller, HotelId, &N) -> Result<K, Refusal>;
pub type Change<A, P, K> = fn(&mut Tx<'_>, &Caller, A, &Expected, P) -> Result<K, Refusal>;
pub type Delete<A> = fn(&mut Tx<'_>, &Caller, A, &Expected) -> Result<(), Refusal>;
pub type Restore<A, K> = fn(&mut Tx<'_>, &Caller, A) -> Result<K, Refusal>;

/// A page of a hotel's parts.
pub async fn list<K: Part>(
    db: &Db,
    keys: &Arc<Keyring>,
    call: InOrder<(May<HotelsRead>, Query<StaffList>, PathId<HotelId>)>,
) -> Result<Json<Page<K>>, Problem> {
    let InOrder((staff, Query(query), PathId(hotel_id))) = call;
    let scope = staff.caller.scope();
    let read = move |conn: &mut _, wanted| {
        let hotel = ManagedHotel::find(conn, scope, hotel_id)?;
        Ok(K::list(conn, &hotel, wanted)?)
    };
    let name = format!("admin {} {hotel_id}", K::PATH);
    page(db, keys, &name, query, read, |part| K::Id::from(part.tag().id)).await
}

/// A part of a hotel, deleted or not.
pub async fn get<K: Part>(
    db: &Db,
    call: InOrder<(May<HotelsRead>, NoQuery, PathIds<HotelId, K::Id>)>,
) -> Result<HttpResponse, Problem> {
    let InOrder((staff, NoQuery, PathIds(hotel_id, id))) = call;
    let scope = staff.caller.scope();
    let read = move |conn: &mut _| {
        let hotel = ManagedHotel::find(conn, scope, hotel_id)?;
        K::find(conn, &hotel, id)?.ok_or(Refusal::NotFound)
    };
    Ok(versioned(200, &db.read(read).await?)?.into())
}

/// Creates a part of a hotel from what `checked` makes of the body.
pub async fn create<M: Permission, B, N, K>(
    db: &Db,
    call: InOrder<(May<M>, OptionalKey, Body<B>, PathId<HotelId>)>,
    checked: fn(B) -> Result<N, Refusal>,
    create: Create<N, K>,
) -> Result<HttpResponse, Problem>
where
    N: Send + 'static,
    K: Part,
{
    let InOrder((staff, key, body, PathId(hotel_id))) = call;
    let keyed = key.0.map(|key| key.of(staff.caller.user_id, body.hash));
    let new = checked(body.value)?;
    write(db, staff, Reach::Hotel(hotel_id), keyed, move |tx, by| {
        let made = create(tx, by, hotel_id, &new)?;
        let location = format!("{BASE}/admin/hotels/{hotel_id}/{}/{}", K::PATH, made.tag().id);
        Ok(versioned(201, &made)?.at(location))
    })
    .await
}

/// Changes what the path names as the body says, if it is of a version in `If-Match`.
pub async fn change<M: Permission, P, I, K>(
    db: &Db,
    call: InOrder<(May<M>, IfMatch, Body<P>, I)>,
    change: Change<I::Ids, P, K>,
) -> Result<HttpResponse, Problem>
where
    P: Clone + Send + 'static,
    I: At,
    K: Kept,
{
    let InOrder((staff, IfMatch(expected), body, at)) = call;
    let (reach, ids, patch) = (at.reach(), at.ids(), body.value);
    write(db, staff, reach, None, move |tx, by| Ok(versioned(200, &change(tx, by, ids, &expected, patch.clone())?)?))
        .await
}

/// Deletes what the path names, if it is of a version in `If-Match`.
pub async fn delete<M: Permission, I: At>(
    db: &Db,
    call: InOrder<(May<M>, IfMatch, NoQuery, I)>,
    delete: Delete<I::Ids>,
) -> Result<HttpResponse, Problem> {
    let InOrder((staff, IfMatch(expected), NoQuery, at)) = call;
    let (reach, ids) = (at.reach(), at.ids());
    write(db, staff, reach, None, move |tx, by| {
        delete(tx, by, ids, &expected)?;
        Ok(Answer::nothing())
    })
    .await
}

/// Puts back what the path names.
pub async fn restore<M: Permission, I: At, K: Kept>(
    db: &Db,
    call: InOrder<(May<M>, OptionalKey, OptionalBody<Nothing>, I)>,
    restore: Restore<I::Ids, K>,
) -> Result<HttpResponse, Problem> {
    let InOrder((staff, key, OptionalBody(body), at)) = call;
    let keyed = key.0.map(|key| key.of(staff.caller.user_id, body.hash));
    let (reach, ids) = (at.reach(), at.ids());
    write(db, staff, reach, keyed, move |tx, by| Ok(versioned(200, &restore(tx, by, ids)?)?)).await
}

/// Runs staff's work in one transaction; once for its key, if it has one.
///
/// What the caller may do is asked again first. Before a stored answer is shown, so is whether what the path names is still
/// within their reach: it is not for somebody who has lost it. The work asks that itself.
pub async fn write<M: Permission>(
    db: &Db,
    staff: May<M>,
    reach: Reach,
    keyed: Option<Keyed>,
    work: impl Fn(&mut Tx<'_>, &Caller) -> Result<Answer, Halt> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let answer: Result<Answer, Halt> = db
        .write(move |tx| {
            let by = staff.again(tx)?;
            let may_see = |tx: &mut Tx<'_>| match reach {
                Reach::Hotel(hotel_id) if !store::is_within(tx, by.scope(), hotel_id)? => Err(Refusal::NotFound.into()),
                Reach::Hotel(_) | Reach::House => Ok(()),
            };
            once_for(tx, keyed.as_ref(), may_see, |tx| work(tx, &by))
        })
        .await;
    Ok(answer?.into())
}

/// What is kept, with its version as `ETag`.
pub fn versioned(status: u16, kept: &impl Kept) -> Result<Answer, Refusal> {
    Ok(answer(status, kept)?.version(kept.tag().version))
}

/// An answer without a version.
pub fn answer(status: u16, body: &impl Serialize) -> Result<Answer, Refusal> {
    Ok(Answer::json(status, body).map_err(|error| DbError::invariant(error.to_string()))?)
}
