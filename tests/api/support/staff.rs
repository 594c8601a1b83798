//! A hotel made by its staff, over HTTP.

use serde_json::{Value, json};

use super::actors::Guest;
use super::app::TestApp;

/// A body that makes a hotel.
pub fn new_hotel() -> Value {
    json!({ "name": "Hôtel du Nord", "city": "Paris", "country": "FR", "time_zone": "Europe/Paris", "currency": "EUR" })
}

/// A body that makes a room type with so many rooms a night.
pub fn new_room_type(capacity: i32) -> Value {
    json!({ "name": "Double", "capacity": capacity, "max_adults": 2, "max_children": 1, "max_occupancy": 3 })
}

/// A body that makes a base plan with free cancellation until a day before.
pub fn new_plan(room_type_ids: &[&Value]) -> Value {
    let free = json!({ "until_hours_before_check_in": 24, "penalty": { "percent": 0 } });
    json!({ "name": "Flexible", "meal_plan": "breakfast", "payment_policy": "prepaid", "cancellation": [free],
            "room_type_ids": room_type_ids })
}

/// A body that makes a plan that costs so many percent more than its base plan.
pub fn new_derived_plan(base: &Value, percent: f64, room_type_ids: &[&Value]) -> Value {
    let mut plan = new_plan(room_type_ids);
    plan["name"] = json!("Derived");
    plan["derived_from"] = json!({ "rate_plan_id": base, "percent": percent });
    plan
}

/// A body that makes a tax.
pub fn new_tax() -> Value {
    json!({ "name": "VAT", "kind": "percent", "value": 10, "included": true, "due": "now" })
}

/// A hotel with a room type of two rooms, a room, a base plan, a tax, and no price yet.
#[derive(Clone, Debug)]
pub struct Made {
    pub hotel_id: String,
    pub hotel: Value,
    pub room_type: Value,
    pub room: Value,
    pub plan: Value,
    pub tax: Value,
}

impl Made {
    /// By an admin.
    pub async fn by(admin: &Guest) -> Self {
        let hotel = admin.post("/admin/hotels", new_hotel()).await.ok(201);
        let hotel_id = hotel["hotel_id"].as_str().expect("an id").to_owned();
        let below = |part: &str| format!("/admin/hotels/{hotel_id}/{part}");
        let room_type = admin.post(&below("room-types"), new_room_type(2)).await.ok(201);
        let room = json!({ "room_type_id": room_type["room_type_id"], "number": "101" });
        let room = admin.post(&below("rooms"), room).await.ok(201);
        let plan = admin.post(&below("rate-plans"), new_plan(&[&room_type["room_type_id"]])).await.ok(201);
        let tax = admin.post(&below("taxes"), new_tax()).await.ok(201);
        Self { hotel_id, hotel, room_type, room, plan, tax }
    }

    /// The path of the hotel, or of something below it: `rooms`, or a thing of it.
    pub fn path(&self, part: &str) -> String {
        format!("/admin/hotels/{}{}{part}", self.hotel_id, if part.is_empty() { "" } else { "/" })
    }

    pub fn room_type_path(&self) -> String {
        self.path(&format!("room-types/{}", text(&self.room_type["room_type_id"])))
    }

    pub fn room_path(&self) -> String {
        self.path(&format!("rooms/{}", text(&self.room["room_id"])))
    }

    pub fn plan_path(&self) -> String {
        self.path(&format!("rate-plans/{}", text(&self.plan["rate_plan_id"])))
    }

    pub fn tax_path(&self) -> String {
        self.path(&format!("taxes/{}", text(&self.tax["tax_id"])))
    }

    /// Prices every night of the base plan, in minor units.
    pub fn price(&self, app: &TestApp, price: i64) {
        let (plan, room_type) = (text(&self.plan["rate_plan_id"]), text(&self.room_type["room_type_id"]));
        app.execute(&format!(
            "INSERT INTO rates (hotel_id, rate_plan_id, room_type_id, stay_date, price)
             SELECT hotel_id, '{plan}', room_type_id, stay_date, {price} FROM inventory
             WHERE hotel_id = '{}' AND room_type_id = '{room_type}'",
            self.hotel_id
        ));
    }

    /// `check_in=…&check_out=…`, so many days from the hotel's today.
    pub fn stay(&self, app: &TestApp, from: i32, to: i32) -> String {
        let id = &self.hotel_id;
        let day = |days: i32| {
            let today = "(clock_timestamp() AT TIME ZONE time_zone)::date";
            app.text(&format!("SELECT {today} + {days} FROM hotels WHERE hotel_id = '{id}'"))
        };
        format!("check_in={}&check_out={}", day(from), day(to))
    }
}

/// An id as it stands in a path.
pub fn text(id: &Value) -> &str {
    id.as_str().expect("an id")
}
