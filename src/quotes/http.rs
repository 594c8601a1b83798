//! `/quotes`.

use std::sync::Arc;

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::QuoteError;
use super::create::{self, Lifetimes};
use super::store::{self, Quote};
use crate::access::guard::{May, StaysBook};
use crate::config::Config;
use crate::db::Db;
use crate::http::BASE;
use crate::http::extract::{Body, InOrder, NoQuery, PathId};
use crate::http::idempotency::{Answer, Halt, OptionalKey, once};
use crate::http::problem::{Code, Problem, ProblemDocument};
use crate::kernel::ids::{HotelId, QuoteId, RatePlanId, RoomTypeId};
use crate::kernel::secret::Keyring;
use crate::search::wire::{OfferBody, PriceBody};

const TAG: &str = "quotes";

/// The routes.
pub fn routes(app: &mut ServiceConfig<'_>) {
    app.service(create_quote).service(get_quote);
}

/// Which offer to freeze.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateQuote {
    #[garde(length(bytes, min = 1, max = 4000))]
    offer_id: String,
}

/// A quote.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct QuoteBody {
    pub quote_id: QuoteId,
    pub hotel_id: HotelId,
    pub room_type_id: RoomTypeId,
    pub rate_plan_id: RatePlanId,
    pub check_in: NaiveDate,
    pub check_out: NaiveDate,
    /// In each room.
    pub adults: i16,
    /// In each room.
    pub children_ages: Vec<i16>,
    pub rooms: i16,
    #[serde(flatten)]
    pub price: PriceBody,
    pub expires_at: DateTime<Utc>,
    pub expired: bool,
}

impl From<&Quote> for QuoteBody {
    fn from(quote: &Quote) -> Self {
        let choice = &quote.choice;
        Self {
            quote_id: quote.quote_id,
            hotel_id: choice.hotel_id,
            room_type_id: choice.room_type_id,
            rate_plan_id: choice.rate_plan_id,
            check_in: choice.stay.check_in(),
            check_out: choice.stay.check_out(),
            adults: choice.party.adults,
            children_ages: choice.party.children_ages.clone(),
            rooms: choice.party.rooms,
            price: PriceBody::new(&quote.terms, choice.party.rooms),
            expires_at: quote.expires_at,
            expired: quote.expires_at <= quote.now,
        }
    }
}

fn halt(error: QuoteError, keys: &Keyring) -> Halt {
    let problem = match error {
        QuoteError::Db(error) => return Halt::Db(error),
        QuoteError::OfferInvalid => Problem::plain(Code::OfferInvalid),
        QuoteError::OfferExpired => Problem::plain(Code::OfferExpired),
        QuoteError::Gone => Problem::plain(Code::NotFound),
        QuoteError::Unavailable { reasons } => Problem::plain(Code::OfferUnavailable).with("reasons", reasons),
        QuoteError::PriceChanged { current } => match OfferBody::new(&current, keys) {
            Ok(offer) => Problem::plain(Code::PriceChanged).with("current_offer", offer),
            Err(problem) => problem,
        },
    };
    Halt::Refused(problem)
}

/// Select a rate
///
/// Freezes an offer's price and policy until `expires_at` (15 minutes unless configured). Takes no stock.
#[utoipa::path(tag = TAG, request_body = CreateQuote, security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = 201, body = QuoteBody),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json", description = "offer_invalid"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "price_changed with current_offer; offer_unavailable with reasons"),
        (status = 410, body = ProblemDocument, content_type = "application/problem+json", description = "offer_expired"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    ))]
#[post("/quotes")]
pub async fn create_quote(
    call: InOrder<(May<StaysBook>, OptionalKey, Body<CreateQuote>)>,
    db: Data<Db>,
    keys: Data<Arc<Keyring>>,
    config: Data<Config>,
) -> Result<HttpResponse, Problem> {
    let InOrder((guest, key, body)) = call;
    let user_id = guest.caller.user_id;
    let keyed = key.0.map(|key| key.of(user_id, body.hash));
    let lifetimes = Lifetimes { offer_ttl_s: config.offer_ttl_s, quote_ttl_s: config.quote_ttl_s };
    let (keys, offer_id) = (keys.get_ref().clone(), body.value.offer_id);
    let answer: Result<Answer, Halt> = db
        .write(move |tx| {
            once(tx, keyed.as_ref(), |tx| {
                let quote = create::create(tx, &keys, user_id, &offer_id, lifetimes).map_err(|e| halt(e, &keys))?;
                let answer = Answer::json(201, &QuoteBody::from(&quote))?;
                Ok(answer.at(format!("{BASE}/quotes/{}", quote.quote_id)))
            })
        })
        .await;
    Ok(answer?.into())
}

/// See a quote of one's own
#[utoipa::path(tag = TAG, params(("id" = QuoteId, Path)), security(("bearer" = [])), responses(
    (status = 200, body = QuoteBody),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
))]
#[get("/quotes/{id}")]
pub async fn get_quote(
    call: InOrder<(May<StaysBook>, NoQuery, PathId<QuoteId>)>,
    db: Data<Db>,
) -> Result<Json<QuoteBody>, Problem> {
    let InOrder((guest, NoQuery, PathId(quote_id))) = call;
    let user_id = guest.caller.user_id;
    let found = db.read(move |conn| store::find(conn, user_id, &[quote_id])).await?;
    let quote = found.first().ok_or_else(|| Problem::plain(Code::NotFound))?;
    Ok(Json(QuoteBody::from(quote)))
}
