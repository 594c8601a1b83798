//! The verifier: silent about a sound database, and loud about every breach.

mod breaches;
mod command;
mod volume;
mod world;

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::Error;
use lastroom::verify::{self, Line};
use serde_json::{Value, json};

use self::breaches::{BREACHES, Breach};
use self::world::World;
use crate::migrations::lines;
use crate::support::{Guest, Hotel, Start, Terms, TestApp, key};

/// The lines of broken invariants.
fn broken(lines: Vec<Line>) -> Vec<Line> {
    lines.into_iter().filter(|line| line.breaches > 0).collect()
}

/// What is wrong with how a breach is reported; nothing is left of it.
fn tried(world: &World, conn: &mut PgConnection, breach: &Breach) -> Option<String> {
    let mut wrong = None;
    let rolled_back = conn.transaction::<(), Error, _>(|conn| {
        conn.batch_execute("SET LOCAL session_replication_role = 'replica'")?;
        breach.without.map_or(Ok(()), |without| conn.batch_execute(without))?;
        let mut ids = lines(conn, &world.sql(breach.sql));
        assert!(!ids.is_empty(), "corrupts nothing: {}", breach.sql);
        ids.sort();
        let found = broken(verify::within(conn, |_| {}).expect("a database to examine").lines);
        let names: BTreeSet<_> = found.iter().map(|line| line.name).collect();
        let named = found.iter().find(|line| line.name == breach.found_by[0]);
        if names != breach.found_by.iter().copied().collect() || named.is_none_or(|line| line.ids != ids) {
            wrong = Some(format!("{:?}, which is to name {ids:?}:\n{}\n{found:#?}", breach.found_by, breach.sql));
        }
        Err(Error::RollbackTransaction)
    });
    assert!(matches!(rolled_back, Err(Error::RollbackTransaction)), "{}: {rolled_back:?}", breach.sql);
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn every_breach_is_found_by_name_and_id_and_by_nothing_else() {
    let world = World::new().await;
    let mut conn = world.app.connect();
    let wrong: Vec<_> = BREACHES.iter().filter_map(|breach| tried(&world, &mut conn, breach)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    world.app.verified();
}

/// How a guest's walk ends.
#[derive(Clone, Copy)]
enum Walk {
    Books,
    Cancels,
    GivesBack,
    IsDeclined,
    Lapses,
}

/// Holds the hotel for the stay, and on to the end.
async fn walk(guest: Guest, hotel_id: String, stay: String, end: Walk) {
    let offer = guest.offer(&hotel_id, &stay).await;
    let quote = guest.quote(&offer["offer_id"]).await;
    let hold_id = guest.hold(&quote["quote_id"]).await.ok(201)["hold_id"].clone();
    let method = match end {
        Walk::Lapses => return,
        Walk::IsDeclined => "pm_card_chargeDeclined",
        Walk::Books | Walk::Cancels | Walk::GivesBack => "pm_card_visa",
    };
    // Declined; or, on a slow machine, its time is over by now.
    if guest.pay(&hold_id, method).await.status != 201 {
        return;
    }
    let path = |of: &str, id: &Value| format!("/{of}/{}", id.as_str().expect("an id"));
    if let Walk::GivesBack = end {
        guest.delete(&path("holds", &hold_id)).await.ok(204);
        return;
    }
    let booking = guest.confirm(&hold_id).await.ok(201);
    if let Walk::Cancels = end {
        let cancel = path("bookings", &booking["booking_id"]) + "/cancel";
        guest.post_keyed(&cancel, &key(), json!({})).await.ok(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_under_way_is_no_breach() {
    let app = TestApp::start_with(Start::Migrated, |given| {
        given.hold_ttl_s = Some("2".to_owned());
        given.hold_limit = Some("1000".to_owned());
        given.sweep_interval_ms = Some("50".to_owned());
    })
    .await;
    let hotel = Hotel::with(&app, &Terms { capacity: 1000, ..Terms::default() });
    let mut guests = Vec::new();
    for guest_no in 0..4 {
        let (guest, hotel_id, stay) = (app.guest(), hotel.id(), hotel.stay(10, 13));
        guests.push(tokio::spawn(async move {
            let ends = [Walk::Books, Walk::IsDeclined, Walk::Cancels, Walk::GivesBack, Walk::Lapses];
            for end in ends.into_iter().cycle().skip(guest_no).take(15) {
                walk(guest.clone(), hotel_id.clone(), stay.clone(), end).await;
            }
        }));
    }
    let mut examined = 0;
    while !guests.iter().all(tokio::task::JoinHandle::is_finished) {
        tokio::task::block_in_place(|| app.verified());
        examined += 1;
    }
    for guest in guests {
        guest.await.expect("every answer as it should be");
    }
    assert!(examined > 3, "looked {examined} times only while they walked");
    assert_eq!(app.rows("holds"), 60);
    app.eventually("SELECT count(*) FROM holds WHERE status IN ('active', 'paying')", "0").await;
    app.eventually("SELECT count(*) FROM jobs WHERE done_at IS NULL", "0").await;
    app.verified();
}

#[test]
fn no_invariant_is_without_a_breach() {
    let found: BTreeSet<_> = BREACHES.iter().map(|breach| breach.found_by[0]).collect();
    let all: BTreeSet<_> = verify::checks().map(|check| check.name).collect();
    assert_eq!(found, all, "each has a breach in BREACHES that is made for it");
    assert_eq!(verify::checks().count(), all.len(), "each has a name of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capacity_corrupted_by_hand_is_refused_by_the_check_and_found_without_it() {
    let app = TestApp::start().await;
    let ada = app.guest();
    let hotel = Hotel::one_room(&app);
    ada.held(&hotel.id(), &hotel.stay(10, 12)).await;
    app.verified();
    let corrupt = "UPDATE inventory SET capacity = 0 WHERE held = 1";
    let refused = app.connect().batch_execute(corrupt);
    assert!(refused.is_err_and(|error| error.to_string().contains("inventory_never_oversold")));
    app.execute(&format!("ALTER TABLE inventory DROP CONSTRAINT inventory_never_oversold; {corrupt}"));
    let found = broken(verify::examine(&mut app.connect()).expect("a database to examine").lines);
    let [line] = &found[..] else { panic!("{found:?}") };
    assert_eq!((line.name, line.rows, line.breaches), ("stock.never_oversold", 60, 2));
    let night = |days| format!("{} {} {}", hotel.hotel_id, hotel.room_type_id, hotel.day(days));
    assert_eq!(line.ids, [night(10), night(11)]);
}
