//! How many rooms of each type the hotel has.

use std::collections::BTreeMap;

use super::history::{History, Kind};
use super::input::BadInput;

/// The most rooms of a type: `inventory_capacity_range`.
const MAX_ROOMS: u32 = 100_000;

/// Rooms by room type. A type that is not in it has none.
pub type Capacity = BTreeMap<String, u32>;

/// Reads `type=n,…`.
pub fn parse(text: &str) -> Result<Capacity, BadInput> {
    let mut capacity = Capacity::new();
    for part in text.split(',') {
        let bad = |why: &str| BadInput::Capacity(format!("{why} in {part:?}; it is to be TYPE=ROOMS,TYPE=ROOMS"));
        let (room_type, rooms) = part.rsplit_once('=').ok_or_else(|| bad("there is no ="))?;
        let room_type = room_type.trim();
        if room_type.is_empty() {
            return Err(bad("there is no room type"));
        }
        let rooms = rooms.trim().parse().ok().filter(|rooms| *rooms <= MAX_ROOMS);
        let rooms = rooms.ok_or_else(|| bad(&format!("the rooms are not a number up to {MAX_ROOMS}")))?;
        if capacity.insert(room_type.to_owned(), rooms).is_some() {
            return Err(bad("the room type stands there twice"));
        }
    }
    Ok(capacity)
}

/// The most rooms of each type that the history ever had on its books for one night: with as many, nothing is rejected.
#[must_use]
pub fn on_the_books(history: &History) -> Capacity {
    let mut books: BTreeMap<_, u32> = BTreeMap::new();
    let mut peaks = Capacity::new();
    for event in &history.events {
        let Some(asked) = history.bookings.get(event.booking) else { continue };
        let (Some(stay), Some(room_type)) = (asked.stay, history.room_types.get(asked.room_type)) else { continue };
        for night in stay.dates() {
            let rooms = books.entry((asked.room_type, night)).or_default();
            match event.kind {
                Kind::Create => {
                    *rooms += 1;
                    let peak = peaks.entry(room_type.clone()).or_default();
                    *peak = (*peak).max(*rooms);
                }
                Kind::Cancel => *rooms = rooms.saturating_sub(1),
                Kind::CheckIn | Kind::NoShow | Kind::CheckOut => {}
            }
        }
    }
    peaks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_types_and_rooms() {
        let read = parse("A=306, B = 16,Deluxe=Twin=0").expect("a list");
        let expected = [("A", 306), ("B", 16), ("Deluxe=Twin", 0)].map(|(name, rooms)| (name.to_owned(), rooms));
        assert_eq!(read, Capacity::from(expected));
        for (text, why) in [
            ("", "no ="),
            ("A", "no ="),
            ("A=1,", "no ="),
            ("=1", "no room type"),
            ("A=", "not a number"),
            ("A=-1", "not a number"),
            ("A=1.5", "not a number"),
            ("A=100001", "not a number"),
            ("A=1,B=2,A=3", "twice"),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
