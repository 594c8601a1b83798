//! Many at once: the last room is sold once, and the counters agree with the rows.

mod endings;
mod last_room;
mod orders;

use serde_json::{Value, json};

use crate::support::{Answer, Guest, Hotel, Terms, TestApp};

/// Runs the calls at the same time.
async fn at_once<F>(calls: impl IntoIterator<Item = F>) -> Vec<Answer>
where
    F: Future<Output = Answer> + Send + 'static,
{
    let calls: Vec<_> = calls.into_iter().map(tokio::spawn).collect();
    let mut answers = Vec::new();
    for call in calls {
        let answer = call.await.expect("an answer");
        assert!(answer.status < 500, "{}", answer.text);
        answers.push(answer);
    }
    answers
}

async fn hold(guest: Guest, quote_id: Value) -> Answer {
    guest.hold(&quote_id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_guests_one_gets_the_last_room() {
    let app = TestApp::start().await;
    // Each guest talks to a server of their own.
    let beside = app.beside().await;
    let (ada, bob) = (app.guest(), app.guest().at(&beside));
    let hotel = Hotel::one_room(&app);
    for round in 0..20 {
        let quotes = [ada.quoted(&hotel, 10, 12, 1).await, bob.quoted(&hotel, 10, 12, 1).await];
        let answers = at_once([hold(ada.clone(), quotes[0].clone()), hold(bob.clone(), quotes[1].clone())]).await;
        let winner = answers.iter().position(|answer| answer.status == 201).expect("somebody wins");
        let refused = answers[1 - winner].problem(409, "sold_out");
        assert_eq!(refused["first_night"], json!(hotel.day(10)), "round {round}");
        assert_eq!(hotel.stock(&app, hotel.day(10)), (1, 0));
        let path = format!("/holds/{}", answers[winner].json()["hold_id"].as_str().expect("an id"));
        [&ada, &bob][winner].delete(&path).await.ok(204);
    }
    assert_eq!(app.rows("holds"), 20);
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_guests_in_opposite_orders_never_take_a_fourth_room() {
    let app = TestApp::start().await;
    let hotel = Hotel::with(&app, &Terms { capacity: 3, ..Terms::default() });
    let mut calls = Vec::new();
    for no in 0..30 {
        let guest = app.guest();
        // Long stays over short ones, from either end: locks taken in the order of the stays would deadlock.
        let (from, to) = [(10, 20), (15, 25), (12, 13), (19, 24), (10, 16)][no % 5];
        calls.push((guest.quoted(&hotel, from, to, 1).await, guest));
    }
    calls.rotate_left(7);
    let answers = at_once(calls.into_iter().map(|(quote_id, guest)| hold(guest, quote_id))).await;
    let placed = answers.iter().filter(|answer| answer.status == 201).count();
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        refused.problem(409, "sold_out");
    }
    assert!(placed >= 3, "{placed}");
    assert_eq!(i64::try_from(placed), Ok(app.rows("holds")));
    assert_eq!(app.number("SELECT max(held) FROM inventory"), 3);
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_payments_of_one_hold_authorise_once() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let held = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    let answers = at_once((0..10).map(|_| {
        let (ada, hold_id) = (ada.clone(), held["hold_id"].clone());
        async move { ada.pay(&hold_id, "pm_card_visa").await }
    }))
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        let code = refused.json()["code"].clone();
        assert!(code == "payment_in_progress" || code == "already_paid", "{}", refused.text);
        assert_eq!(refused.status, 409);
    }
    assert_eq!((app.rows("payments"), app.rows("simulator_intents")), (1, 1));
    assert_eq!(app.text("SELECT status FROM payments"), "authorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn five_confirmations_of_one_hold_make_one_booking() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    let held = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    ada.pay(&held["hold_id"], "pm_card_visa").await.ok(201);
    let answers = at_once((0..5).map(|_| {
        let (ada, hold_id) = (ada.clone(), held["hold_id"].clone());
        async move { ada.confirm(&hold_id).await }
    }))
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    let booking_id = app.text("SELECT booking_id FROM bookings");
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(refused.problem(409, "hold_converted")["booking_id"], json!(booking_id));
    }
    assert_eq!(app.number("SELECT count(*) FROM jobs WHERE kind = 'capture'"), 1);
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn confirming_and_giving_back_at_once_do_one_of_the_two() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::with(&app, &Terms { capacity: 12, ..Terms::default() });
    let (mut booked, mut released) = (0, 0);
    for round in 0..12 {
        let held = ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
        ada.pay(&held["hold_id"], "pm_card_visa").await.ok(201);
        let (confirming, releasing) = (ada.clone(), ada.clone());
        let (hold_id, path) = (held["hold_id"].clone(), format!("/holds/{}", held["hold_id"].as_str().expect("an id")));
        let confirm = tokio::spawn(async move { confirming.confirm(&hold_id).await });
        if round % 3 == 0 {
            // A head start now and then, so that both ends occur.
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let release = releasing.delete(&path).await;
        let confirm = confirm.await.expect("an answer");
        match confirm.status {
            201 => {
                release.problem(409, "hold_converted");
                booked += 1;
            }
            _ => {
                confirm.problem(410, "hold_released");
                release.ok(204);
                released += 1;
            }
        }
        app.verified();
    }
    assert_eq!(hotel.stock(&app, hotel.day(10)), (0, booked));
    // In the end the money of each hold is taken or given back, never both, never neither.
    let settled = "SELECT count(*) FROM payments WHERE status IN ('captured', 'voided')";
    for _ in 0..100 {
        if app.number(settled) == 12 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let payments = |status: &str| app.number(&format!("SELECT count(*) FROM payments WHERE status = '{status}'"));
    assert_eq!((payments("captured"), payments("voided")), (i64::from(booked), i64::from(released)));
    let intents =
        |status: &str| app.number(&format!("SELECT count(*) FROM simulator_intents WHERE status = '{status}'"));
    assert_eq!((intents("captured"), intents("voided")), (i64::from(booked), i64::from(released)));
}
