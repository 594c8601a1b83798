//! The hotel's shop windows, its guests' lists and its rows, against what the test believes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answers::{booking, hold, same, words};
use super::house::{House, Intent, NIGHTS, PLANS, Paid, ROOMS, Reasons, State, Wish};
use super::play::Play;
use super::rows::{rate_plan_id, room_type_id};

/// The most rooms that are told to be left.
const MOST_TOLD: i64 = 9;

/// The hotel's offers for as many nights and rooms as wished for, all of them; what was wished for, if it is on sale.
pub async fn offers(play: &Play<'_>, guest: usize, wish: &Wish) -> Result<Option<String>, String> {
    let (from, to) = (play.rows.date(wish.nights.start), play.rows.date(wish.nights.end));
    let path = format!(
        "/hotels/{}/offers?include_unavailable=true&check_in={from}&check_out={to}&rooms={}",
        play.rows.hotel_id, wish.rooms
    );
    let answer = get(play, guest, &path).await?;
    let wished = json!([room_type_id(wish.room), rate_plan_id(wish.plan)]).to_string();
    let mut on_sale = None;
    let mut found = BTreeMap::new();
    for offer in &answer {
        let key = json!([offer["room_type_id"], offer["rate_plan_id"]]).to_string();
        let (total, due_now) = (&offer["total"]["amount"], &offer["due_now"]["amount"]);
        if key == wished {
            on_sale = offer["offer_id"].as_str().map(str::to_owned);
        }
        let is_open = offer["offer_id"].is_string();
        found.insert(key, json!([total, due_now, offer["rooms_left"], words(&offer["reasons"]), is_open]));
    }
    let mut expected = BTreeMap::new();
    for (room, plan) in pairs() {
        let wish = Wish { room, plan, ..wish.clone() };
        let (price, reasons) = (play.house.price(&wish), play.house.reasons(&wish));
        let left = play.house.least_left(&wish).min(MOST_TOLD);
        let key = json!([room_type_id(room), rate_plan_id(plan)]).to_string();
        expected.insert(key, json!([price.total(), price.now, left, reasons, reasons.is_empty()]));
    }
    same(&format!("the offers of {from} to {to}"), &json!(found), &json!(expected))?;
    Ok(on_sale)
}

fn pairs() -> impl Iterator<Item = (usize, usize)> {
    (0..ROOMS).flat_map(|room| (0..PLANS).map(move |plan| (room, plan)))
}

async fn get(play: &Play<'_>, guest: usize, path: &str) -> Result<Vec<Value>, String> {
    let answer = play.guests[guest].get(path).await;
    match (answer.status, answer.json()["data"].as_array()) {
        (200, Some(data)) => Ok(data.clone()),
        _ => Err(format!("{path}: {} {}", answer.status, answer.text)),
    }
}

async fn calendar(play: &Play<'_>, guest: usize) -> Result<(), String> {
    let (from, to) = (play.rows.date(0), play.rows.date(NIGHTS));
    let found = get(play, guest, &format!("/hotels/{}/calendar?from={from}&to={to}", play.rows.hotel_id)).await?;
    let line = |day: &Value| json!([day["date"], day["cheapest"]["price"]["amount"], day["rooms_left"]]);
    let found: Vec<_> = found.iter().map(line).collect();
    let line = |night: usize| {
        let wishes = || pairs().map(|(room, plan)| Wish { room, plan, nights: night..night + 1, rooms: 1 });
        let sold = wishes().filter(|wish| play.house.reasons(wish).is_empty());
        let open = wishes().filter(|wish| play.house.forbidden(wish).is_empty());
        let left = open.map(|wish| play.house.least_left(&wish).min(MOST_TOLD)).max().unwrap_or(0);
        json!([play.rows.date(night), sold.map(|wish| play.house.price(&wish).total()).min(), left])
    };
    let expected: Vec<_> = (0..NIGHTS).map(line).collect();
    same("the calendar", &json!(found), &json!(expected))
}

/// The search of all nights finds the cheapest offer.
async fn search(play: &Play<'_>, guest: usize) -> Result<(), String> {
    let (from, to) = (play.rows.date(0), play.rows.date(NIGHTS));
    let path = format!("/search?hotel_ids={}&check_in={from}&check_out={to}", play.rows.hotel_id);
    let found = get(play, guest, &path).await?;
    let line = |row: &Value| {
        let offer = &row["cheapest_offer"];
        json!([offer["total"]["amount"], offer["room_type_id"], offer["rate_plan_id"], offer["rooms_left"]])
    };
    let found: Vec<_> = found.iter().map(line).collect();
    let wishes = pairs().map(|(room, plan)| Wish { room, plan, nights: 0..NIGHTS, rooms: 1 });
    let on_sale = wishes.filter(|wish| play.house.reasons(wish) == Reasons::new());
    let cheapest = on_sale.min_by_key(|wish| (play.house.price(wish).total(), wish.room, wish.plan));
    let line = |wish: Wish| {
        let left = play.house.least_left(&wish).min(MOST_TOLD);
        json!([play.house.price(&wish).total(), room_type_id(wish.room), rate_plan_id(wish.plan), left])
    };
    same("the search", &json!(found), &json!(cheapest.map(line).into_iter().collect::<Vec<_>>()))
}

/// What a guest has.
async fn lists(play: &Play<'_>, guest: usize) -> Result<(), String> {
    // Newest first; behind them stands what is of the cases before.
    let here = |row: &Value| row["hotel_id"] == json!(play.rows.hotel_id);
    let own: Vec<_> = (0..play.house.holds.len()).filter(|at| play.house.holds[*at].guest == guest).collect();
    let found = get(play, guest, "/holds?limit=200").await?;
    let found: Vec<_> = found.into_iter().take_while(here).collect();
    same("how many holds", &json!(found.len()), &json!(own.len()))?;
    for (body, at) in found.iter().zip(own.into_iter().rev()) {
        hold(play, at, body)?;
    }
    let is_own = |at: &usize| play.house.holds[play.house.bookings[*at].hold].guest == guest;
    let own: Vec<_> = (0..play.house.bookings.len()).filter(is_own).collect();
    let found = get(play, guest, "/bookings?limit=200").await?;
    let found: Vec<_> = found.into_iter().take_while(here).collect();
    same("how many bookings", &json!(found.len()), &json!(own.len()))?;
    for (body, at) in found.iter().zip(own.into_iter().rev()) {
        booking(play, at, body)?;
    }
    Ok(())
}

/// The rows: what is held and sold each night, and where each hold is.
fn stored(play: &mut Play<'_>) -> Result<(), String> {
    let (holds, nights) = (play.rows.holds()?, play.rows.nights()?);
    let house = &play.house;
    same("how many holds are stored", &json!(holds.len()), &json!(house.holds.len()))?;
    let mut untidy = Vec::new();
    for row in holds {
        let at = play.ids.holds.iter().position(|id| *id == row.hold_id).ok_or("a hold that nobody was told of")?;
        let hold = &house.holds[at];
        let (is_live, is_waiting) = (house.is_live(at), matches!(row.status.as_str(), "active" | "paying"));
        let is_right = match (hold.state, row.status.as_str()) {
            (State::Active, "active") | (State::Paying { .. }, "paying") => true,
            // It was in somebody's way.
            (State::Active | State::Paying { .. }, "expired") => !is_live,
            (State::Released, "released") | (State::Expired, "expired") | (State::Converted { .. }, "converted") => {
                true
            }
            _ => false,
        };
        if !is_right || is_live && row.version != hold.version {
            return Err(format!("hold {at} is stored as {row:?}, and should be {hold:?}"));
        }
        untidy.extend((is_waiting && !is_live).then_some(at));
    }
    for (index, row) in nights.iter().enumerate() {
        let (room, night) = (index / NIGHTS, index % NIGHTS);
        let over: i64 = untidy.iter().map(|hold| house.takes(*hold, room, night)).sum();
        let expected = json!([house.held(room, night) + over, house.sold(room, night)]);
        same(&format!("held and sold of room type {room}, night {night}"), &json!([row.held, row.sold]), &expected)?;
    }
    Ok(())
}

/// All of it: the rows and one guest's lists after each step, the hotel's shop windows in turn; everything at the end.
pub async fn everything(play: &mut Play<'_>, step: usize) -> Result<(), String> {
    stored(play)?;
    let play = &*play;
    let guests = play.guests.len();
    let (guest, night) = (step % guests, step % NIGHTS);
    if step == 0 {
        for guest in 1..guests {
            lists(play, guest).await?;
        }
    }
    lists(play, guest).await?;
    if step == 0 || step % 3 == 1 {
        calendar(play, guest).await?;
    }
    if step == 0 || step % 3 == 2 {
        search(play, guest).await?;
    }
    if step.is_multiple_of(3) {
        let wish = Wish { room: 0, plan: 0, nights: night..night + 1, rooms: 1 };
        offers(play, guest, &wish).await?;
    }
    Ok(())
}

/// Once nothing is owed any more, the money is where it belongs, here and in the provider's books.
pub fn money(play: &mut Play<'_>) -> Result<(), String> {
    let rows = play.rows.money()?;
    same("how many payments", &json!(rows.len()), &json!(play.house.payments.len()))?;
    for row in rows {
        let at = play.ids.payments.iter().position(|id| *id == row.payment_id).ok_or("a payment nobody was told of")?;
        let ends = ends(&play.house, at);
        if !ends.contains(&row.says) {
            return Err(format!("payment {at} ends as {}, and should as {}", row.says, ends.join(" or as ")));
        }
    }
    Ok(())
}

/// How a payment may end: its status, what was captured and what refunded, here and at the provider.
fn ends(house: &House, at: usize) -> Vec<String> {
    let payment = &house.payments[at];
    let (hold, amount) = (payment.hold, payment.amount);
    let captured = |taken: i64, back: i64| format!("captured {taken} {back} | captured {taken} {back}");
    let voided = || "voided 0 0 | voided 0 0".to_owned();
    let booking = house.bookings.iter().find(|booking| booking.hold == hold);
    match (payment.state, booking) {
        (Paid::Authorized, Some(booking)) if booking.is_cancelled => {
            // Whether the capture or the cancellation came first is the worker's affair.
            let keep = house.penalty(hold).now;
            let before = if keep == 0 { voided() } else { captured(keep, 0) };
            vec![before, captured(amount, amount - keep)]
        }
        (Paid::Captured, Some(booking)) if booking.is_cancelled => {
            vec![captured(amount, amount - house.penalty(hold).now)]
        }
        (Paid::Authorized | Paid::Captured, Some(_)) => vec![captured(amount, 0)],
        (Paid::Authorized | Paid::Captured | Paid::Processing, _) => vec![],
        (Paid::Void, _) => vec![voided()],
        (Paid::Refund, _) => vec![captured(amount, amount)],
        (Paid::Failed, _) => vec!["failed 0 0 | declined 0 0".to_owned()],
        (Paid::Abandoned, _) if payment.intent == Intent::Declined => vec!["abandoned 0 0 | declined 0 0".to_owned()],
        (Paid::Abandoned, _) => vec!["abandoned 0 0 | voided 0 0".to_owned()],
    }
}
