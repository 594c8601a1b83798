//! A sound database with a hold in every state, and money on every way.

use serde_json::{Value, json};

use crate::support::{Guest, Hotel, Start, Terms, TestApp, key};

/// The server has stopped, so that what is under way stays so. A hold is called by what became of it.
pub struct World {
    pub app: TestApp,
    names: Vec<(&'static str, String)>,
}

/// Three nights from this day on; every prepaid hold of one room is due the same.
const FROM: u64 = 10;

/// Books, or pays and gives back.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Waits,
    Pays,
    Books,
    GivesBack,
}

impl World {
    pub async fn new() -> Self {
        let app = TestApp::start_with(Start::Migrated, |given| {
            given.hold_limit = Some("100".to_owned());
            given.sweep_interval_ms = Some("100".to_owned());
        })
        .await;
        let (ada, bob) =
            (Guest::register(&app, "ada@example.com").await, Guest::register(&app, "bob@example.com").await);
        let rooms = |capacity| Terms { capacity, ..Terms::default() };
        let hotel = Hotel::with(&app, &rooms(30));
        let later = Hotel::with(&app, &Terms { payment_policy: "pay_at_property", ..rooms(9) });
        app.execute(
            "INSERT INTO taxes (hotel_id, tax_id, name, percent, kind, included, due)
             SELECT hotel_id, gen_random_uuid(), 'VAT', 10, 'percent', true, 'now' FROM hotels",
        );
        let mut names = vec![
            ("room_type", hotel.room_type_id.to_string()),
            ("other_hotel", later.id()),
            ("no_hotel", uuid::Uuid::nil().to_string()),
            ("bob", app.text(&format!("SELECT user_id FROM users WHERE email = '{}'", bob.email))),
        ];
        for (name, end) in [
            ("live", End::Waits),
            ("lapsed", End::Waits),
            ("declined", End::Waits),
            ("paying", End::Pays),
            ("paid", End::Pays),
            ("abandoned", End::Pays),
            ("taken", End::Pays),
            ("given_back", End::GivesBack),
            ("voiding", End::GivesBack),
            ("returning", End::GivesBack),
            ("taking", End::Books),
            ("refused", End::Books),
        ] {
            names.push((name, walk(&ada, &hotel, end).await));
        }
        names.push(("booked", book_several(&app, &ada, &hotel).await));
        names.push(("later", walk(&bob, &later, End::Books).await));
        app.execute("UPDATE cancellation_tiers SET penalty_percent = 30");
        for (name, hotel) in [("cancelled", &later), ("penalised", &hotel)] {
            let hold_id = walk(&bob, hotel, End::Books).await;
            app.eventually("SELECT count(*) FROM jobs WHERE done_at IS NULL", "0").await;
            cancel(&app, &bob, &hold_id).await;
            names.push((name, hold_id));
        }
        names.push(("absent", stay_away(&app, &bob, &hotel).await));
        for name in ["refunded", "refunding"] {
            names.push((name, captured_unasked(&app, &ada, &hotel).await));
        }
        let mut world = Self { app, names };
        world.decline(&ada).await;
        world.app.execute(&world.sql("UPDATE holds SET expires_at = clock_timestamp() WHERE hold_id = {lapsed}"));
        world.app.eventually(&world.sql("SELECT status FROM holds WHERE hold_id = {lapsed}"), "expired").await;
        world.app.eventually("SELECT count(*) FROM jobs WHERE done_at IS NULL", "0").await;
        world.app.all_sealed().await;
        world.app.verified();
        world.app.stop();
        world.app.execute(&world.sql(A_MOMENT_AGO));
        world.app.verified();
        world
    }

    /// The SQL with the names in it as literals.
    pub fn sql(&self, text: &str) -> String {
        self.names
            .iter()
            .fold(text.to_owned(), |text, (name, id)| text.replace(&format!("{{{name}}}"), &format!("'{id}'")))
    }

    /// Declines until no more are taken, and one of a hold that is booked.
    async fn decline(&self, ada: &Guest) {
        let hold = self.names.iter().find(|(name, _)| *name == "declined").map(|(_, id)| json!(id)).expect("its name");
        for _ in 0..5 {
            ada.pay(&hold, "pm_card_chargeDeclined").await.problem(402, "card_declined");
        }
        ada.pay(&hold, "pm_card_visa").await.problem(429, "payment_attempts");
    }
}

/// A hold's id after it was walked to an end.
async fn walk(guest: &Guest, hotel: &Hotel, end: End) -> String {
    let hold = guest.held(&hotel.id(), &hotel.stay(FROM, FROM + 3)).await;
    if end != End::Waits && hold["due_now"]["amount"] != json!(0) {
        guest.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    }
    match end {
        End::Waits | End::Pays => {}
        End::Books => drop(guest.confirm(&hold["hold_id"]).await.ok(201)),
        End::GivesBack => drop(guest.delete(&path(&hold["hold_id"])).await.ok(204)),
    }
    id(&hold["hold_id"])
}

/// Four rooms of two types, after more time and a declined card; one of them is assigned.
async fn book_several(app: &TestApp, ada: &Guest, hotel: &Hotel) -> String {
    let suites = hotel.another_room_type(app, &Terms { capacity: 2, price: 30_000, ..Terms::default() });
    app.execute(
        "INSERT INTO taxes (hotel_id, tax_id, name, amount, kind, included, due)
         SELECT hotel_id, gen_random_uuid(), 'City', 130, 'per_person_night', false, 'at_property' FROM room_types
         WHERE name = 'Suite'",
    );
    let mut quotes = Vec::new();
    for (hotel, from, rooms) in [(&suites, FROM, 1), (hotel, FROM, 2), (hotel, FROM + 2, 1)] {
        let query = format!("{}&rooms={rooms}", hotel.stay(from, from + 2));
        let offers = ada.get(&format!("/hotels/{}/offers?{query}", hotel.id())).await.ok(200);
        let own = |offer: &&Value| offer["room_type_id"] == hotel.room_type_id.to_string();
        let offer = offers["data"].as_array().and_then(|data| data.iter().find(own)).expect("an offer");
        quotes.push(ada.quote(&offer["offer_id"]).await["quote_id"].clone());
    }
    let hold = ada.hold_items(&quotes).await.ok(201);
    app.execute("DELETE FROM taxes WHERE name = 'City'");
    ada.extend(&hold, 1, json!({})).await.ok(200);
    ada.pay(&hold["hold_id"], "pm_card_chargeDeclined").await.problem(402, "card_declined");
    ada.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    ada.confirm(&hold["hold_id"]).await.ok(201);
    id(&hold["hold_id"])
}

/// Cancels the booking that was made of a hold.
async fn cancel(app: &TestApp, guest: &Guest, hold_id: &str) {
    let booking_id = app.text(&format!("SELECT booking_id FROM bookings WHERE hold_id = '{hold_id}'"));
    guest.post_keyed(&format!("/bookings/{booking_id}/cancel"), &key(), json!({})).await.ok(200);
}

/// Booked for today, and marked by staff, who give some of the money back all the same.
async fn stay_away(app: &TestApp, guest: &Guest, hotel: &Hotel) -> String {
    // Made as the settings make it: the audit log knows of it.
    let staff = app.first_admin().await;
    let hold = guest.held(&hotel.id(), &hotel.stay(0, 1)).await;
    let payment = guest.pay(&hold["hold_id"], "pm_card_visa").await.ok(201);
    let booking = guest.confirm(&hold["hold_id"]).await.ok(201);
    app.eventually("SELECT count(*) FROM jobs WHERE done_at IS NULL", "0").await;
    let path = format!("/admin/hotels/{}/bookings/{}/no-show", hotel.id(), id(&booking["booking_id"]));
    staff.post(&path, json!({})).await.ok(200);
    let part = json!({ "amount": { "amount": 1_234, "currency": "EUR" } });
    staff.post_keyed(&format!("/payments/{}/refunds", id(&payment["payment_id"])), &key(), part).await.ok(201);
    id(&hold["hold_id"])
}

/// A hold that is given back after the provider took its money of its own accord.
async fn captured_unasked(app: &TestApp, ada: &Guest, hotel: &Hotel) -> String {
    let hold_id = walk(ada, hotel, End::Pays).await;
    app.all_told().await;
    app.execute(&format!(
        "UPDATE simulator_intents SET status = 'captured', captured_amount = amount
         WHERE metadata ->> 'hold_id' = '{hold_id}'"
    ));
    ada.delete(&path(&json!(hold_id))).await.ok(204);
    hold_id
}

fn id(value: &Value) -> String {
    value.as_str().expect("an id").to_owned()
}

fn path(hold_id: &Value) -> String {
    format!("/holds/{}", id(hold_id))
}

/// What the server has finished put back to where it was under way, each row that tells of it too.
const A_MOMENT_AGO: &str = "
    BEGIN;
    -- Of a hold: its payment, its attempt, and the provider's record.
    CREATE TEMPORARY VIEW way AS
        SELECT p.hold_id, p.payment_id, a.attempt_id, a.intent_id, p.hotel_id
        FROM payments p JOIN payment_attempts a USING (hotel_id, payment_id) WHERE p.status <> 'failed';
    CREATE FUNCTION pg_temp.payment(uuid) RETURNS uuid LANGUAGE sql AS 'SELECT payment_id FROM way WHERE hold_id = $1';
    CREATE FUNCTION pg_temp.untake(uuid) RETURNS void LANGUAGE sql AS '
        UPDATE simulator_intents SET status = ''authorized'', captured_amount = 0 WHERE metadata ->> ''hold_id'' = $1::text;
        DELETE FROM ledger_lines USING way WHERE ledger_lines.payment_id = way.payment_id AND hold_id = $1';
    CREATE FUNCTION pg_temp.intent(uuid) RETURNS text LANGUAGE sql AS 'SELECT intent_id FROM way WHERE hold_id = $1';

    UPDATE payments SET status = 'capture_pending', captured_amount = 0, version = version - 1 WHERE hold_id = {taking};
    SELECT pg_temp.untake({taking});
    DELETE FROM outbox_events WHERE topic = 'payment.captured' AND subject_id = pg_temp.payment({taking});
    UPDATE jobs SET done_at = NULL WHERE subject_id = pg_temp.payment({taking});

    UPDATE payments SET status = 'capture_failed', captured_amount = 0 WHERE hold_id = {refused};
    SELECT pg_temp.untake({refused});
    UPDATE simulator_intents SET status = 'voided' WHERE intent_id = pg_temp.intent({refused});
    UPDATE outbox_events SET topic = 'payment.capture_failed'
        WHERE topic = 'payment.captured' AND subject_id = pg_temp.payment({refused});

    -- The provider has voided it; the worker has not heard it yet.
    UPDATE payments SET status = 'void_pending', version = version - 1 WHERE hold_id = {voiding};
    DELETE FROM outbox_events WHERE topic = 'payment.voided' AND subject_id = pg_temp.payment({voiding});
    UPDATE jobs SET done_at = NULL WHERE subject_id = pg_temp.payment({voiding});

    UPDATE payments SET status = 'authorized', version = version - 2 WHERE hold_id = {returning};
    UPDATE simulator_intents SET status = 'authorized' WHERE intent_id = pg_temp.intent({returning});
    DELETE FROM outbox_events
        WHERE topic IN ('payment.void_pending', 'payment.voided') AND subject_id = pg_temp.payment({returning});
    DELETE FROM jobs WHERE subject_id = pg_temp.payment({returning});
    UPDATE jobs SET done_at = NULL WHERE subject_id = {returning};

    UPDATE refunds SET status = 'pending' WHERE payment_id = pg_temp.payment({refunding});
    DELETE FROM outbox_events USING refunds
        WHERE topic = 'refund.succeeded' AND subject_id = refund_id AND payment_id = pg_temp.payment({refunding});
    DELETE FROM ledger_lines WHERE kind = 'refunded' AND payment_id = pg_temp.payment({refunding});
    DELETE FROM simulator_refunds WHERE intent_id = pg_temp.intent({refunding});
    UPDATE jobs SET done_at = NULL FROM refunds
        WHERE subject_id = refund_id AND payment_id = pg_temp.payment({refunding});

    UPDATE payments SET status = 'captured', captured_amount = amount WHERE hold_id = {taken};
    UPDATE simulator_intents SET status = 'captured', captured_amount = amount WHERE intent_id = pg_temp.intent({taken});
    UPDATE outbox_events SET topic = 'payment.captured'
        WHERE topic = 'payment.authorized' AND subject_id = pg_temp.payment({taken});
    INSERT INTO ledger_lines (hotel_id, movement_id, account, kind, amount, currency, payment_id)
        SELECT hotel_id, payment_id, account, 'captured', sign * amount, currency, payment_id
        FROM payments, (VALUES ('provider', 1), ('guest', -1)) line (account, sign) WHERE hold_id = {taken};

    UPDATE payments SET status = 'abandoned' WHERE hold_id = {abandoned};
    UPDATE payment_attempts SET recovery_point = 'intent_stored' WHERE payment_id = pg_temp.payment({abandoned});
    UPDATE simulator_intents SET status = 'requires_confirmation' WHERE intent_id = pg_temp.intent({abandoned});
    UPDATE outbox_events SET topic = 'payment.abandoned'
        WHERE topic = 'payment.authorized' AND subject_id = pg_temp.payment({abandoned});

    UPDATE idempotency_keys SET status = NULL, body = NULL, location = NULL, finished_at = NULL
        WHERE location = '/api/v1/payments/' || pg_temp.payment({paying});
    DELETE FROM simulator_intents WHERE intent_id = pg_temp.intent({paying});
    UPDATE payment_attempts SET recovery_point = 'claimed', intent_id = NULL
        WHERE payment_id = pg_temp.payment({paying});
    DELETE FROM outbox_events WHERE topic = 'payment.authorized' AND subject_id = pg_temp.payment({paying});
    DELETE FROM outbox_events WHERE event_id = (
        SELECT max(event_id::text)::uuid FROM outbox_events WHERE topic = 'hold.active' AND subject_id = {paying});
    UPDATE payments SET status = 'initiated', version = 1 WHERE hold_id = {paying};
    UPDATE holds SET status = 'paying', paying_until = clock_timestamp() + interval '2 minutes', version = version - 1
        WHERE hold_id = {paying};

    INSERT INTO rooms (hotel_id, room_id, room_type_id, number)
        SELECT hotel_id, gen_random_uuid(), room_type_id, '1' FROM room_types WHERE room_type_id = {room_type};
    UPDATE booking_nights n SET room_id = rooms.room_id
        FROM rooms, booking_rooms r JOIN bookings USING (hotel_id, booking_id)
        WHERE hold_id = {taking} AND n.booking_room_id = r.booking_room_id;
    INSERT INTO rate_plans (hotel_id, rate_plan_id, name, meal_plan, payment_policy, derived_from, derived_percent)
        SELECT hotel_id, gen_random_uuid(), 'Derived', meal_plan, payment_policy, rate_plan_id, -10 FROM rate_plans;
    INSERT INTO rate_plan_room_types
        SELECT p.hotel_id, p.rate_plan_id, t.room_type_id FROM rate_plans p JOIN room_types t USING (hotel_id)
        WHERE is_derived;
    INSERT INTO rates (hotel_id, rate_plan_id, room_type_id, stay_date, closed)
        SELECT hotel_id, rate_plan_id, room_type_id, current_date, true FROM rate_plan_room_types
        JOIN rate_plans USING (hotel_id, rate_plan_id) WHERE is_derived;
    COMMIT;";
