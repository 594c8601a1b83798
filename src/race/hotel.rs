//! The hotel that the race is for, and what the server says of its stock.

use chrono::{Days, NaiveDate, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::RaceError;
use super::call::Call;
use super::crowd::Session;
use super::door::Door;
use super::plan::Plan;

/// The first round's first night, in days from today: whatever the hotel's clock says, not past.
const FIRST_NIGHT_DAYS: u64 = 7;
/// Minor units a night.
const PRICE: i64 = 10_000;
/// The most days of an item of a bulk change.
const MOST_DAYS: usize = 700;

/// A hotel with one room type, so many rooms of which are left on every night of the race.
#[derive(Clone, Debug)]
pub struct Hotel {
    pub hotel_id: String,
    room_type_id: String,
    first: NaiveDate,
    nights: usize,
}

/// A night, by the inventory call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Night {
    pub date: NaiveDate,
    pub capacity: i64,
    pub out_of_service: i64,
    pub allowance: i64,
    pub held: i64,
    pub sold: i64,
}

impl Night {
    /// Rooms that may be held or sold.
    pub fn sellable(self) -> i64 {
        self.capacity - self.out_of_service + self.allowance
    }

    /// Rooms that are.
    pub fn taken(self) -> i64 {
        self.held + self.sold
    }
}

impl Hotel {
    /// Makes it as an admin does.
    pub async fn make(door: &Door, admin: &Session, plan: &Plan) -> Result<Self, RaceError> {
        let name = format!("Race of {}", Utc::now().format("%Y-%m-%d %H:%M:%S"));
        let hotel = json!({ "name": name, "city": "Lastroom Race", "country": "FR", "time_zone": "Etc/UTC", "currency": "EUR" });
        let hotel_id = made(door, admin, Call::post("/admin/hotels", hotel), "hotel_id").await?;
        let below = |part: &str| format!("/admin/hotels/{hotel_id}/{part}");
        let room_type = json!({ "name": "Last Room", "capacity": plan.rooms, "max_adults": 2, "max_children": 0, "max_occupancy": 2 });
        let room_type_id = made(door, admin, Call::post(below("room-types"), room_type), "room_type_id").await?;
        let rate_plan = json!({ "name": "Flexible", "meal_plan": "room_only", "payment_policy": "prepaid",
            "cancellation": [{ "until_hours_before_check_in": 24, "penalty": { "percent": 0 } }], "room_type_ids": [room_type_id] });
        let rate_plan_id = made(door, admin, Call::post(below("rate-plans"), rate_plan), "rate_plan_id").await?;

        let first = Utc::now().date_naive() + Days::new(FIRST_NIGHT_DAYS);
        let hotel = Self { hotel_id: hotel_id.clone(), room_type_id, first, nights: plan.nights };
        let all = plan.rounds * plan.nights;
        let item = |set: Value, rate_plan_id: Option<&str>| {
            let items = (0..all).step_by(MOST_DAYS).map(|from| {
                let to = all.min(from + MOST_DAYS);
                let mut item = json!({ "room_type_id": hotel.room_type_id, "from": hotel.day(from), "to": hotel.day(to), "set": set });
                if let (Some(id), Some(item)) = (rate_plan_id, item.as_object_mut()) {
                    item.insert("rate_plan_id".to_owned(), json!(id));
                }
                item
            });
            json!({ "items": items.collect::<Vec<_>>() })
        };
        let stock = item(json!({ "capacity": plan.rooms }), None);
        expect(door, admin, Call::patch(below("inventory"), stock)).await?;
        let price = json!({ "price": { "amount": PRICE, "currency": "EUR" } });
        expect(door, admin, Call::patch(below("rates"), item(price, Some(&rate_plan_id)))).await?;
        Ok(hotel)
    }

    fn day(&self, night: usize) -> NaiveDate {
        self.first + Days::new(u64::try_from(night).unwrap_or(u64::MAX))
    }

    /// Arrival and departure of a round: no two have a night in common.
    pub fn stay(&self, round: usize) -> (NaiveDate, NaiveDate) {
        (self.day(round * self.nights), self.day((round + 1) * self.nights))
    }

    /// The stock on a round's nights.
    pub async fn stock(&self, door: &Door, admin: &Session, round: usize) -> Result<Vec<Night>, RaceError> {
        #[derive(Deserialize)]
        struct Page {
            data: Vec<Night>,
        }
        let (Self { hotel_id, room_type_id, .. }, (from, to)) = (self, self.stay(round));
        let query = format!("room_type_id={room_type_id}&from={from}&to={to}&limit=200");
        let call = Call::get(format!("/admin/hotels/{hotel_id}/inventory?{query}"));
        let answer = expect(door, admin, call.clone()).await?;
        let page: Page = serde_json::from_value(answer).map_err(|error| RaceError::Unexpected {
            call: call.name(),
            answer: format!("something that is no stock: {error}"),
        })?;
        Ok(page.data)
    }

    /// Takes it away again; whether the server let it go. It does not while somebody has booked.
    pub async fn delete(&self, door: &Door, admin: &Session) -> bool {
        let call = Call::delete(format!("/admin/hotels/{}", self.hotel_id)).by(&admin.token);
        door.ask(&call).await.is_ok_and(|answer| answer.status < 300)
    }
}

/// The id of what a call made.
async fn made(door: &Door, admin: &Session, call: Call, id: &str) -> Result<String, RaceError> {
    let body = expect(door, admin, call.clone()).await?;
    body.get(id)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| RaceError::Unexpected { call: call.name(), answer: format!("a body without {id}") })
}

/// The body of a success.
async fn expect(door: &Door, admin: &Session, call: Call) -> Result<Value, RaceError> {
    let call = call.by(&admin.token);
    let answer = door.ask(&call).await?;
    match answer.status {
        200 | 201 => Ok(answer.body),
        403 => Err(RaceError::NoAdmin(admin.email.clone())),
        _ => Err(RaceError::unexpected(&call.name(), &answer)),
    }
}
