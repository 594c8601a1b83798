//! `GET /hotels/{id}/calendar`.

use actix_web::get;
use actix_web::web::{Data, Json};
use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ask;
use super::calendar::{self as days, Calendar, Day};
use super::wire::MOST_ROOMS_TOLD;
use crate::access::guard::Visitor;
use crate::db::{self, Db};
use crate::http::extract::{InOrder, PathId, Query};
use crate::http::idempotency::Halt;
use crate::http::problem::{Code, Problem, ProblemDocument};
use crate::kernel::ids::{HotelId, RatePlanId, RoomTypeId};
use crate::kernel::money::{Currency, Money};
use crate::kernel::party::{MAX_ADULTS, MAX_ROOMS};
use crate::kernel::stay::stay_date;
use crate::rates::restrictions::Reason;

/// The most days that one call answers.
const MAX_DAYS: i64 = 366;

/// The query of `GET /hotels/{id}/calendar`.
#[derive(Clone, Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
pub struct CalendarQuery {
    /// The first day, hotel-local.
    #[serde(deserialize_with = "stay_date")]
    from: NaiveDate,
    /// The day after the last: 1 to 366 days after `from`.
    #[serde(deserialize_with = "stay_date")]
    to: NaiveDate,
    /// Adults a room [default: 2].
    #[garde(range(min = 1, max = MAX_ADULTS))]
    adults: Option<i16>,
    /// Ages of the children in each room, separated by commas.
    children_ages: Option<String>,
    /// Rooms, all alike [default: 1].
    #[garde(range(min = 1, max = MAX_ROOMS))]
    rooms: Option<i16>,
}

/// The cheapest room type × rate plan that can be stayed in that night.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheapestNightBody {
    /// The one night for all rooms, every tax in it.
    price: Money,
    room_type_id: RoomTypeId,
    rate_plan_id: RatePlanId,
}

/// A day of a hotel: the night that begins on it, and whether a stay can begin or end on it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CalendarDay {
    date: NaiveDate,
    /// Of what is open, priced, left in sufficient number and large enough; restrictions on arrival, departure, length
    /// and advance do not count. `null`: nothing is.
    #[schema(required)]
    cheapest: Option<CheapestNightBody>,
    /// The most rooms of one room type that is on sale that night and large enough, live holds counted; at most 9 are
    /// told.
    rooms_left: i32,
    /// Whether some room type × rate plan that can be stayed in that night lets a stay begin.
    can_arrive: bool,
    /// What forbids it, of all room types × rate plans together; empty where it is possible.
    cannot_arrive_because: Vec<Reason>,
    /// Whether some room type × rate plan that could be stayed in the night before lets a stay end.
    can_depart: bool,
    /// What forbids it, of all room types × rate plans together; empty where it is possible.
    cannot_depart_because: Vec<Reason>,
    /// The smallest minimum of nights of what lets a stay begin. `null`: no minimum, or nothing does.
    #[schema(required)]
    min_stay: Option<i16>,
    /// The largest maximum of nights of what lets a stay begin. `null`: no maximum, or nothing does.
    #[schema(required)]
    max_stay: Option<i16>,
}

impl CalendarDay {
    fn new(day: Day, currency: Currency) -> Self {
        Self {
            date: day.date,
            cheapest: day.cheapest.map(|night| CheapestNightBody {
                price: Money::new(night.total, currency),
                room_type_id: night.room_type_id,
                rate_plan_id: night.rate_plan_id,
            }),
            rooms_left: day.rooms_left.min(MOST_ROOMS_TOLD),
            can_arrive: day.no_arrival.is_empty(),
            cannot_arrive_because: day.no_arrival.into_iter().collect(),
            can_depart: day.no_departure.is_empty(),
            cannot_depart_because: day.no_departure.into_iter().collect(),
            min_stay: day.min_stay,
            max_stay: day.max_stay,
        }
    }
}

/// The days of a hotel, in order.
#[derive(Debug, Serialize, ToSchema)]
pub struct CalendarBody {
    data: Vec<CalendarDay>,
}

impl CalendarBody {
    fn new(Calendar { currency, days }: Calendar) -> Self {
        Self { data: days.into_iter().map(|day| CalendarDay::new(day, currency)).collect() }
    }
}

/// See a hotel's calendar
///
/// Every day from `from` up to, not including, `to`: the cheapest price of the night, and whether a stay can begin or
/// end. It is a guide to dates: whether a stay is on sale as a whole is what the offers say.
#[utoipa::path(
    tag = "search",
    params(("id" = HotelId, Path), CalendarQuery),
    security(("bearer" = [])),
    responses(
        (status = 200, body = CalendarBody),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
#[get("/hotels/{id}/calendar")]
pub async fn calendar(
    call: InOrder<(Visitor, Query<CalendarQuery>, PathId<HotelId>)>,
    db: Data<Db>,
) -> Result<Json<CalendarBody>, Problem> {
    let InOrder((_, Query(query), PathId(hotel_id))) = call;
    let CalendarQuery { from, to, adults, children_ages, rooms } = query;
    match to.signed_duration_since(from).num_days() {
        ..=0 => return Err(Problem::field("to", "must be after from")),
        1..=MAX_DAYS => {}
        _ => return Err(Problem::field("to", format!("must be at most {MAX_DAYS} days after from"))),
    }
    let party = ask::party(adults, children_ages.as_deref(), rooms)?;
    let read = move |conn: &mut _| {
        ask::not_past("from", from, db::now(conn)?)?;
        Ok::<_, Halt>(days::read(conn, hotel_id, from, to, &party)?)
    };
    let calendar = db.read(read).await?.ok_or_else(|| Problem::plain(Code::NotFound))?;
    Ok(Json(CalendarBody::new(calendar)))
}
