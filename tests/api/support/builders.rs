//! A hotel as small as a test needs, straight into the tables.

use chrono::{Days, Duration, NaiveDate, Timelike, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Date, Integer, Nullable, SmallInt, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::app::TestApp;

/// One hotel, one room type, one plan, 60 nights from today at one price, and none added as days pass.
pub struct Hotel {
    pub hotel_id: Uuid,
    pub room_type_id: Uuid,
    pub rate_plan_id: Uuid,
    /// The hotel's own today.
    pub today: NaiveDate,
}

/// What is not as usual.
pub struct Terms {
    pub capacity: i32,
    /// Minor units.
    pub price: i64,
    pub time_zone: &'static str,
    pub currency: &'static str,
    pub city: &'static str,
    pub country: &'static str,
    pub payment_policy: &'static str,
    /// Free cancellation until so many hours before check-in.
    pub free_until_hours: Option<i32>,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            capacity: 1,
            price: 10_000,
            time_zone: "Europe/Paris",
            currency: "EUR",
            city: "Paris",
            country: "FR",
            payment_policy: "prepaid",
            free_until_hours: Some(24),
        }
    }
}

#[derive(QueryableByName)]
struct Today {
    #[diesel(sql_type = Date)]
    today: NaiveDate,
}

impl Hotel {
    /// A hotel with one room of its type.
    pub fn one_room(app: &TestApp) -> Self {
        Self::with(app, &Terms::default())
    }

    pub fn with(app: &TestApp, terms: &Terms) -> Self {
        Self::on(&mut app.connect(), terms)
    }

    fn on(conn: &mut PgConnection, terms: &Terms) -> Self {
        let (hotel_id, room_type_id, rate_plan_id) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
        insert_hotel(conn, hotel_id, terms);
        let today: Today = diesel::sql_query("SELECT (clock_timestamp() AT TIME ZONE $1)::date AS today")
            .bind::<Text, _>(terms.time_zone)
            .get_result(conn)
            .expect("the hotel's day");
        diesel::sql_query(
            "INSERT INTO room_types (hotel_id, room_type_id, name, max_adults, max_children, max_occupancy)
             VALUES ($1, $2, 'Double', 2, 2, 3)",
        )
        .bind::<SqlUuid, _>(hotel_id)
        .bind::<SqlUuid, _>(room_type_id)
        .execute(conn)
        .expect("a room type");
        insert_plan(conn, hotel_id, room_type_id, rate_plan_id, terms);
        let hotel = Self { hotel_id, room_type_id, rate_plan_id, today: today.today };
        hotel.insert_nights(conn, terms);
        hotel
    }

    /// One more room type of the same hotel, on the same plan, with the same nights.
    pub fn another_room_type(&self, app: &TestApp, terms: &Terms) -> Self {
        let conn = &mut app.connect();
        let room_type_id = Uuid::now_v7();
        diesel::sql_query(
            "WITH more AS (
                 INSERT INTO room_types (hotel_id, room_type_id, name, max_adults, max_children, max_occupancy)
                 VALUES ($1, $2, 'Suite', 2, 2, 3) RETURNING hotel_id, room_type_id
             )
             INSERT INTO rate_plan_room_types (hotel_id, rate_plan_id, room_type_id)
             SELECT hotel_id, $3, room_type_id FROM more",
        )
        .bind::<SqlUuid, _>(self.hotel_id)
        .bind::<SqlUuid, _>(room_type_id)
        .bind::<SqlUuid, _>(self.rate_plan_id)
        .execute(conn)
        .expect("another room type");
        let other = Self { room_type_id, ..*self };
        other.insert_nights(conn, terms);
        other
    }

    fn insert_nights(&self, conn: &mut PgConnection, terms: &Terms) {
        diesel::sql_query(
            "INSERT INTO inventory (hotel_id, room_type_id, stay_date, capacity)
             SELECT $1, $2, $3 + n, $4 FROM generate_series(0, 59) n",
        )
        .bind::<SqlUuid, _>(self.hotel_id)
        .bind::<SqlUuid, _>(self.room_type_id)
        .bind::<Date, _>(self.today)
        .bind::<Integer, _>(terms.capacity)
        .execute(conn)
        .expect("the stock");
        diesel::sql_query(
            "INSERT INTO rates (hotel_id, rate_plan_id, room_type_id, stay_date, price)
             SELECT $1, $2, $3, $4 + n, $5 FROM generate_series(0, 59) n",
        )
        .bind::<SqlUuid, _>(self.hotel_id)
        .bind::<SqlUuid, _>(self.rate_plan_id)
        .bind::<SqlUuid, _>(self.room_type_id)
        .bind::<Date, _>(self.today)
        .bind::<BigInt, _>(terms.price)
        .execute(conn)
        .expect("the rates");
    }

    pub fn id(&self) -> String {
        self.hotel_id.to_string()
    }

    /// So many days from the hotel's today.
    pub fn day(&self, days: u64) -> NaiveDate {
        self.today + Days::new(days)
    }

    /// `check_in=…&check_out=…`, so many days from the hotel's today.
    pub fn stay(&self, from: u64, to: u64) -> String {
        format!("check_in={}&check_out={}", self.day(from), self.day(to))
    }

    /// Runs SQL in which `$1` is the hotel and `$2` the first day; it must change something.
    pub fn change(&self, app: &TestApp, sql: &str) {
        self.change_night(app, self.today, sql);
    }

    /// The same with another day for `$2`.
    pub fn change_night(&self, app: &TestApp, night: NaiveDate, sql: &str) {
        let changed = diesel::sql_query(sql)
            .bind::<SqlUuid, _>(self.hotel_id)
            .bind::<Date, _>(night)
            .execute(&mut app.connect())
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert!(changed > 0, "changed nothing: {sql}");
    }

    /// (held, sold) of a night.
    pub fn stock(&self, app: &TestApp, night: NaiveDate) -> (i32, i32) {
        #[derive(QueryableByName)]
        struct Stock {
            #[diesel(sql_type = Integer)]
            held: i32,
            #[diesel(sql_type = Integer)]
            sold: i32,
        }
        let text = "SELECT held, sold FROM inventory WHERE hotel_id = $1 AND room_type_id = $2 AND stay_date = $3";
        let stock: Stock = diesel::sql_query(text)
            .bind::<SqlUuid, _>(self.hotel_id)
            .bind::<SqlUuid, _>(self.room_type_id)
            .bind::<Date, _>(night)
            .get_result(&mut app.connect())
            .expect("a night");
        (stock.held, stock.sold)
    }
}

/// A zone where it is noon, so that no midnight comes between a question and its answer.
pub fn noon() -> (String, NaiveDate) {
    let now = Utc::now();
    let shift = 12 - i64::from(now.hour());
    // POSIX counts westward.
    let zone = if shift < 0 { format!("Etc/GMT+{}", -shift) } else { format!("Etc/GMT-{shift}") };
    (zone, (now + Duration::hours(shift)).date_naive())
}

fn insert_hotel(conn: &mut PgConnection, hotel_id: Uuid, terms: &Terms) {
    diesel::sql_query(
        "INSERT INTO hotels (hotel_id, name, city, city_key, country, time_zone, currency, lat, lon, stars,
                             horizon_days)
         VALUES ($1, 'The Only', $2, $3, $4, $5, $6, 48.85, 2.35, $7, 0)",
    )
    .bind::<SqlUuid, _>(hotel_id)
    .bind::<Text, _>(terms.city)
    .bind::<Text, _>(lastroom::hotels::place::city_key(terms.city))
    .bind::<Text, _>(terms.country)
    .bind::<Text, _>(terms.time_zone)
    .bind::<Text, _>(terms.currency)
    .bind::<Nullable<SmallInt>, _>(Some(3))
    .execute(conn)
    .expect("a hotel");
}

fn insert_plan(conn: &mut PgConnection, hotel_id: Uuid, room_type_id: Uuid, rate_plan_id: Uuid, terms: &Terms) {
    diesel::sql_query(
        "WITH plan AS (
             INSERT INTO rate_plans (hotel_id, rate_plan_id, name, meal_plan, payment_policy)
             VALUES ($1, $2, 'Flexible', 'room_only', $4) RETURNING hotel_id, rate_plan_id
         ), tier AS (
             INSERT INTO cancellation_tiers (hotel_id, rate_plan_id, until_hours_before_check_in, penalty_percent)
             SELECT hotel_id, rate_plan_id, $5, 0 FROM plan WHERE $6
         )
         INSERT INTO rate_plan_room_types (hotel_id, rate_plan_id, room_type_id)
         SELECT hotel_id, rate_plan_id, $3 FROM plan",
    )
    .bind::<SqlUuid, _>(hotel_id)
    .bind::<SqlUuid, _>(rate_plan_id)
    .bind::<SqlUuid, _>(room_type_id)
    .bind::<Text, _>(terms.payment_policy)
    .bind::<Integer, _>(terms.free_until_hours.unwrap_or_default())
    .bind::<Bool, _>(terms.free_until_hours.is_some())
    .execute(conn)
    .expect("a rate plan");
}
