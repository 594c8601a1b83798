//! Answers, and what a guest reads of his holds and bookings, against what the test believes.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::house::{Booking, House, State, Wish};
use super::play::Play;
use super::rows::{rate_plan_id, room_type_id};
use super::rules::{About, Answer, Refusal};
use crate::support;

/// How far a moment in an answer may be from where it should be, in seconds: as long as a step may take.
const TOLERANCE_S: i64 = 20;

pub fn same(what: &str, found: &Value, expected: &Value) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}\n   found {found}\nexpected {expected}")) }
}

/// The answer to a call. What it makes is known by its id from here on.
pub fn check(play: &mut Play<'_>, expected: &Answer, found: &support::Answer) -> Result<(), String> {
    let status = match expected {
        Answer::Quoted(_) | Answer::Held(_) | Answer::Authorized(_) | Answer::Booked(_) => 201,
        Answer::Extended(_) | Answer::Cancelled { .. } => 200,
        Answer::Processing(_) => 202,
        Answer::Released => 204,
        Answer::Refused(refusal) => refusal.status,
    };
    if found.status != status {
        return Err("another status".to_owned());
    }
    let body = if found.text.is_empty() { Value::Null } else { found.json() };
    let id = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    match expected {
        Answer::Quoted(at) => {
            play.ids.quotes.push(id("quote_id"));
            quote(&play.house, *at, &body)
        }
        Answer::Held(at) => {
            play.ids.holds.push(id("hold_id"));
            hold(play, *at, &body)
        }
        Answer::Extended(at) => hold(play, *at, &body),
        Answer::Booked(at) => {
            play.ids.bookings.push(id("booking_id"));
            booking(play, *at, &body)
        }
        Answer::Authorized(at) | Answer::Processing(at) => {
            play.ids.payments.push(id("payment_id"));
            let status = if matches!(expected, Answer::Authorized(_)) { "authorized" } else { "processing" };
            let payment = &play.house.payments[*at];
            let hold_id = &play.ids.holds[payment.hold];
            let found = json!([body["status"], body["amount"]["amount"], body["hold_id"], body["captured"]["amount"]]);
            same("the payment", &found, &json!([status, payment.amount, hold_id, 0]))?;
            soon("hold_expires_at", &body, play.house.holds[payment.hold].live_until() - play.house.now)
        }
        Answer::Cancelled { penalty, refund } => {
            let found = json!([body["penalty"]["amount"], body["refund"]["amount"]]);
            same("the cancellation", &found, &json!([penalty, refund]))
        }
        Answer::Released => Ok(()),
        Answer::Refused(refusal) => refused(play, refusal, &body),
    }
}

fn refused(play: &mut Play<'_>, refusal: &Refusal, body: &Value) -> Result<(), String> {
    let mut names = json!({ "item": null, "first_night": null, "reasons": [], "booking_id": null });
    match &refusal.about {
        About::Nothing | About::Reoffered(_) | About::Payment(_) => {}
        About::Item(item) | About::Repriced { item, .. } => names["item"] = json!(item),
        About::Short { item, first_night } => {
            names["item"] = json!(item);
            names["first_night"] = json!(play.rows.date(*first_night));
        }
        About::Forbidden { item, reasons } => {
            names["item"] = json!(item);
            names["reasons"] = json!(reasons);
        }
        About::Booking(booking) => names["booking_id"] = json!(play.ids.bookings[*booking]),
    }
    let named = json!({
        "item": body["item"], "first_night": body["first_night"], "reasons": words(&body["reasons"]),
        "booking_id": body["booking_id"],
    });
    same("the code", &body["code"], &json!(refusal.code))?;
    same("what the refusal names", &named, &names)?;
    let id = |within: &Value, name: &str| within[name].as_str().unwrap_or_default().to_owned();
    match refusal.about {
        About::Repriced { quote: at, .. } => {
            play.ids.quotes.push(id(&body["current_quote"], "quote_id"));
            quote(&play.house, at, &body["current_quote"])
        }
        About::Reoffered(at) => {
            play.ids.offers.push(id(&body["current_offer"], "offer_id"));
            let shown = &body["current_offer"]["total"]["amount"];
            same("the current offer", shown, &json!(play.house.offers[at].total))
        }
        About::Payment(_) => {
            play.ids.payments.push(id(body, "payment_id"));
            same("why it was declined", &body["decline_code"], &json!("generic_decline"))
        }
        _ => Ok(()),
    }
}

pub fn words(list: &Value) -> Value {
    let words = list.as_array().map(Vec::as_slice).unwrap_or_default().iter();
    json!(words.map(|word| word.as_str().unwrap_or_default()).collect::<BTreeSet<_>>())
}

/// A moment is so many seconds from now.
fn soon(name: &str, body: &Value, seconds: i64) -> Result<(), String> {
    let found = body[name].as_str().and_then(|text| text.parse::<DateTime<Utc>>().ok());
    let found = found.ok_or_else(|| format!("{name} is no moment: {body}"))?;
    let off = (found - Utc::now()).num_seconds() - seconds;
    if off.abs() <= TOLERANCE_S { Ok(()) } else { Err(format!("{name} is {off} s from where it should be")) }
}

fn quote(house: &House, at: usize, body: &Value) -> Result<(), String> {
    let quote = &house.quotes[at];
    let nights = json!(body["nightly"].as_array().map(Vec::len));
    let found = json!([body["total"]["amount"], body["due_now"]["amount"], body["rooms"], nights, body["expired"]]);
    let Wish { rooms, nights, .. } = &quote.wish;
    same("the quote", &found, &json!([quote.price.total(), quote.price.now, rooms, nights.len(), false]))?;
    soon("expires_at", body, quote.expires - house.now)
}

/// A hold as its guest reads it.
pub fn hold(play: &Play<'_>, at: usize, body: &Value) -> Result<(), String> {
    let (house, hold) = (&play.house, &play.house.holds[at]);
    let is_live = house.is_live(at);
    let status = match hold.state {
        State::Released => "released",
        State::Converted { .. } => "converted",
        State::Paying { until, .. } if until > house.now => "paying",
        State::Active | State::Paying { .. } if is_live => "active",
        State::Active | State::Paying { .. } | State::Expired => "expired",
    };
    let (ids, price) = (&play.ids, house.hold_price(at));
    let items: Vec<_> = hold.quotes.iter().map(|quote| ids.quotes[*quote].clone()).collect();
    let found_items = body["items"].as_array().map(Vec::as_slice).unwrap_or_default().iter();
    let found_items: Vec<_> = found_items.map(|item| item["quote_id"].clone()).collect();
    let money = |name: &str| body[name]["amount"].clone();
    let found = json!([
        body["hold_id"],
        body["status"],
        found_items,
        money("total"),
        money("due_now"),
        money("due_at_property")
    ]);
    let expected = json!([ids.holds[at], status, items, price.total(), price.now, price.later]);
    same("the hold", &found, &expected)?;
    // Whether a hold that is over was tidied, which is a change too, is nobody's business.
    if status != "expired" {
        same("the hold's version", &body["version"], &json!(hold.version))?;
    }
    if is_live { soon("expires_at", body, hold.live_until() - house.now) } else { Ok(()) }
}

pub fn booking(play: &Play<'_>, at: usize, body: &Value) -> Result<(), String> {
    let (house, ids, Booking { hold, is_cancelled }) = (&play.house, &play.ids, play.house.bookings[at]);
    let (wishes, price) =
        (house.holds[hold].quotes.iter().map(|quote| &house.quotes[*quote].wish), house.hold_price(hold));
    let room = |wish: &Wish| {
        let (from, to) = (play.rows.date(wish.nights.start), play.rows.date(wish.nights.end));
        json!([room_type_id(wish.room), rate_plan_id(wish.plan), from, to]).to_string()
    };
    let mut rooms: Vec<_> = wishes.flat_map(|wish| (0..wish.rooms).map(move |_| room(wish))).collect();
    rooms.sort_unstable();
    let found_rooms = body["rooms"].as_array().map(Vec::as_slice).unwrap_or_default().iter();
    let mut found_rooms: Vec<_> = found_rooms
        .map(|room| {
            json!([room["room_type_id"], room["rate_plan_id"], room["check_in"], room["check_out"]]).to_string()
        })
        .collect();
    found_rooms.sort_unstable();
    let money = |name: &str| body[name]["amount"].clone();
    let found =
        json!([body["booking_id"], body["hold_id"], body["status"], found_rooms, money("total"), money("due_now")]);
    let status = if is_cancelled { "cancelled" } else { "confirmed" };
    let expected = json!([ids.bookings[at], ids.holds[hold], status, rooms, price.total(), price.now]);
    same("the booking", &found, &expected)
}
