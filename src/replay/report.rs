//! What a replay came to. The names are those of the golden results that it is compared with.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::capacity::Capacity;
use super::history::{Asked, Event, History};
use super::step::Outcome;
use super::store::Sold;
use crate::kernel::ids::HotelId;
use crate::kernel::secret::sha256;

/// Counts by room type.
type ByType = BTreeMap<String, u64>;

/// What a replay came to, so far or in all.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub hotel_id: HotelId,
    pub hotel: String,
    pub concurrency: usize,
    pub seconds: f64,
    /// Bookings that were asked for, accepted or not, by second of the whole replay.
    pub bookings_per_second: f64,
    /// Lines of the file of bookings.
    pub rows: usize,
    /// Events by kind.
    pub events: BTreeMap<&'static str, u64>,
    pub capacity: Capacity,
    pub total_rooms: u64,
    pub accepted: u64,
    pub rejected_full: u64,
    pub rejected_invalid: u64,
    pub accepted_then_cancelled: u64,
    /// Nights of all accepted bookings.
    pub room_nights_accepted: u64,
    /// What the stock says is sold in the end.
    pub room_nights_finally_sold: i64,
    /// What the stock says is sold in the end on the busiest night.
    pub final_max_occupancy_by_type: BTreeMap<String, i32>,
    pub accepted_by_type: ByType,
    /// Of valid bookings; types without any are left out.
    pub rejected_by_type: ByType,
    /// Of the accepted booking numbers, from the smallest on, in decimal, with a line feed between each two.
    pub sha256_accepted_booking_nos_newline_joined: String,
    #[serde(skip)]
    accepted_nos: Vec<u64>,
}

impl Report {
    pub(super) fn new(hotel_id: HotelId, history: &History, capacity: &Capacity, concurrency: usize) -> Self {
        Self {
            hotel_id,
            hotel: history.hotel.clone(),
            concurrency,
            seconds: 0.0,
            bookings_per_second: 0.0,
            rows: history.bookings.len(),
            events: BTreeMap::new(),
            capacity: capacity.clone(),
            total_rooms: capacity.values().map(|rooms| u64::from(*rooms)).sum(),
            accepted: 0,
            rejected_full: 0,
            rejected_invalid: 0,
            accepted_then_cancelled: 0,
            room_nights_accepted: 0,
            room_nights_finally_sold: 0,
            final_max_occupancy_by_type: BTreeMap::new(),
            accepted_by_type: ByType::new(),
            rejected_by_type: ByType::new(),
            sha256_accepted_booking_nos_newline_joined: String::new(),
            accepted_nos: Vec::new(),
        }
    }

    /// Counts what became of an event.
    pub(super) fn count(&mut self, room_type: &str, asked: &Asked, event: Event, outcome: Outcome) {
        *self.events.entry(event.kind.as_str()).or_default() += 1;
        match outcome {
            Outcome::Accepted(_) => {
                self.accepted += 1;
                let nights = asked.stay.map_or(0, |stay| stay.dates().map(|_| 1).sum());
                self.room_nights_accepted += nights;
                *self.accepted_by_type.entry(room_type.to_owned()).or_default() += 1;
                self.accepted_nos.push(asked.no);
            }
            Outcome::Full => {
                self.rejected_full += 1;
                *self.rejected_by_type.entry(room_type.to_owned()).or_default() += 1;
            }
            Outcome::Invalid => self.rejected_invalid += 1,
            Outcome::Cancelled => self.accepted_then_cancelled += 1,
            Outcome::MovedOn | Outcome::Ignored => {}
        }
    }

    /// How long the events took.
    pub(super) fn take_time(&mut self, took: Duration) {
        self.seconds = took.as_secs_f64();
        let asked = u32::try_from(self.accepted + self.rejected_full + self.rejected_invalid).unwrap_or(u32::MAX);
        self.bookings_per_second = f64::from(asked) / self.seconds.max(0.001);
    }

    /// Adds what is known only in the end.
    pub(super) fn close(&mut self, sold: &[Sold]) {
        self.room_nights_finally_sold = sold.iter().map(|sold| sold.room_nights).sum();
        let most = |name: &String| sold.iter().find(|sold| sold.room_type == *name).map_or(0, |sold| sold.most);
        self.final_max_occupancy_by_type = self.capacity.keys().map(|name| (name.clone(), most(name))).collect();
        self.accepted_nos.sort_unstable();
        let nos: Vec<String> = self.accepted_nos.iter().map(u64::to_string).collect();
        let hash: Vec<String> = sha256(nos.join("\n").as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        self.sha256_accepted_booking_nos_newline_joined = hash.concat();
    }
}
