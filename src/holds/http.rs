//! `/holds`.

use std::sync::Arc;

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, delete, get, post};
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::place::{self, Place, Placed};
use super::state::{HoldError, HoldStatus};
use super::store::{self, HoldRow};
use super::{expire, release};
use crate::access::guard::{May, StaysBook};
use crate::config::Config;
use crate::db::{Db, DbError};
use crate::http::BASE;
use crate::http::extract::{Body, InOrder, NoQuery, PathId, Query};
use crate::http::idempotency::{Answer, Halt, Key, Keyed, once};
use crate::http::problem::{Code, Problem, ProblemDocument};
use crate::inventory::stock::Nights;
use crate::kernel::ids::{HoldId, HotelId, QuoteId, UserId};
use crate::kernel::money::Money;
use crate::kernel::page::{self, DEFAULT_LIMIT, MAX_LIMIT, Page};
use crate::kernel::secret::Keyring;
use crate::quotes::http::QuoteBody;
use crate::quotes::store as quotes;

const TAG: &str = "holds";
/// How often a placement may clear expired holds out of its way before it counts as sold out.
const RECLAIMS: usize = 3;

/// The routes.
pub fn routes(app: &mut ServiceConfig<'_>) {
    app.service(place_hold).service(list_holds).service(get_hold).service(release_hold);
}

/// The quote to hold.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct PlaceHold {
    quote_id: QuoteId,
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
    fn read(conn: &mut PgConnection, holds: &[HoldRow]) -> Result<Vec<Self>, DbError> {
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
    fn find(conn: &mut PgConnection, user_id: UserId, hold_id: HoldId) -> Result<Option<Self>, DbError> {
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
    }
}

/// A refusal of keyed work.
pub fn halt<R>(error: HoldError) -> Halt<R> {
    match error {
        HoldError::Db(error) => Halt::Db(error),
        error => Halt::Refused(problem(error)),
    }
}

/// Expired holds that stand in a placement's way.
#[derive(Debug)]
struct InTheWay {
    hotel_id: HotelId,
    nights: Nights,
}

/// Lock a rate
///
/// Takes the quote's rooms off sale until `expires_at`.
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
        quote_ids: vec![body.value.quote_id],
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

/// The query of a list.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Rows a page [default: 50].
    #[garde(range(min = 1, max = MAX_LIMIT))]
    pub limit: Option<i64>,
    #[garde(length(bytes, max = 2000))]
    pub cursor: Option<String>,
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
    Ok(HttpResponse::Ok().insert_header(("ETag", format!("\"{}\"", hold.version))).json(hold))
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
