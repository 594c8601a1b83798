//! Many at once: guests and staff at the same nights.

use std::time::Duration;

use serde_json::{Value, json};

use super::{item, items, manager_of, path};
use crate::support::{Guest, Hotel, Terms, TestApp};

/// A hotel with so many rooms, and guests with a quote each for the same night.
async fn world(capacity: i32, guests: usize) -> (TestApp, Hotel, Guest, Vec<(Guest, Value)>) {
    let app = TestApp::start().await;
    let hotel = Hotel::with(&app, &Terms { capacity, ..Terms::default() });
    let staff = manager_of(&app, &hotel).await;
    let mut quoted = Vec::new();
    for _ in 0..guests {
        let ada = app.guest();
        let quote = ada.quote(&ada.offer(&hotel.id(), &hotel.stay(10, 12)).await["offer_id"]).await;
        quoted.push((ada, quote["quote_id"].clone()));
    }
    (app, hotel, staff, quoted)
}

/// So many guests hold while capacity is cut from `rooms` down to `last`, one room at a time.
async fn race(guests: usize, rooms: i32, last: i32) {
    let (app, hotel, staff, quoted) = world(rooms, guests).await;
    let holding: Vec<_> = quoted
        .into_iter()
        .enumerate()
        .map(|(no, (ada, quote_id))| {
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(u64::try_from(no).expect("few"))).await;
                ada.hold(&quote_id).await
            })
        })
        .collect();
    let watched = format!("SELECT count(*) FROM inventory WHERE held + sold > capacity OR capacity < {last}");
    let (mut capacity, mut cut, mut refused) = (rooms, 0, 0);
    while holding.iter().any(|hold| !hold.is_finished()) {
        let wanted = (capacity - 1).max(last);
        let set = items(&[item(&hotel, hotel.day(0), hotel.day(60), json!({ "capacity": wanted }))]);
        match staff.patch_many(&path(&hotel), set).await {
            done if done.status == 200 => (capacity, cut) = (wanted, cut + 1),
            answer => {
                answer.problem(409, "capacity_below_commitments");
                refused += 1;
            }
        }
        assert_eq!(app.number(&watched), 0, "never more than there are rooms");
    }
    let mut placed = 0;
    for hold in holding {
        match hold.await.expect("an answer") {
            answer if answer.status == 201 => placed += 1,
            answer => drop(answer.problem(409, "sold_out")),
        }
    }
    assert_eq!(hotel.stock(&app, hotel.day(10)), (placed, 0));
    assert!(placed <= capacity, "{placed} rooms are held of {capacity}");
    assert!(placed >= last.min(i32::try_from(guests).expect("few")), "{placed} of {guests} guests got a room");
    app.verified();
    eprintln!("{guests} guests, {rooms} rooms: {placed} held, capacity {capacity} after {cut} cuts, {refused} refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_and_a_capacity_cut_never_meet_below_zero() {
    race(12, 12, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "slow: a hundred guests, 20 s"]
async fn a_hundred_guests_and_a_capacity_cut_never_meet_below_zero() {
    race(100, 100, 20).await;
}
