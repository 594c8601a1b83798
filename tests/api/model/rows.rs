//! The case's hotel as rows: how it begins, how its staff changes it, how its time passes.

use chrono::{Days, NaiveDate};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::command::Line;
use super::house::{CITY_TAX, House, NIGHTS, OFF_PERCENT, PLANS, ROOMS};

/// What fails, and how the payment provider is made to lose its tongue. Its own calls go on working.
pub const DEAF: &str = "
CREATE FUNCTION lost() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'the line is dead'; END $$;
CREATE TRIGGER lost_at_once BEFORE INSERT ON simulator_intents FOR EACH ROW EXECUTE FUNCTION lost();
CREATE TRIGGER lost_at_confirmation BEFORE UPDATE ON simulator_intents FOR EACH ROW
    WHEN (OLD.status = 'requires_confirmation') EXECUTE FUNCTION lost();
ALTER TABLE simulator_intents DISABLE TRIGGER lost_at_once, DISABLE TRIGGER lost_at_confirmation;";
const HEARING: &str =
    "ALTER TABLE simulator_intents DISABLE TRIGGER lost_at_once, DISABLE TRIGGER lost_at_confirmation;";

/// Everything that any guest has is over, and the line is good.
pub const CLEARED: &str = "
ALTER TABLE simulator_intents DISABLE TRIGGER lost_at_once, DISABLE TRIGGER lost_at_confirmation;
UPDATE holds SET expires_at = clock_timestamp() - interval '1 minute',
                 paying_until = paying_until - interval '1 day' WHERE live_until IS NOT NULL;";

/// A night as stored.
#[derive(Debug, QueryableByName)]
pub struct NightRow {
    #[diesel(sql_type = BigInt)]
    pub held: i64,
    #[diesel(sql_type = BigInt)]
    pub sold: i64,
}

/// A hold as stored.
#[derive(Debug, QueryableByName)]
pub struct HoldRow {
    #[diesel(sql_type = Text)]
    pub hold_id: String,
    #[diesel(sql_type = Text)]
    pub status: String,
    #[diesel(sql_type = BigInt)]
    pub version: i64,
}

/// A payment, what is refunded of it, and what the provider's books say of it.
#[derive(Debug, QueryableByName)]
pub struct MoneyRow {
    #[diesel(sql_type = Text)]
    pub payment_id: String,
    #[diesel(sql_type = Text)]
    pub says: String,
}

/// The hotel's ids and a connection past the server.
pub struct Rows {
    pub hotel_id: Uuid,
    pub today: NaiveDate,
    conn: PgConnection,
}

pub fn room_type_id(room: usize) -> Uuid {
    Uuid::from_u128(0x1000 + u128::try_from(room).expect("a few"))
}

pub fn rate_plan_id(plan: usize) -> Uuid {
    Uuid::from_u128(0x2000 + u128::try_from(plan).expect("a few"))
}

impl Rows {
    pub fn insert(conn: PgConnection, house: &House, zone: &str, today: NaiveDate) -> Result<Self, String> {
        let mut rows = Self { hotel_id: Uuid::now_v7(), today, conn };
        let hotel_id = rows.hotel_id;
        rows.run(&format!(
            "INSERT INTO hotels (hotel_id, name, city, city_key, country, time_zone, currency, horizon_days)
             VALUES ('{hotel_id}', 'Modelled', 'Nowhere', 'nowhere', 'FR', '{zone}', 'EUR', 0);
             INSERT INTO taxes (hotel_id, tax_id, name, kind, amount, included, due)
             VALUES ('{hotel_id}', gen_random_uuid(), 'City', 'per_person_night', {}, false, 'at_property');
             INSERT INTO room_types (hotel_id, room_type_id, name, max_adults, max_children, max_occupancy)
             SELECT '{hotel_id}', r, 'Room', 2, 0, 2 FROM unnest({}) r;
             INSERT INTO rate_plans (hotel_id, rate_plan_id, name, meal_plan, payment_policy, derived_from, derived_percent)
             VALUES ('{hotel_id}', '{}', 'Prepaid', 'room_only', 'prepaid', NULL, NULL),
                    ('{hotel_id}', '{}', 'Later', 'room_only', 'pay_at_property', NULL, NULL),
                    ('{hotel_id}', '{}', 'Less', 'room_only', 'prepaid', '{}', -{OFF_PERCENT});
             INSERT INTO cancellation_tiers (hotel_id, rate_plan_id, until_hours_before_check_in, penalty_percent)
             SELECT hotel_id, rate_plan_id, {}, 0 FROM rate_plans WHERE hotel_id = '{hotel_id}';
             INSERT INTO rate_plan_room_types (hotel_id, rate_plan_id, room_type_id)
             SELECT hotel_id, rate_plan_id, room_type_id FROM rate_plans JOIN room_types USING (hotel_id)
             WHERE hotel_id = '{hotel_id}';",
            CITY_TAX / 2,
            ids((0..ROOMS).map(room_type_id)),
            rate_plan_id(0),
            rate_plan_id(1),
            rate_plan_id(2),
            rate_plan_id(0),
            house.free_until_h[0],
        ))?;
        for (room, night) in (0..ROOMS).flat_map(|room| (0..NIGHTS).map(move |night| (room, night))) {
            let (key, date) = (room_type_id(room), rows.date(night));
            let capacity = house.capacity[room][night];
            rows.run(&format!(
                "INSERT INTO inventory (hotel_id, room_type_id, stay_date, capacity)
                 VALUES ('{hotel_id}', '{key}', '{date}', {capacity})"
            ))?;
            for plan in 0..PLANS {
                let price = house.prices.get(plan).map_or("NULL".to_owned(), |own| own[room][night].to_string());
                rows.run(&format!(
                    "INSERT INTO rates (hotel_id, rate_plan_id, room_type_id, stay_date, price)
                     VALUES ('{hotel_id}', '{}', '{key}', '{date}', {price})",
                    rate_plan_id(plan)
                ))?;
            }
        }
        Ok(rows)
    }

    /// Ten days from the hotel's today on.
    pub fn date(&self, night: usize) -> NaiveDate {
        self.today + Days::new(10 + u64::try_from(night).expect("a few"))
    }

    pub fn run(&mut self, sql: &str) -> Result<(), String> {
        self.conn.batch_execute(sql).map_err(|error| format!("{sql}: {error}"))
    }

    /// Changes the hotel's own rows of a night.
    pub fn change_night(&mut self, set: &str, room: usize, night: usize) -> Result<(), String> {
        let (hotel_id, key, date) = (self.hotel_id, room_type_id(room), self.date(night));
        self.run(&format!(
            "UPDATE inventory SET {set}, version = version + 1
             WHERE hotel_id = '{hotel_id}' AND room_type_id = '{key}' AND stay_date = '{date}'"
        ))
    }

    pub fn change_rate(&mut self, set: &str, plan: usize, room: usize, night: usize) -> Result<(), String> {
        let (hotel_id, key, date) = (self.hotel_id, room_type_id(room), self.date(night));
        self.run(&format!(
            "UPDATE rates SET {set}, version = version + 1 WHERE hotel_id = '{hotel_id}'
             AND rate_plan_id = '{}' AND room_type_id = '{key}' AND stay_date = '{date}'",
            rate_plan_id(plan)
        ))
    }

    pub fn free_until(&mut self, plan: usize, hours: i32) -> Result<(), String> {
        let (hotel_id, key) = (self.hotel_id, rate_plan_id(plan));
        self.run(&format!(
            "UPDATE cancellation_tiers SET until_hours_before_check_in = {hours}
             WHERE hotel_id = '{hotel_id}' AND rate_plan_id = '{key}';
             UPDATE rate_plans SET version = version + 1 WHERE hotel_id = '{hotel_id}' AND rate_plan_id = '{key}'"
        ))
    }

    /// So many seconds pass for everything that the hotel's guests have; negative: they come back. Leases with the
    /// provider stand still, so that a completer comes when it is told to.
    pub fn pass(&mut self, seconds: f64) -> Result<(), String> {
        let hotel_id = self.hotel_id;
        self.run(&format!(
            "UPDATE quotes SET expires_at = expires_at - {seconds} * interval '1 second' WHERE hotel_id = '{hotel_id}';
             UPDATE holds SET expires_at = expires_at - {seconds} * interval '1 second',
                              paying_until = paying_until - {seconds} * interval '1 second'
             WHERE hotel_id = '{hotel_id}'"
        ))
    }

    /// The line to the provider as it is to be for the next call.
    pub fn line(&mut self, line: Line) -> Result<(), String> {
        let trigger = match line {
            Line::Good => return Ok(()),
            Line::DeadAtOnce => "lost_at_once",
            Line::DeadAtConfirmation | Line::AnswerLost | Line::TakesTheMoney => "lost_at_confirmation",
        };
        self.run(&format!("ALTER TABLE simulator_intents ENABLE TRIGGER {trigger}"))
    }

    /// The line is good again; what the provider did meanwhile, if a payment was begun, is in its books. The attempt is left
    /// to [`Self::complete`].
    pub fn mend(&mut self, line: Line, is_good: bool, is_begun: bool) -> Result<(), String> {
        if line == Line::Good {
            return Ok(());
        }
        let done = match line {
            _ if !is_begun => "status = i.status",
            Line::Good | Line::DeadAtOnce | Line::DeadAtConfirmation => "status = i.status",
            Line::AnswerLost if is_good => "status = 'authorized'",
            Line::AnswerLost => "status = 'declined', decline_code = 'generic_decline'",
            Line::TakesTheMoney => "status = 'captured', captured_amount = i.amount",
        };
        let hotel_id = self.hotel_id;
        self.run(HEARING)?;
        self.run(&format!(
            "UPDATE payment_attempts SET lease_until = clock_timestamp() + interval '1 day'
             WHERE hotel_id = '{hotel_id}' AND recovery_point <> 'settled';
             UPDATE simulator_intents i SET {done} FROM payment_attempts a JOIN payments p USING (hotel_id, payment_id)
             WHERE i.intent_id = a.intent_id AND a.hotel_id = '{hotel_id}' AND p.status = 'processing'
               AND i.status = 'requires_confirmation'
               AND a.attempt_id = (SELECT max(attempt_id::text)::uuid FROM payment_attempts WHERE hotel_id = '{hotel_id}')"
        ))
    }

    /// The attempt's lease is over: the next completer takes it up.
    pub fn end_lease(&mut self, payment_id: &str) -> Result<(), String> {
        self.run(&format!(
            "UPDATE payment_attempts SET lease_until = clock_timestamp() WHERE payment_id = '{payment_id}'"
        ))
    }

    /// How many attempts of the payment are unsettled; without a payment, how many jobs of the hotel are open.
    pub fn unfinished(&mut self, payment_id: Option<&str>) -> Result<i64, String> {
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = BigInt)]
            number: i64,
        }
        let hotel_id = self.hotel_id;
        let of = match payment_id {
            Some(id) => format!("payment_attempts WHERE payment_id = '{id}' AND recovery_point <> 'settled'"),
            None => format!("jobs WHERE hotel_id = '{hotel_id}' AND done_at IS NULL"),
        };
        let count: Result<Count, _> =
            diesel::sql_query(format!("SELECT count(*) AS number FROM {of}")).get_result(&mut self.conn);
        Ok(count.map_err(|error| error.to_string())?.number)
    }

    /// Every night, by room type and date.
    pub fn nights(&mut self) -> Result<Vec<NightRow>, String> {
        diesel::sql_query(
            "SELECT held::bigint, sold::bigint FROM inventory WHERE hotel_id = $1 AND stay_date >= $2
             ORDER BY room_type_id, stay_date",
        )
        .bind::<SqlUuid, _>(self.hotel_id)
        .bind::<Date, _>(self.date(0))
        .load(&mut self.conn)
        .map_err(|error| error.to_string())
    }

    pub fn holds(&mut self) -> Result<Vec<HoldRow>, String> {
        diesel::sql_query(
            "SELECT hold_id::text, status, version::bigint FROM holds WHERE hotel_id = $1 ORDER BY hold_id",
        )
        .bind::<SqlUuid, _>(self.hotel_id)
        .load(&mut self.conn)
        .map_err(|error| error.to_string())
    }

    /// Every payment in a few words: its status, what was captured and refunded; and the same by the provider's books.
    pub fn money(&mut self) -> Result<Vec<MoneyRow>, String> {
        diesel::sql_query(
            "SELECT p.payment_id::text,
                    concat_ws(' ', p.status, p.captured_amount,
                        (SELECT coalesce(sum(r.amount), 0) FROM refunds r
                         WHERE r.hotel_id = p.hotel_id AND r.payment_id = p.payment_id AND r.status = 'succeeded'),
                        '|', i.status, i.captured_amount,
                        (SELECT coalesce(sum(r.amount), 0) FROM simulator_refunds r WHERE r.intent_id = i.intent_id)) AS says
             FROM payments p JOIN payment_attempts a USING (hotel_id, payment_id) LEFT JOIN simulator_intents i USING (intent_id)
             WHERE p.hotel_id = $1 ORDER BY p.payment_id",
        )
        .bind::<SqlUuid, _>(self.hotel_id)
        .load(&mut self.conn)
        .map_err(|error| error.to_string())
    }
}

fn ids(ids: impl Iterator<Item = Uuid>) -> String {
    let ids: Vec<_> = ids.map(|id| format!("'{id}'::uuid")).collect();
    format!("ARRAY[{}]", ids.join(", "))
}
