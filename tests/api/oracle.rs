//! Random hotels, random stays: the search, the offers and the calendar answer what a naive reading of the rules yields.

mod insert;
mod naive;
mod world;

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use diesel::connection::SimpleConnection;
use proptest::test_runner::{Config, TestCaseError, TestCaseResult, TestRunner};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Guest, Start, TestApp, noon};
use insert::{rate_plan_id, room_type_id};
use world::{Ask, House, World};

/// Worlds to try. Each is a few hotels, asked up to five times.
const CASES: u32 = 40;

async fn get(guest: &Guest, path: &str) -> Result<Vec<Value>, TestCaseError> {
    let answer = guest.get(path).await;
    match (answer.status, answer.json()["data"].as_array()) {
        (200, Some(data)) => Ok(data.clone()),
        _ => Err(TestCaseError::fail(format!("{path}: {} {}", answer.status, answer.text))),
    }
}

fn same(what: &str, found: &Value, expected: &Value) -> TestCaseResult {
    if found == expected {
        return Ok(());
    }
    Err(TestCaseError::fail(format!("{what}\n   found {found}\nexpected {expected}")))
}

fn words(reasons: &Value) -> Value {
    let words = reasons.as_array().map(Vec::as_slice).unwrap_or_default().iter();
    json!(words.map(|word| word.as_str().unwrap_or_default()).collect::<BTreeSet<_>>())
}

fn date(today: NaiveDate, day: usize) -> NaiveDate {
    today + Days::new(u64::try_from(day).expect("soon"))
}

impl Ask {
    fn party(&self) -> String {
        let ages: Vec<_> = self.children.iter().map(i16::to_string).collect();
        format!("adults={}&children_ages={}&rooms={}", self.adults, ages.join(","), self.rooms)
    }

    fn query(&self, today: NaiveDate) -> String {
        let (from, to) = (date(today, self.check_in), date(today, self.check_in + self.nights));
        format!("check_in={from}&check_out={to}&{}", self.party())
    }
}

async fn search(guest: &Guest, world: &World, ids: &[Uuid], ask: &Ask, today: NaiveDate) -> TestCaseResult {
    let mut expected = Vec::new();
    for (house, id) in world.houses.iter().zip(ids) {
        let offers = naive::offers(house, ask).into_iter().filter(|offer| offer.reasons.is_empty());
        let cheapest = offers.min_by_key(|offer| (offer.price, offer.room, offer.plan));
        expected.extend(cheapest.map(|offer| (house.currency, offer.price.map_or(0, |(total, _)| total), *id, offer)));
    }
    expected.sort_by_key(|(currency, total, id, _)| (*currency, *total, *id));
    let row = |(currency, total, id, offer): &(&str, i128, Uuid, naive::Offered)| {
        json!([id, total, currency, room_type_id(offer.room), rate_plan_id(offer.plan), offer.left])
    };
    let expected: Vec<_> = expected.iter().map(row).collect();
    let hotel_ids: Vec<_> = ids.iter().map(Uuid::to_string).collect();
    let found = get(guest, &format!("/search?hotel_ids={}&{}", hotel_ids.join(","), ask.query(today))).await?;
    let row = |row: &Value| {
        let offer = &row["cheapest_offer"];
        let (total, currency) = (&offer["total"]["amount"], &offer["total"]["currency"]);
        json!([row["hotel_id"], total, currency, offer["room_type_id"], offer["rate_plan_id"], offer["rooms_left"]])
    };
    let found: Vec<_> = found.iter().map(row).collect();
    same(&format!("the search for {ask:?}"), &json!(found), &json!(expected))
}

async fn offers(guest: &Guest, house: &House, id: Uuid, ask: &Ask, today: NaiveDate) -> TestCaseResult {
    let mut expected = naive::offers(house, ask);
    expected.sort_by_key(|offer| (offer.price.is_none(), offer.price.map(|(total, _)| total), offer.room, offer.plan));
    let row = |offer: &naive::Offered| {
        let (total, due_now) = offer.price.unzip();
        json!([room_type_id(offer.room), rate_plan_id(offer.plan), total, due_now, offer.left, offer.reasons])
    };
    let expected: Vec<_> = expected.iter().map(row).collect();
    let path = format!("/hotels/{id}/offers?include_unavailable=true&{}", ask.query(today));
    let found = get(guest, &path).await?;
    let row = |offer: &Value| {
        let (total, due_now) = (&offer["total"]["amount"], &offer["due_now"]["amount"]);
        let reasons = words(&offer["reasons"]);
        json!([offer["room_type_id"], offer["rate_plan_id"], total, due_now, offer["rooms_left"], reasons])
    };
    let found: Vec<_> = found.iter().map(row).collect();
    same(&format!("the offers for {ask:?}"), &json!(found), &json!(expected))
}

async fn calendar(guest: &Guest, house: &House, id: Uuid, ask: &Ask, today: NaiveDate) -> TestCaseResult {
    let (from, to) = (date(today, ask.check_in), date(today, world::DAYS + 2));
    let found = get(guest, &format!("/hotels/{id}/calendar?from={from}&to={to}&{}", ask.party())).await?;
    same("days", &json!(found.len()), &json!(world::DAYS + 2 - ask.check_in))?;
    for (at, found) in (ask.check_in..).zip(found) {
        let day = naive::day(house, ask, at);
        let cheapest = day.cheapest.map(|(total, room, plan)| json!([total, room_type_id(room), rate_plan_id(plan)]));
        // Why nobody leaves on the first day of all is that yesterday has been, whatever else was wrong with it.
        let no_departure = if at == 0 { json!(false) } else { json!(day.no_departure) };
        let expected = json!([cheapest, day.left, day.no_arrival, no_departure, day.min_stay, day.max_stay]);
        let shown = &found["cheapest"];
        let cheapest =
            shown.is_object().then(|| json!([shown["price"]["amount"], shown["room_type_id"], shown["rate_plan_id"]]));
        let no_arrival = words(&found["cannot_arrive_because"]);
        let no_departure = if at == 0 { found["can_depart"].clone() } else { words(&found["cannot_depart_because"]) };
        let found =
            json!([cheapest, found["rooms_left"], no_arrival, no_departure, found["min_stay"], found["max_stay"]]);
        same(&format!("day {at} of the calendar for {ask:?}"), &found, &expected)?;
    }
    Ok(())
}

async fn check(app: &TestApp, guest: &Guest, world: &World) -> TestCaseResult {
    let (zone, today) = noon();
    let ids: Vec<_> = world.houses.iter().map(|_| Uuid::now_v7()).collect();
    let sql = insert::sql(world, &ids, &zone, today);
    app.connect().batch_execute(&sql).map_err(|error| TestCaseError::fail(error.to_string()))?;
    for ask in &world.asks {
        search(guest, world, &ids, ask, today).await?;
        for (house, id) in world.houses.iter().zip(&ids) {
            offers(guest, house, *id, ask, today).await?;
            calendar(guest, house, *id, ask, today).await?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn random_hotels_sell_what_the_rules_say() {
    // Expired holds are to stay unswept.
    let app = TestApp::start_with(Start::Migrated, |given| given.sweep_interval_ms = Some("3600000".to_owned())).await;
    let ada = app.guest();
    let config = Config { cases: CASES, max_shrink_iters: 400, failure_persistence: None, ..Config::default() };
    let run = |world: World| tokio::runtime::Handle::current().block_on(check(&app, &ada, &world));
    let outcome = tokio::task::block_in_place(|| TestRunner::new(config).run(&world::world(), run));
    assert!(outcome.is_ok(), "{}", outcome.expect_err("a counterexample"));
}
