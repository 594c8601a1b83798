//! A hotel's history as its two files tell it: what was booked, and what happened in which order.
//!
//! The files are read line by line, and kept as a few dozen bytes a booking and an event. Whatever does not fit together
//! is found before anything is replayed.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;
use std::str::FromStr;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::input::{BadInput, Strict};
use crate::import::file::Line;
use crate::kernel::money::{Currency, round_half_up};
use crate::kernel::stay::{Stay, date};
use crate::rates::plan::MAX_AMOUNT;
use crate::text_enum;

/// The columns that the file of bookings must have, and may have; others are passed over.
pub const BOOKING_COLUMNS: [&str; 7] =
    ["booking_no", "arrival", "departure", "nights", "adults", "reserved_room_type", "adr"];
const BOOKING_OPTIONAL: [&str; 1] = ["hotel"];
/// The columns that the file of events must have.
pub const EVENT_COLUMNS: [&str; 3] = ["date", "event", "booking_no"];

text_enum! {
    /// What happened to a booking.
    pub enum Kind {
        Create = "CREATE",
        Cancel = "CANCEL",
        CheckIn = "CHECKIN",
        NoShow = "NOSHOW",
        CheckOut = "CHECKOUT",
    }
}

/// A booking as it was asked for: one room.
#[derive(Clone, Debug)]
pub struct Asked {
    pub no: u64,
    /// Among the history's room types.
    pub room_type: usize,
    pub arrival: NaiveDate,
    /// None: fewer than one night or one adult. Such a booking is invalid, and nothing else makes it so.
    pub stay: Option<Stay>,
    pub adults: i16,
    /// The average daily rate, in minor units. A rate below 0 is a correction, and nothing is due for the night.
    pub nightly: i64,
}

/// Something that happened, on a business day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    pub date: NaiveDate,
    /// Its place in the day: what is in the same one may happen in any order.
    pub phase: u8,
    pub kind: Kind,
    /// Among the history's bookings.
    pub booking: usize,
}

/// What is to be replayed.
#[derive(Clone, Debug)]
pub struct History {
    pub hotel: String,
    /// By name, each once.
    pub room_types: Vec<String>,
    pub bookings: Vec<Asked>,
    /// In their order: by day, phase of the day and booking number.
    pub events: Vec<Event>,
}

/// What has become of a booking so far.
#[derive(Clone, Copy, Debug)]
enum Standing {
    Unknown,
    Created(NaiveDate),
    In(NaiveDate),
    Ended,
}

impl History {
    /// Reads both files, the rates as amounts of `currency`.
    pub fn read(bookings: &Path, events: &Path, currency: Currency) -> Result<Self, BadInput> {
        let mut history =
            Self { hotel: String::new(), room_types: Vec::new(), bookings: Vec::new(), events: Vec::new() };
        // Opened first, so that a file that is not there is told before the other is read.
        let mut file = Strict::open(events, &EVENT_COLUMNS, &[])?;
        let by_no = history.read_bookings(bookings, currency)?;
        let mut standing = vec![Standing::Unknown; history.bookings.len()];
        let mut last = None;
        while let Some(line) = file.read()? {
            let event = history.event(&line, &by_no, &mut standing).map_err(|why| file.refuse(line.number, why))?;
            let place = (event.date, event.phase, history.bookings.get(event.booking).map(|asked| asked.no));
            if last.is_some_and(|last| last >= place) {
                return Err(file.refuse(line.number, "the event is out of order: it belongs above the line before it"));
            }
            last = Some(place);
            history.events.push(event);
        }
        Ok(history)
    }

    /// Where each booking stands, by its number.
    fn read_bookings(&mut self, path: &Path, currency: Currency) -> Result<HashMap<u64, usize>, BadInput> {
        let mut file = Strict::open(path, &BOOKING_COLUMNS, &BOOKING_OPTIONAL)?;
        let mut types = HashMap::new();
        let mut by_no = HashMap::new();
        while let Some(line) = file.read()? {
            let asked = self.asked(&line, &mut types, currency).map_err(|why| file.refuse(line.number, why))?;
            match by_no.entry(asked.no) {
                Entry::Vacant(entry) => entry.insert(self.bookings.len()),
                Entry::Occupied(_) => {
                    return Err(file.refuse(line.number, format!("booking {} stands above already", asked.no)));
                }
            };
            if self.hotel.is_empty() {
                line.field(BOOKING_COLUMNS.len()).clone_into(&mut self.hotel);
            }
            self.bookings.push(asked);
        }
        Ok(by_no)
    }

    fn asked(&mut self, line: &Line, types: &mut HashMap<String, usize>, currency: Currency) -> Result<Asked, String> {
        let [no, arrival, departure, nights, adults, room_type, adr] = std::array::from_fn(|column| line.field(column));
        let no = number(no, "booking_no")?;
        let (arrival, departure) = (day(arrival, "arrival")?, day(departure, "departure")?);
        let nights: i64 = number(nights, "nights")?;
        if nights != departure.signed_duration_since(arrival).num_days() {
            return Err(format!("{nights} nights are not what lies between arrival and departure"));
        }
        if room_type.is_empty() {
            return Err("reserved_room_type is empty".to_owned());
        }
        let adults: i16 = number(adults, "adults")?;
        let stay = (nights >= 1 && adults >= 1).then(|| Stay::new(arrival, departure)).transpose();
        let rate: Decimal = adr.parse().map_err(|_| "adr is not a number".to_owned())?;
        let unit = Decimal::from(10i64.pow(u32::from(currency.exponent())));
        let nightly = rate.max(Decimal::ZERO).checked_mul(unit).and_then(|minor| round_half_up(minor).ok());
        Ok(Asked {
            no,
            room_type: match types.get(room_type) {
                Some(known) => *known,
                None => {
                    types.insert(room_type.to_owned(), self.room_types.len());
                    self.room_types.push(room_type.to_owned());
                    self.room_types.len() - 1
                }
            },
            arrival,
            stay: stay.map_err(|error| error.to_string())?,
            adults,
            nightly: nightly.filter(|minor| *minor <= MAX_AMOUNT).ok_or("adr is too high")?,
        })
    }

    fn event(&self, line: &Line, by_no: &HashMap<u64, usize>, standing: &mut [Standing]) -> Result<Event, String> {
        let [date, event, no] = std::array::from_fn(|column| line.field(column));
        let (date, no) = (day(date, "date")?, number::<u64>(no, "booking_no")?);
        let kind = Kind::ALL.iter().copied().find(|kind| kind.as_str() == event);
        let kind = kind.ok_or("event is none of CREATE, CANCEL, CHECKIN, NOSHOW, CHECKOUT")?;
        let unknown = || format!("the event is about booking {no}, which the file of bookings does not have");
        let booking = *by_no.get(&no).ok_or_else(unknown)?;
        let (Some(asked), Some(standing)) = (self.bookings.get(booking), standing.get_mut(booking)) else {
            return Err(unknown());
        };
        let (phase, next) = follow(kind, *standing, date)
            .ok_or_else(|| format!("the event is out of order: {kind} of booking {no}, which {}", standing.told()))?;
        if matches!(kind, Kind::CheckIn | Kind::NoShow) && date < asked.arrival {
            return Err(format!("the event is out of order: {kind} of booking {no} before its arrival"));
        }
        *standing = next;
        Ok(Event { date, phase, kind, booking })
    }

    /// The first and the last business day.
    #[must_use]
    pub fn span(&self) -> Option<(NaiveDate, NaiveDate)> {
        Some((self.events.first()?.date, self.events.last()?.date))
    }
}

/// The phase of the day that the event belongs to, and how the booking stands then. None: nothing leads there.
///
/// A day has seven phases: those leave who came on an earlier day; cancellations of what was booked on an earlier day;
/// new bookings; cancellations of these; arrivals; no-shows; those leave who came this day.
fn follow(kind: Kind, standing: Standing, today: NaiveDate) -> Option<(u8, Standing)> {
    match (kind, standing) {
        (Kind::CheckOut, Standing::In(day)) if day < today => Some((0, Standing::Ended)),
        (Kind::Cancel, Standing::Created(day)) if day < today => Some((1, Standing::Ended)),
        (Kind::Create, Standing::Unknown) => Some((2, Standing::Created(today))),
        (Kind::Cancel, Standing::Created(_)) => Some((3, Standing::Ended)),
        (Kind::CheckIn, Standing::Created(_)) => Some((4, Standing::In(today))),
        (Kind::NoShow, Standing::Created(_)) => Some((5, Standing::Ended)),
        (Kind::CheckOut, Standing::In(_)) => Some((6, Standing::Ended)),
        _ => None,
    }
}

impl Standing {
    fn told(self) -> &'static str {
        match self {
            Self::Unknown => "was not created yet",
            Self::Created(_) => "was created and no more",
            Self::In(_) => "is checked in",
            Self::Ended => "has ended",
        }
    }
}

fn day(text: &str, column: &str) -> Result<NaiveDate, String> {
    date(text).ok_or_else(|| format!("{column} is not a date, YYYY-MM-DD"))
}

fn number<T: FromStr>(text: &str, column: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{column} is not a whole number, or too large"))
}
