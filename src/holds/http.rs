//! `/holds`.

use std::sync::Arc;

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, delete, get, post};
use diesel::PgConnection;
use utoipa_actix_web::service_config::ServiceConfig;

use super::place::{self, Place, Placed};
use super::wire::{ExtendHold, HoldBody, PlaceHold, halt, problem};
use super::{expire, extend, release, store};
use crate::access::guard::{May, StaysBook};
use crate::config::Config;
use crate::db::{Db, DbError};
use crate::http::BASE;
use crate::http::extract::{Body, InOrder, NoQuery, OptionalBody, PathId, Query};
use crate::http::idempotency::{Answer, Halt, Key, Keyed, OptionalKey, once};
use crate::http::if_match::{IfMatch, tag};
use crate::http::list::ListQuery;
use crate::http::problem::{Code, Problem, ProblemDocument};
use crate::inventory::stock::Nights;
use crate::kernel::ids::{HoldId, HotelId};
use crate::kernel::page::{self, DEFAULT_LIMIT, Page};
use crate::kernel::secret::Keyring;
use crate::quotes::http::QuoteBody;

const TAG: &str = "holds";
/// How often a placement may clear expired holds out of its way before it counts as sold out.
const RECLAIMS: usize = 3;

/// The routes.
pub fn routes(app: &mut ServiceConfig<'_>) {
    app.service(place_hold).service(list_holds).service(get_hold).service(extend_hold).service(release_hold);
}

/// Expired holds that stand in a placement's way.
#[derive(Debug)]
struct InTheWay {
    hotel_id: HotelId,
    nights: Nights,
}

/// Lock a rate
///
/// Takes the rooms of one quote, or of several of one hotel, off sale until `expires_at`: all of them or none.
#[utoipa::path(tag = TAG, request_body = PlaceHold, security(("bearer" = [])),
    params(("Idempotency-Key" = String, Header)),
    responses(
        (status = 201, body = HoldBody),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json", description = "idempotency_key_missing, idempotency_key_invalid"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "sold_out with first_night and item; price_changed with current_quote; offer_unavailable with reasons; quote_used; idempotency_key_reused; idempotency_in_progress"),
        (status = 410, body = ProblemDocument, content_type = "application/problem+json", description = "quote_expired"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, body = ProblemDocument, content_type = "application/problem+json", description = "hold_limit"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    ))]
#[post("/holds")]
pub async fn place_hold(
    call: InOrder<(May<StaysBook>, Key, Body<PlaceHold>)>,
    db: Data<Db>,
    config: Data<Config>,
) -> Result<HttpResponse, Problem> {
    let InOrder((guest, key, body)) = call;
    let user_id = guest.caller.user_id;
    let keyed = key.of(user_id, body.hash);
    let mut ask = Place {
        user_id,
        quote_ids: body.value.quote_ids()?,
        hold_ttl_s: config.hold_ttl_s,
        quote_ttl_s: config.quote_ttl_s,
        hold_limit: config.hold_limit,
        may_reclaim: true,
    };
    for reclaims in 0..=RECLAIMS {
        ask.may_reclaim = reclaims < RECLAIMS;
        match place_once(&db, keyed.clone(), ask.clone()).await {
            Ok(answer) => return Ok(answer.into()),
            Err(Halt::Refused(problem)) => return Err(problem),
            Err(Halt::Db(error)) => return Err(error.into()),
            Err(Halt::Again(InTheWay { hotel_id, nights })) => {
                db.write(move |tx| expire::reclaim(tx, hotel_id, &nights)).await?;
            }
        }
    }
    Err(Problem::plain(Code::Busy).retry_after(1))
}

async fn place_once(db: &Db, keyed: Keyed, ask: Place) -> Result<Answer, Halt<InTheWay>> {
    db.write(move |tx| {
        once(tx, Some(&keyed), |tx| match place::place(tx, &ask).map_err(halt)? {
            Placed::Held { hold_id } => {
                let hold = HoldBody::find(tx, ask.user_id, hold_id)?;
                let hold = hold.ok_or_else(|| DbError::invariant("a hold just placed exists"))?;
                let answer = Answer::json(201, &hold)?;
                Ok(answer.at(format!("{BASE}/holds/{hold_id}")).version(hold.version))
            }
            Placed::Repriced { item, current } => {
                let quote = QuoteBody::from(&*current);
                Answer::refusal(&Problem::plain(Code::PriceChanged).with("item", item).with("current_quote", quote))
                    .map_err(Halt::from)
            }
            Placed::InTheWay { hotel_id, nights } => Err(Halt::Again(InTheWay { hotel_id, nights })),
        })
    })
    .await
}

/// List one's own holds
///
/// Newest first.
#[utoipa::path(tag = TAG, params(ListQuery), security(("bearer" = [])), responses(
    (status = 200, body = Page<HoldBody>),
    (status = 400, body = ProblemDocument, content_type = "application/problem+json", description = "cursor_invalid"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
#[get("/holds")]
pub async fn list_holds(
    call: InOrder<(May<StaysBook>, Query<ListQuery>)>,
    db: Data<Db>,
    keys: Data<Arc<Keyring>>,
) -> Result<Json<Page<HoldBody>>, Problem> {
    let InOrder((guest, Query(query))) = call;
    let user_id = guest.caller.user_id;
    let list = format!("holds {user_id}");
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let before = query.cursor.map(|cursor| page::open(&keys, &list, &cursor)).transpose();
    let before: Option<HoldId> = before.map_err(|_| Problem::plain(Code::CursorInvalid))?;
    let read = move |conn: &mut PgConnection| {
        let holds = store::list(conn, user_id, before, limit + 1)?;
        HoldBody::read(conn, &holds)
    };
    let holds = db.read::<_, DbError>(read).await?;
    Ok(Json(page::cut(&keys, &list, holds, limit, |hold| hold.hold_id)?))
}

/// See a hold of one's own
///
/// One whose time ran out reads `expired` from that second on.
#[utoipa::path(tag = TAG, params(("id" = HoldId, Path)), security(("bearer" = [])), responses(
    (status = 200, body = HoldBody),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
))]
#[get("/holds/{id}")]
pub async fn get_hold(
    call: InOrder<(May<StaysBook>, NoQuery, PathId<HoldId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    let InOrder((guest, NoQuery, PathId(hold_id))) = call;
    let user_id = guest.caller.user_id;
    let read = move |conn: &mut PgConnection| HoldBody::find(conn, user_id, hold_id);
    let hold = db.read::<_, DbError>(read).await?.ok_or_else(|| Problem::plain(Code::NotFound))?;
    Ok(HttpResponse::Ok().insert_header(tag(hold.version)).json(hold))
}

/// How much more time a hold gets when nothing is said, in seconds.
const EXTEND_BY_S: i32 = 600;

/// Take more time
///
/// Moves `expires_at` out, once a hold. `If-Match` names the version that the caller has read.
#[utoipa::path(tag = TAG, request_body = Option<ExtendHold>, security(("bearer" = [])),
    params(("id" = HoldId, Path), ("If-Match" = String, Header), ("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = 200, body = HoldBody),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json", description = "idempotency_key_invalid, malformed_request"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "already_extended, payment_in_progress, hold_converted, idempotency_key_reused, idempotency_in_progress"),
        (status = 410, body = ProblemDocument, content_type = "application/problem+json", description = "hold_expired, hold_released"),
        (status = 412, body = ProblemDocument, content_type = "application/problem+json", description = "precondition_failed with current_version"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 428, body = ProblemDocument, content_type = "application/problem+json", description = "precondition_required"),
    ))]
#[post("/holds/{id}/extend")]
pub async fn extend_hold(
    call: InOrder<(May<StaysBook>, OptionalKey, IfMatch, OptionalBody<ExtendHold>, PathId<HoldId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    let InOrder((guest, key, IfMatch(expected), OptionalBody(body), PathId(hold_id))) = call;
    let user_id = guest.caller.user_id;
    let keyed = key.0.map(|key| key.of(user_id, body.hash));
    let by_s = body.value.extend_by_s.unwrap_or(EXTEND_BY_S);
    let answer: Result<Answer, Halt> = db
        .write(move |tx| {
            once(tx, keyed.as_ref(), |tx| {
                let hold = extend::extend(tx, user_id, hold_id, &expected, by_s).map_err(halt)?;
                let version = hold.version;
                let body = HoldBody::read(tx, &[hold])?.pop();
                Ok(Answer::json(200, &body.ok_or_else(|| DbError::invariant("an extended hold is there"))?)?
                    .version(version))
            })
        })
        .await;
    Ok(answer?.into())
}

/// Give a hold back
///
/// The rooms are on sale again at once; an authorised payment is voided. Given back or expired before: 204 too.
#[utoipa::path(tag = TAG, params(("id" = HoldId, Path)), security(("bearer" = [])), responses(
    (status = 204, description = "Given back"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "payment_in_progress, hold_converted"),
))]
#[delete("/holds/{id}")]
pub async fn release_hold(
    call: InOrder<(May<StaysBook>, NoQuery, PathId<HoldId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    let InOrder((guest, NoQuery, PathId(hold_id))) = call;
    let user_id = guest.caller.user_id;
    db.write(move |tx| release::release(tx, user_id, hold_id)).await.map_err(problem)?;
    Ok(HttpResponse::NoContent().finish())
}
