//! A history and what is to become of it, computed a second time and naively: a counter a night, one event after the
//! other. It shares no line with the product.

use std::collections::BTreeMap;
use std::path::Path;

use aws_lc_rs::digest;
use chrono::{Days, NaiveDate};
use liblzma::read::XzDecoder;
use serde_json::{Value, json};

/// One line, by column.
type Row = BTreeMap<String, String>;

/// The two files.
#[derive(Clone, Debug)]
pub struct History {
    pub bookings: Vec<Row>,
    pub events: Vec<Row>,
}

fn rows(path: &Path) -> Vec<Row> {
    let file = XzDecoder::new(std::fs::File::open(path).expect("the file"));
    csv::Reader::from_reader(file).deserialize().map(|row| row.expect("a line")).collect()
}

/// The rows as a file.
fn file(rows: &[Row]) -> String {
    let mut file = csv::Writer::from_writer(Vec::new());
    file.write_record(rows.first().expect("a row").keys()).expect("a line");
    for row in rows {
        file.write_record(row.values()).expect("a line");
    }
    String::from_utf8(file.into_inner().expect("a file")).expect("UTF-8")
}

impl History {
    pub fn read(bookings: &Path, events: &Path) -> Self {
        Self { bookings: rows(bookings), events: rows(events) }
    }

    /// The bookings for which `keep` is true, with their events.
    pub fn cut(mut self, keep: impl Fn(&Row) -> bool) -> Self {
        self.bookings.retain(keep);
        let kept: std::collections::BTreeSet<_> = self.bookings.iter().map(|row| row["booking_no"].clone()).collect();
        self.events.retain(|event| kept.contains(&event["booking_no"]));
        self
    }

    pub fn bookings_csv(&self) -> String {
        file(&self.bookings)
    }

    pub fn events_csv(&self) -> String {
        file(&self.events)
    }

    /// What is to become of it in a hotel with these rooms.
    pub fn play(&self, capacity: &[(&str, u32)]) -> Expected {
        let mut played = Expected {
            capacity: capacity.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect(),
            ..Expected::default()
        };
        let by_no: BTreeMap<&str, &Row> = self.bookings.iter().map(|row| (row["booking_no"].as_str(), row)).collect();
        for event in &self.events {
            let booking = by_no[event["booking_no"].as_str()];
            let no: u64 = event["booking_no"].parse().expect("a number");
            let room_type = &booking["reserved_room_type"];
            let nights = nights(booking);
            let adults: i64 = booking["adults"].parse().expect("a number");
            let state = match event["event"].as_str() {
                "CREATE" if nights.is_empty() || adults < 1 => {
                    played.invalid += 1;
                    continue;
                }
                "CREATE" => {
                    let rooms = played.capacity.get(room_type).copied().unwrap_or(0);
                    let key = |night: &NaiveDate| (room_type.clone(), *night);
                    if nights.iter().any(|night| played.nights.get(&key(night)).copied().unwrap_or(0) >= rooms) {
                        *played.rejected.entry(room_type.clone()).or_default() += 1;
                        continue;
                    }
                    for night in &nights {
                        *played.nights.entry(key(night)).or_default() += 1;
                        played.room_nights += 1;
                    }
                    played.bookings.insert(no, "confirmed");
                    continue;
                }
                _ if !played.bookings.contains_key(&no) => continue,
                "CANCEL" => {
                    for night in nights {
                        *played.nights.get_mut(&(room_type.clone(), night)).expect("a night") -= 1;
                    }
                    "cancelled"
                }
                "CHECKIN" => "checked_in",
                "CHECKOUT" => "checked_out",
                "NOSHOW" => "no_show",
                other => panic!("{other}"),
            };
            played.bookings.insert(no, state);
        }
        played
    }
}

fn nights(booking: &Row) -> Vec<NaiveDate> {
    let arrival: NaiveDate = booking["arrival"].parse().expect("a date");
    let nights: i64 = booking["nights"].parse().expect("a number");
    (0..nights.max(0)).map(|nth| arrival + Days::new(nth.unsigned_abs())).collect()
}

/// What became of a history.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    capacity: BTreeMap<String, u32>,
    /// The accepted ones, and how they ended.
    bookings: BTreeMap<u64, &'static str>,
    nights: BTreeMap<(String, NaiveDate), u32>,
    pub rejected: BTreeMap<String, u64>,
    pub invalid: u64,
    room_nights: u64,
}

impl Expected {
    pub fn accepted(&self) -> usize {
        self.bookings.len()
    }

    /// As the golden results are named.
    pub fn document(&self) -> Value {
        let nos: Vec<_> = self.bookings.keys().map(u64::to_string).collect();
        let hash = digest::digest(&digest::SHA256, nos.join("\n").as_bytes());
        let hash = hash.as_ref().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let most = |name: &String| self.nights.iter().filter(|((of, _), _)| of == name).map(|(_, n)| *n).max();
        let most: BTreeMap<_, _> = self.capacity.keys().map(|name| (name, most(name).unwrap_or(0))).collect();
        json!({
            "capacity": self.capacity,
            "total_rooms": self.capacity.values().sum::<u32>(),
            "accepted": self.bookings.len(),
            "rejected_full": self.rejected.values().sum::<u64>(),
            "rejected_invalid": self.invalid,
            "accepted_then_cancelled": self.bookings.values().filter(|state| **state == "cancelled").count(),
            "room_nights_finally_sold": self.nights.values().sum::<u32>(),
            "room_nights_accepted": self.room_nights,
            "final_max_occupancy_by_type": most,
            "sha256_accepted_booking_nos_newline_joined": hash,
            "rejected_by_type": self.rejected,
        })
    }

    /// A line an accepted booking: its number and state.
    pub fn states(&self) -> String {
        self.bookings.iter().map(|(no, state)| format!("{no} {state}")).collect::<Vec<_>>().join("\n")
    }

    /// A line a night with rooms sold: type, date, rooms.
    pub fn sold(&self) -> String {
        let sold = self.nights.iter().filter(|(_, rooms)| **rooms > 0);
        sold.map(|((name, night), rooms)| format!("{name} {night} {rooms}")).collect::<Vec<_>>().join("\n")
    }
}
