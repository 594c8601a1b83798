//! As days pass, nights are added at the far end; what is there stays as it is.

use std::time::Duration;

use crate::support::{Hotel, Terms, TestApp};

/// Nights the builder gives, and that these hotels are to keep ahead.
const NIGHTS: i64 = 60;

/// A hotel whose prices tell the weekday, and that needs two nights from a Friday.
fn hotel(app: &TestApp) -> Hotel {
    let hotel = Hotel::with(app, &Terms { capacity: 3, ..Terms::default() });
    hotel.change(
        app,
        "UPDATE rates SET price = 10000 + 100 * extract(isodow FROM stay_date)::int,
                min_stay = CASE WHEN extract(isodow FROM stay_date) = 5 THEN 2 END
         WHERE hotel_id = $1 AND $2 IS NOT NULL",
    );
    hotel
}

const AS_ITS_WEEKDAY: &str = "price = 10000 + 100 * extract(isodow FROM stay_date)::int
    AND (min_stay IS NOT DISTINCT FROM CASE WHEN extract(isodow FROM stay_date) = 5 THEN 2 END)";

/// Takes a hotel's last ten nights away and lets the horizon know that they are missed.
fn shorten(app: &TestApp, hotel: &Hotel) {
    for table in ["rates", "inventory"] {
        hotel.change(app, &format!("DELETE FROM {table} WHERE hotel_id = $1 AND stay_date >= $2 + 50"));
    }
    hotel.change(app, "UPDATE hotels SET horizon_days = 60 WHERE hotel_id = $1 AND $2 IS NOT NULL");
}

fn nights(app: &TestApp, hotel: &Hotel) -> i64 {
    app.number(&format!("SELECT count(*) FROM inventory WHERE hotel_id = '{}'", hotel.hotel_id))
}

/// Waits up to 10 s for a hotel to have so many nights.
async fn grown(app: &TestApp, hotel: &Hotel, expected: i64) {
    for _ in 0..200 {
        if nights(app, hotel) >= expected {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(nights(app, hotel), expected);
}

/// Everything stored of a hotel's first 50 nights.
fn kept(app: &TestApp, hotel: &Hotel) -> String {
    let rows = |table| {
        format!(
            "(SELECT string_agg(x::text, ' ' ORDER BY stay_date) FROM {table} x
              WHERE hotel_id = '{}' AND stay_date < '{}')",
            hotel.hotel_id,
            hotel.day(50)
        )
    };
    app.text(&format!("SELECT {} || {}", rows("inventory"), rows("rates")))
}

/// A database that nobody looks after: its first server has looked, and is gone.
async fn unattended() -> TestApp {
    let mut app = TestApp::start().await;
    app.stop();
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_nights_come_with_the_weekdays_price() {
    let app = unattended().await;
    let hotel = hotel(&app);
    hotel.change(&app, "UPDATE inventory SET closed = true WHERE hotel_id = $1 AND stay_date = $2 + 20");
    hotel.change(&app, "UPDATE inventory SET capacity = 7 WHERE hotel_id = $1 AND stay_date = $2 + 49");
    hotel.change(&app, "UPDATE rates SET closed = true, version = 5 WHERE hotel_id = $1 AND stay_date = $2 + 21");
    shorten(&app, &hotel);
    let before = kept(&app, &hotel);
    let second = app.beside().await;
    grown(&app, &hotel, NIGHTS).await;

    assert_eq!(kept(&app, &hotel), before, "no night that was there is touched");
    let added = format!("stay_date >= '{}' AND stay_date <= '{}'", hotel.day(50), hotel.day(59));
    assert_eq!(
        app.number(&format!(
            "SELECT count(*) FROM inventory WHERE {added} AND capacity = 7 AND NOT closed AND held + sold = 0"
        )),
        10,
        "with the capacity of the last night"
    );
    assert_eq!(app.number(&format!("SELECT count(*) FROM rates WHERE {added} AND {AS_ITS_WEEKDAY}")), 10);
    let ada = second.guest();
    ada.held(&hotel.id(), &hotel.stay(57, 59)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_year_before_tells_the_price_where_it_is_known() {
    let app = unattended().await;
    let hotel = hotel(&app);
    hotel.change(
        &app,
        "INSERT INTO rates (hotel_id, rate_plan_id, room_type_id, stay_date, price, closed_to_arrival)
         SELECT hotel_id, rate_plan_id, room_type_id, $2 + 55 - 364, 77700, true FROM rates
         WHERE hotel_id = $1 AND stay_date = $2",
    );
    hotel.change(
        &app,
        "INSERT INTO rate_plans (hotel_id, rate_plan_id, name, meal_plan, payment_policy, deleted_at)
         VALUES ($1, gen_random_uuid(), 'Given up', 'room_only', 'prepaid', $2)",
    );
    shorten(&app, &hotel);
    let _second = app.beside().await;
    grown(&app, &hotel, NIGHTS).await;
    let last_year = format!(
        "SELECT count(*) FROM rates WHERE stay_date = '{}' AND price = 77700 AND closed_to_arrival",
        hotel.day(55)
    );
    assert_eq!(app.number(&last_year), 1);
    let others = format!("SELECT count(*) FROM rates WHERE stay_date >= '{}' AND {AS_ITS_WEEKDAY}", hotel.day(50));
    assert_eq!(app.number(&others), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_at_once_add_nothing_twice() {
    let app = unattended().await;
    let hotels: Vec<_> = (0..8).map(|_| hotel(&app)).collect();
    for hotel in &hotels {
        shorten(&app, hotel);
    }
    let before: Vec<_> = hotels.iter().map(|hotel| kept(&app, hotel)).collect();
    let _servers = tokio::join!(app.beside(), app.beside(), app.beside());
    for hotel in &hotels {
        grown(&app, hotel, NIGHTS).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    for (hotel, before) in hotels.iter().zip(before) {
        assert_eq!(kept(&app, hotel), before);
    }
    let all = 8 * NIGHTS;
    assert_eq!((app.rows("inventory"), app.rows("rates")), (all, all));
    assert_eq!(app.number(&format!("SELECT count(*) FROM rates WHERE version = 1 AND {AS_ITS_WEEKDAY}")), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn nights_that_have_all_passed_begin_again_today() {
    let app = unattended().await;
    let hotel = hotel(&app);
    for table in ["rates", "inventory"] {
        hotel.change(
            &app,
            &format!("UPDATE {table} SET stay_date = stay_date - 105 WHERE hotel_id = $1 AND $2 IS NOT NULL"),
        );
    }
    hotel.change(&app, "UPDATE hotels SET horizon_days = 60 WHERE hotel_id = $1 AND $2 IS NOT NULL");
    let _second = app.beside().await;
    grown(&app, &hotel, 2 * NIGHTS).await;
    let ahead = format!("stay_date >= '{}' AND stay_date <= '{}'", hotel.today, hotel.day(59));
    assert_eq!(app.number(&format!("SELECT count(*) FROM inventory WHERE {ahead}")), NIGHTS);
    assert_eq!(app.number(&format!("SELECT count(*) FROM rates WHERE {ahead} AND {AS_ITS_WEEKDAY}")), NIGHTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn hotels_that_fail_or_are_gone_keep_no_other_from_its_nights() {
    let app = unattended().await;
    let [failing, gone, emptied, resting, well] = std::array::from_fn(|_| hotel(&app));
    for hotel in [&failing, &gone, &emptied, &resting, &well] {
        shorten(&app, hotel);
    }
    app.execute(&format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$;
         CREATE TRIGGER refuse BEFORE INSERT ON inventory FOR EACH ROW WHEN (NEW.hotel_id = '{}')
         EXECUTE FUNCTION refuse();
         UPDATE hotels SET deleted_at = now() WHERE hotel_id = '{}';
         UPDATE room_types SET deleted_at = now() WHERE hotel_id = '{}';
         UPDATE hotels SET horizon_days = 0 WHERE hotel_id = '{}';",
        failing.hotel_id, gone.hotel_id, emptied.hotel_id, resting.hotel_id
    ));
    let _second = TestApp::on(app.database.clone(), |given| given.horizon_interval_s = Some("1".to_owned())).await;
    grown(&app, &well, NIGHTS).await;
    for hotel in [&failing, &gone, &emptied, &resting] {
        assert_eq!(nights(&app, hotel), 50);
    }
    app.execute("DROP TRIGGER refuse ON inventory");
    grown(&app, &failing, NIGHTS).await;
    assert_eq!(nights(&app, &gone), 50, "a later look leaves it alone, too");
}
