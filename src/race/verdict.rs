//! What counts as a fault. Pure: from what was seen to what is wrong with it.

use std::collections::BTreeSet;

use serde::Serialize;

use super::hotel::Night;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// More rooms given away than there are.
    Oversold,
    /// A room that nobody got though somebody wanted it, or that somebody was told to have and has not.
    Lost,
    /// Money taken, and no booking.
    PaidWithoutBooking,
    /// A booking whose money was not taken.
    Unpaid,
    /// A 5xx but 503 with Retry-After.
    ServerError,
    /// A call without a definite answer, however often it was sent.
    Unanswered,
    /// The server did not say what is needed to judge.
    Unchecked,
}

/// Something wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// From 1; none where it is about the whole race.
    pub round: Option<usize>,
    pub kind: Kind,
    pub says: String,
}

impl Fault {
    /// `round` counts from 0.
    pub fn new(round: Option<usize>, kind: Kind, says: impl Into<String>) -> Self {
        Self { round: round.map(|number| number + 1), kind, says: says.into() }
    }
}

/// What is known of a round that is over.
#[derive(Clone, Debug)]
pub struct Seen {
    pub rooms: usize,
    /// Nights of the stay.
    pub nights_asked: usize,
    pub clients: usize,
    pub pays: bool,
    /// Guests who were told that they hold a room.
    pub winners: usize,
    /// Of these, those whose payment was authorised.
    pub paid: usize,
    /// Of these, those whose booking was confirmed.
    pub booked: usize,
    /// Why guests never learned how it ended.
    pub unanswered: Vec<String>,
    /// Holds and bookings that guests were told of and the server has not, or not so.
    pub missing: Vec<String>,
    /// The stock on the nights of the stay.
    pub nights: Vec<Night>,
}

/// What is to be said of a round.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Nights that the stock shows.
    pub nights: usize,
    /// Of these, those with more rooms held and sold than there are.
    pub oversold_nights: usize,
    pub faults: Vec<Fault>,
}

/// Judges a round.
pub fn judge(round: usize, seen: &Seen) -> Verdict {
    let oversold = seen.nights.iter().filter(|night| is_oversold(**night, seen.rooms)).count();
    Verdict { nights: seen.nights.len(), oversold_nights: oversold, faults: faults(round, seen) }
}

fn faults(round: usize, seen: &Seen) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut fault = |kind, says: String| faults.push(Fault::new(Some(round), kind, says));
    let Seen { rooms, clients, winners, paid, booked, .. } = *seen;
    if winners > rooms {
        fault(Kind::Oversold, format!("{winners} guests were given one of {rooms} rooms"));
    }
    if winners < rooms.min(clients) {
        let (left, without) = (rooms - winners, clients - winners);
        fault(Kind::Lost, format!("{left} of {rooms} rooms were left, and {without} guests went without"));
    }
    if seen.nights.len() != seen.nights_asked {
        fault(Kind::Unchecked, format!("the stock shows {} of {} nights", seen.nights.len(), seen.nights_asked));
    }
    for night in &seen.nights {
        let (date, sellable, held, sold) = (night.date, night.sellable(), night.held, night.sold);
        if is_oversold(*night, rooms) {
            fault(Kind::Oversold, format!("{date}: {held} held and {sold} sold of {sellable}"));
        }
        if seen.unanswered.is_empty() && (held, sold) != (count(winners - booked), count(booked)) {
            let told = format!("{} are held and {booked} sold by what guests were told", winners - booked);
            fault(Kind::Lost, format!("{date}: {held} held and {sold} sold, but {told}"));
        }
    }
    for missing in &seen.missing {
        fault(Kind::Lost, format!("a guest was told of it, but {missing}"));
    }
    if paid > booked {
        fault(Kind::PaidWithoutBooking, format!("{paid} guests paid, and {booked} have a booking"));
    }
    if seen.pays && paid < winners {
        fault(Kind::Lost, format!("{winners} guests held a room, and {paid} could pay for it"));
    }
    for why in &seen.unanswered {
        fault(Kind::Unanswered, why.clone());
    }
    faults
}

/// Whether more rooms of a night are given away than it has, by its own word or by what the race made.
fn is_oversold(night: Night, rooms: usize) -> bool {
    night.taken() > night.sellable() || night.taken() > count(rooms)
}

fn count(rooms: usize) -> i64 {
    i64::try_from(rooms).unwrap_or(i64::MAX)
}

/// What is wrong with the bookings of one guest, when all is over: what they were told of, and what their list has.
pub fn judge_bookings(told: &BTreeSet<String>, listed: &BTreeSet<String>) -> Vec<Fault> {
    let lost = told.difference(listed);
    let lost = lost.map(|id| Fault::new(None, Kind::Lost, format!("booking {id} is not in its guest's list")));
    let unknown = listed.difference(told);
    let unknown = unknown.map(|id| Fault::new(None, Kind::Oversold, format!("nobody was told of booking {id}")));
    lost.chain(unknown).collect()
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    fn night(held: i64, sold: i64) -> Night {
        Night { date: NaiveDate::MIN, capacity: 1, out_of_service: 0, allowance: 0, held, sold }
    }

    /// Ten guests, one room, one of them has it.
    fn sound() -> Seen {
        Seen {
            rooms: 1,
            nights_asked: 1,
            clients: 10,
            pays: false,
            winners: 1,
            paid: 0,
            booked: 0,
            unanswered: vec![],
            missing: vec![],
            nights: vec![night(1, 0)],
        }
    }

    fn kinds(seen: &Seen) -> Vec<Kind> {
        let kinds: BTreeSet<_> = faults(0, seen).into_iter().map(|fault| fault.kind).collect();
        kinds.into_iter().collect()
    }

    #[test]
    fn one_winner_of_one_room_is_sound_and_so_is_one_who_paid() {
        assert_eq!(faults(0, &sound()), vec![]);
        let booked = Seen { pays: true, paid: 1, booked: 1, nights: vec![night(0, 1)], ..sound() };
        assert_eq!(faults(0, &booked), vec![]);
        // Fewer guests than rooms: each has one, and rooms may be left.
        let roomy = Seen { rooms: 20, winners: 10, nights: vec![Night { capacity: 20, ..night(10, 0) }], ..sound() };
        assert_eq!(faults(0, &roomy), vec![]);
    }

    #[test]
    fn two_winners_of_one_room_are_oversold_whatever_the_stock_says() {
        let two = Seen { winners: 2, nights: vec![night(2, 0)], ..sound() };
        assert_eq!(kinds(&two), [Kind::Oversold]);
        assert_eq!(judge(0, &two).oversold_nights, 1);
        assert_eq!(faults(3, &two).first().and_then(|fault| fault.round), Some(4));
        let hidden = Seen { winners: 2, ..sound() };
        assert_eq!(kinds(&hidden), [Kind::Oversold, Kind::Lost]);
        let stretched = Seen { winners: 2, nights: vec![Night { capacity: 2, ..night(2, 0) }], ..sound() };
        assert_eq!(kinds(&stretched), [Kind::Oversold]);
    }

    #[test]
    fn a_night_with_more_taken_than_told_is_a_fault_even_with_one_winner() {
        assert_eq!(kinds(&Seen { nights: vec![night(1, 1)], ..sound() }), [Kind::Oversold, Kind::Lost]);
        let two_rooms =
            |held| Seen { rooms: 2, winners: 2, nights: vec![Night { capacity: 2, ..night(held, 0) }], ..sound() };
        assert_eq!(kinds(&two_rooms(2)), []);
        assert_eq!(kinds(&two_rooms(1)), [Kind::Lost]);
        assert_eq!(kinds(&Seen { nights: vec![], ..sound() }), [Kind::Unchecked]);
    }

    #[test]
    fn a_room_that_is_left_while_somebody_goes_without_is_lost() {
        assert_eq!(kinds(&Seen { winners: 0, nights: vec![night(0, 0)], ..sound() }), [Kind::Lost]);
        assert_eq!(kinds(&Seen { missing: vec!["/holds/1 is 404".to_owned()], ..sound() }), [Kind::Lost]);
    }

    #[test]
    fn money_without_a_booking_and_a_hold_that_could_not_be_paid_are_told_apart() {
        let paid = Seen { pays: true, paid: 1, ..sound() };
        assert_eq!(kinds(&paid), [Kind::PaidWithoutBooking]);
        assert_eq!(kinds(&Seen { pays: true, ..sound() }), [Kind::Lost]);
    }

    #[test]
    fn who_was_never_answered_may_have_the_room_but_is_told() {
        let silent = Seen { winners: 0, unanswered: vec!["no answer".to_owned()], ..sound() };
        assert_eq!(kinds(&silent), [Kind::Lost, Kind::Unanswered]);
    }

    #[test]
    fn a_guests_list_has_what_the_guest_was_told_of_and_nothing_else() {
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>();
        let kinds = |told: &[&str], listed: &[&str]| {
            judge_bookings(&ids(told), &ids(listed)).into_iter().map(|fault| fault.kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds(&["a"], &["a"]), []);
        assert_eq!(kinds(&["a"], &[]), [Kind::Lost]);
        assert_eq!(kinds(&["a"], &["a", "b"]), [Kind::Oversold]);
    }
}
