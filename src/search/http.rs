//! `GET /search` and `GET /hotels/{id}/offers`; the calendar's route stands in `calendar_http`.

use std::sync::Arc;

use actix_web::get;
use actix_web::web::{Data, Json};
use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::ask::{self, SearchQuery};
use super::offer::{self, Choice};
use super::store::Found;
use super::token::OfferToken;
use super::wire::{MOST_ROOMS_TOLD, OfferBody};
use super::{ask::Ask, calendar_http, find};
use crate::access::guard::Visitor;
use crate::db::{self, Db};
use crate::hotels::place::Location;
use crate::http::extract::{InOrder, PathId, Query};
use crate::http::idempotency::Halt;
use crate::http::problem::{Code, Problem, ProblemDocument};
use crate::kernel::ids::{HotelId, RatePlanId, RoomTypeId};
use crate::kernel::money::Money;
use crate::kernel::page::Page;
use crate::kernel::party::{MAX_ADULTS, MAX_ROOMS};
use crate::kernel::secret::Keyring;
use crate::kernel::stay::stay_date;
use crate::rates::plan::MealPlan;

const TAG: &str = "search";

/// The search's routes.
pub fn routes(app: &mut ServiceConfig<'_>) {
    app.service(search).service(offers).service(calendar_http::calendar);
}

/// The cheapest offer of a hotel that fits the search.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheapestOffer {
    /// Opaque; quote it within 30 minutes (unless configured).
    offer_id: String,
    room_type_id: RoomTypeId,
    rate_plan_id: RatePlanId,
    /// For all rooms and nights, every tax in it.
    total: Money,
    /// The total by night, rounded half-up.
    per_night: Money,
    /// At most 9 are told.
    rooms_left: i32,
    /// Whether a cancellation deadline without penalty is still ahead.
    refundable: bool,
    meal_plan: MealPlan,
}

/// A hotel found.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundHotel {
    hotel_id: HotelId,
    name: String,
    city: String,
    country: String,
    #[schema(required)]
    stars: Option<i16>,
    #[schema(required)]
    location: Option<Location>,
    /// Only with `lat` and `lon`.
    #[serde(skip_serializing_if = "Option::is_none")]
    distance_km: Option<f64>,
    cheapest_offer: CheapestOffer,
}

impl FoundHotel {
    fn new(found: Found, ask: &Ask, keys: &Keyring) -> Result<Self, Problem> {
        let choice = Choice {
            hotel_id: found.hotel_id,
            room_type_id: found.room_type_id,
            rate_plan_id: found.rate_plan_id,
            stay: ask.stay,
            party: ask.party.clone(),
        };
        let offer_id = OfferToken { choice, total: found.total, at: found.now }.seal(keys)?;
        let nights = ask.stay.nights();
        Ok(Self {
            hotel_id: found.hotel_id,
            name: found.name,
            city: found.city,
            country: found.country,
            stars: found.stars,
            location: found.lat.zip(found.lon).map(|(lat, lon)| Location { lat, lon }),
            distance_km: found.distance_m.and_then(|metres| i32::try_from(metres).ok()).map(|m| f64::from(m) / 1000.0),
            cheapest_offer: CheapestOffer {
                offer_id,
                room_type_id: found.room_type_id,
                rate_plan_id: found.rate_plan_id,
                total: Money::new(found.total, found.currency),
                per_night: Money::new((2 * found.total + nights) / (2 * nights), found.currency),
                rooms_left: found.rooms_left.min(MOST_ROOMS_TOLD),
                refundable: found.refundable,
                meal_plan: found.meal_plan,
            },
        })
    }
}

/// Search hotels
///
/// A row per hotel with its cheapest offer that fits. No snapshot: a hotel repriced between two pages may move.
#[utoipa::path(tag = TAG, params(SearchQuery), security(("bearer" = [])), responses(
    (status = 200, body = Page<FoundHotel>),
    (status = 400, body = ProblemDocument, content_type = "application/problem+json", description = "cursor_invalid"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
#[get("/search")]
pub async fn search(
    call: InOrder<(Visitor, Query<SearchQuery>)>,
    db: Data<Db>,
    keys: Data<Arc<Keyring>>,
) -> Result<Json<Page<FoundHotel>>, Problem> {
    let InOrder((_, Query(query))) = call;
    let ask = query.check()?;
    let (asked, sealing) = (ask.clone(), keys.get_ref().clone());
    let page = db.read(move |conn| find::find(conn, &sealing, &asked)).await?;
    let data = page.data.into_iter().map(|found| FoundHotel::new(found, &ask, &keys)).collect::<Result<_, _>>()?;
    Ok(Json(Page { data, next_cursor: page.next_cursor }))
}

/// The query of `GET /hotels/{id}/offers`.
#[derive(Clone, Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
pub struct OffersQuery {
    /// Hotel-local.
    #[serde(deserialize_with = "stay_date")]
    check_in: NaiveDate,
    /// 1 to 99 nights after `check_in`.
    #[serde(deserialize_with = "stay_date")]
    check_out: NaiveDate,
    /// Adults a room [default: 2].
    #[garde(range(min = 1, max = MAX_ADULTS))]
    adults: Option<i16>,
    /// Ages of the children in each room, separated by commas.
    children_ages: Option<String>,
    /// Rooms, all alike [default: 1].
    #[garde(range(min = 1, max = MAX_ROOMS))]
    rooms: Option<i16>,
    /// Adds what is not on sale, with `reasons`.
    include_unavailable: Option<bool>,
}

/// The offers of a hotel.
#[derive(Debug, Serialize, ToSchema)]
pub struct Offers {
    data: Vec<OfferBody>,
}

/// See a hotel's offers
///
/// Every room type × rate plan for the stay, cheapest first.
#[utoipa::path(
    tag = TAG,
    params(("id" = HotelId, Path), OffersQuery),
    security(("bearer" = [])),
    responses(
        (status = 200, body = Offers),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
#[get("/hotels/{id}/offers")]
pub async fn offers(
    call: InOrder<(Visitor, Query<OffersQuery>, PathId<HotelId>)>,
    db: Data<Db>,
    keys: Data<Arc<Keyring>>,
) -> Result<Json<Offers>, Problem> {
    let InOrder((_, Query(query), PathId(hotel_id))) = call;
    let stay = ask::stay(query.check_in, query.check_out)?;
    let party = ask::party(query.adults, query.children_ages.as_deref(), query.rooms)?;
    let read = move |conn: &mut _| {
        ask::not_past("check_in", stay.check_in(), db::now(conn)?)?;
        Ok::<_, Halt>(offer::all(conn, hotel_id, stay, &party)?)
    };
    let mut offers = db.read(read).await?.ok_or_else(|| Problem::plain(Code::NotFound))?;
    offers.retain(|offer| offer.reasons.is_empty() || query.include_unavailable == Some(true));
    offers.sort_by_key(|offer| {
        let total = offer.terms.as_ref().map(|terms| terms.price.total);
        (total.is_none(), total, offer.choice.room_type_id, offer.choice.rate_plan_id)
    });
    let data = offers.iter().map(|offer| OfferBody::new(offer, &keys)).collect::<Result<_, _>>()?;
    Ok(Json(Offers { data }))
}
