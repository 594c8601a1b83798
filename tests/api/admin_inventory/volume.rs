//! A chain's size: how long a bulk change takes, what it needs, and what guests notice of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use super::{items, manager_of, path};
use crate::support::program::Serving;
use crate::support::{Guest, Hotel, Terms, TestApp};

/// How much of everything.
struct Size {
    room_types: i32,
    nights: u64,
    guests: u64,
    /// Of each guest.
    quotes: usize,
    rounds: i64,
}

const SMALL: Size = Size { room_types: 10, nights: 100, guests: 3, quotes: 8, rounds: 2 };
/// 182,500 nights.
const CHAIN: Size = Size { room_types: 250, nights: 730, guests: 8, quotes: 240, rounds: 5 };

/// The hotel with so many room types more, all sold by its plan, and by another that has no price yet.
fn grow(app: &TestApp, hotel: &Hotel, size: &Size) -> Uuid {
    let other_plan = Uuid::now_v7();
    let Size { room_types, nights, .. } = size;
    let plan = hotel.rate_plan_id;
    app.execute(&format!(
        "INSERT INTO rate_plans (hotel_id, rate_plan_id, name, meal_plan, payment_policy)
         SELECT hotel_id, '{other_plan}', 'Half board', 'half_board', 'prepaid' FROM hotels;
         INSERT INTO room_types (hotel_id, room_type_id, name, max_adults, max_children, max_occupancy)
         SELECT hotel_id, gen_random_uuid(), 'Room ' || n, 2, 2, 3 FROM hotels, generate_series(2, {room_types}) n;
         INSERT INTO rate_plan_room_types SELECT hotel_id, rate_plan_id, room_type_id FROM rate_plans JOIN room_types USING (hotel_id)
         ON CONFLICT DO NOTHING;
         INSERT INTO inventory (hotel_id, room_type_id, stay_date, capacity)
         SELECT hotel_id, room_type_id, '{today}'::date + n, 10 FROM room_types, generate_series(0, {nights} - 1) n
         ON CONFLICT DO NOTHING;
         INSERT INTO rates (hotel_id, rate_plan_id, room_type_id, stay_date, price)
         SELECT hotel_id, '{plan}', room_type_id, '{today}'::date + n, 10000 FROM room_types, generate_series(0, {nights} - 1) n
         ON CONFLICT DO NOTHING;
         ANALYZE",
        today = hotel.today,
    ));
    other_plan
}

/// What guests met with: how long a hold took, and how it ended.
#[derive(Default)]
struct Met {
    took: Vec<Duration>,
    ended: BTreeMap<u16, usize>,
}

impl Met {
    fn tell(&mut self, when: &str) {
        self.took.sort();
        let at = |percent: usize| self.took.get((self.took.len() * percent / 100).min(self.took.len() - 1));
        eprintln!(
            "guests {when}: {} holds, p50 {:.0?}, p99 {:.0?}, longest {:.0?}, {:?}",
            self.took.len(),
            at(50).expect("some"),
            at(99).expect("some"),
            self.took.last().expect("some"),
            self.ended
        );
    }
}

/// A guest with quotes of many room types.
async fn with_quotes(app: &TestApp, address: &str, hotel: &Hotel, no: u64, quotes: usize) -> (Guest, Vec<Value>) {
    let ada = app.guest().behind(address);
    let offers = ada.get(&format!("/hotels/{}/offers?{}", hotel.id(), hotel.stay(10 + no, 12 + no))).await.ok(200);
    let offers = offers["data"].as_array().expect("offers").iter().cycle().take(quotes);
    let mut quoted = Vec::new();
    for offer in offers {
        quoted.push(ada.quote(&offer["offer_id"]).await["quote_id"].clone());
    }
    (ada, quoted)
}

/// Holds and gives back, until told to stop or out of quotes; so many of them stay.
async fn book(guests: &mut [(Guest, Vec<Value>)], stop: Arc<AtomicBool>, stay: usize) -> Met {
    let walks = guests.iter_mut().map(|(ada, quotes)| {
        let (ada, stop) = (ada.clone(), stop.clone());
        let mut quotes = std::mem::take(quotes);
        tokio::spawn(async move {
            let mut met = Met::default();
            while !stop.load(Ordering::Relaxed) && quotes.len() > stay {
                let Some(quote_id) = quotes.pop() else { break };
                let began = Instant::now();
                let held = ada.hold(&quote_id).await;
                met.took.push(began.elapsed());
                *met.ended.entry(held.status).or_default() += 1;
                if held.status == 201 {
                    let hold = format!("/holds/{}", held.json()["hold_id"].as_str().expect("an id"));
                    for _ in 0..10 {
                        if ada.delete(&hold).await.status == 204 {
                            break;
                        }
                    }
                } else {
                    held.problem(503, "busy");
                    assert!(held.header("retry-after").is_some(), "{}", held.text);
                }
            }
            (met, quotes)
        })
    });
    let walks: Vec<_> = walks.collect();
    let mut all = Met::default();
    for (walk, (_, left)) in walks.into_iter().zip(guests) {
        let (met, quotes) = walk.await.expect("a walk");
        all.took.extend(met.took);
        met.ended.into_iter().for_each(|(status, count)| *all.ended.entry(status).or_default() += count);
        *left = quotes;
    }
    all
}

/// One call for every night of the hotel.
async fn bulk(staff: &Guest, path: &str, mut of_one: impl FnMut(&str) -> Value, room_types: &[String]) -> Value {
    let all: Vec<_> = room_types.iter().map(|room_type| of_one(room_type)).collect();
    let body = items(&all);
    let (bytes, began) = (body.to_string().len(), Instant::now());
    let done = staff.patch_many(path, body).await.ok(200);
    eprintln!("{path}: {done} in {:.2?}, {} KiB", began.elapsed(), bytes / 1024);
    done
}

/// The most memory that a process had at a time, in MiB.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() / 1024
}

/// A hotel of this size has all of its nights changed at once, while guests go on.
async fn of_size(size: Size) {
    let app = TestApp::start().await;
    let hotel = Hotel::with(&app, &Terms { capacity: 10, ..Terms::default() });
    let other_plan = grow(&app, &hotel, &size);
    let folder = tempfile::tempdir().expect("a folder");
    let serving = Serving::beside(&app, folder.path(), &[]);
    let staff = manager_of(&app, &hotel).await.behind(&serving.address);
    let room_types: Vec<String> =
        app.text("SELECT string_agg(room_type_id::text, ' ') FROM room_types").split(' ').map(str::to_owned).collect();
    let mut guests = Vec::new();
    for no in 0..size.guests {
        guests.push(with_quotes(&app, &serving.address, &hotel, no, size.quotes).await);
    }
    let nights = i64::from(size.room_types) * i64::try_from(size.nights).expect("few");
    let (from, to) = (hotel.day(0), hotel.day(size.nights));

    let stop = Arc::new(AtomicBool::new(false));
    let alone = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.store(true, Ordering::Relaxed);
    };
    tokio::join!(book(&mut guests, stop.clone(), size.quotes / 2), alone).0.tell("alone");
    eprintln!("peak memory of the server {} MiB", peak(serving.pid()));

    stop.store(false, Ordering::Relaxed);
    let changing = async {
        for round in 1..=size.rounds {
            let of_one = |room_type: &str| json!({ "room_type_id": room_type, "from": from, "to": to, "set": { "capacity": 10 + round } });
            let done = bulk(&staff, &path(&hotel), of_one, &room_types).await;
            assert_eq!((&done["nights"], &done["changed"]), (&json!(nights), &json!(nights)));
        }
        stop.store(true, Ordering::Relaxed);
    };
    let (mut met, ()) = tokio::join!(book(&mut guests, stop.clone(), 0), changing);
    met.tell("during the changes of inventory");
    assert!(met.ended.keys().all(|status| [201, 503].contains(status)), "{:?}", met.ended);
    assert!(met.ended.get(&201) > Some(&0), "{:?}", met.ended);

    for price in [10_000, 11_000] {
        let of_one = |room_type: &str| {
            json!({
                "rate_plan_id": other_plan, "room_type_id": room_type, "from": from, "to": to,
                "set": { "price": { "amount": price, "currency": "EUR" } }
            })
        };
        let done = bulk(&staff, &path(&hotel).replace("inventory", "rates"), of_one, &room_types).await;
        assert_eq!(done["changed"], nights, "{done}");
    }
    eprintln!("peak memory of the server {} MiB", peak(serving.pid()));
    assert_eq!(
        app.number(&format!("SELECT count(*) FROM inventory WHERE capacity = {} AND held = 0", 10 + size.rounds)),
        nights
    );
    app.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_go_on_while_all_nights_are_changed() {
    of_size(SMALL).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "slow: 182,500 nights several times over, 2 minutes"]
async fn bulk_figures() {
    of_size(CHAIN).await;
}
