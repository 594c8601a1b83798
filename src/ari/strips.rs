//! Items that may overlap, cut into strips that do not: each night is in one strip, with all the items that name it.
//!
//! So a statement changes each night once, whatever the items say of it together.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::span::{Span, Weekdays};

/// Nights that the same items name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strip<K> {
    pub key: K,
    pub span: Span,
    /// By their positions, in order.
    pub items: Vec<usize>,
}

/// Cuts items, each of a key (what its nights are nights of) and a span, in the order of key and date.
pub fn cut<K: Ord + Copy>(items: &[(K, Span)]) -> Vec<Strip<K>> {
    let mut by_key: BTreeMap<K, Vec<(usize, Span)>> = BTreeMap::new();
    for (item, (key, span)) in items.iter().enumerate() {
        by_key.entry(*key).or_default().push((item, *span));
    }
    by_key.into_iter().flat_map(|(key, items)| cut_one(key, &items)).collect()
}

/// Between two neighbouring edges the items are the same, but for their weekdays.
fn cut_one<K: Copy>(key: K, items: &[(usize, Span)]) -> Vec<Strip<K>> {
    let edges: BTreeSet<NaiveDate> = items.iter().flat_map(|(_, span)| [span.from, span.to]).collect();
    let mut strips = Vec::new();
    for (&from, &to) in edges.iter().zip(edges.iter().skip(1)) {
        let inside: Vec<_> = items.iter().filter(|(_, span)| span.from <= from && to <= span.to).collect();
        let mut by_items: BTreeMap<Vec<usize>, Weekdays> = BTreeMap::new();
        for date in (Span { from, to, weekdays: Weekdays::ALL }).dates().take(7) {
            let day = Weekdays::of(date);
            let naming: Vec<_> =
                inside.iter().filter(|(_, span)| span.weekdays.meet(day)).map(|(item, _)| *item).collect();
            let days = by_items.entry(naming).or_insert(Weekdays::NONE);
            *days = days.with(day);
        }
        by_items.remove(&Vec::new());
        let strip = |(items, weekdays)| Strip { key, span: Span { from, to, weekdays }, items };
        strips.extend(by_items.into_iter().map(strip));
    }
    strips
}

/// Two items that set the same of one night: which of them is meant?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clash {
    pub first: usize,
    pub second: usize,
    pub field: &'static str,
    pub night: Option<NaiveDate>,
}

/// Each item that sets what one before it sets too, with the first such night; `sets` names what an item sets.
pub fn clashes<K>(strips: &[Strip<K>], sets: impl Fn(usize) -> Vec<&'static str>) -> Vec<Clash> {
    let mut found: BTreeMap<usize, Clash> = BTreeMap::new();
    for strip in strips {
        let mut setter: BTreeMap<&str, usize> = BTreeMap::new();
        for &second in &strip.items {
            for field in sets(second) {
                let first = *setter.entry(field).or_insert(second);
                if first != second {
                    let night = strip.span.dates().next();
                    found.entry(second).or_insert(Clash { first, second, field, night });
                }
            }
        }
    }
    found.into_values().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use chrono::Days;
    use proptest::prelude::*;

    use super::super::span::Weekday;
    use super::*;

    fn day(days: u64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2027, 1, 1).expect("a date") + Days::new(days)
    }

    fn span(from: u64, to: u64, weekdays: &[Weekday]) -> Span {
        Span { from: day(from), to: day(to), weekdays: weekdays.iter().copied().collect() }
    }

    #[test]
    fn items_that_lie_apart_stay_whole() {
        let (a, b) = (span(0, 10, Weekday::ALL), span(10, 20, Weekday::ALL));
        let strips = cut(&[('y', b), ('y', a), ('x', b)]);
        let seen: Vec<_> = strips.iter().map(|strip| (strip.key, strip.span, strip.items.clone())).collect();
        assert_eq!(seen, [('x', b, vec![2]), ('y', a, vec![1]), ('y', b, vec![0])]);
    }

    #[test]
    fn a_clash_is_of_one_field_on_one_night() {
        let weekend = span(0, 14, &[Weekday::Sat, Weekday::Sun]);
        let working = span(0, 14, &[Weekday::Mon, Weekday::Tue]);
        let sets = |item: usize| {
            [vec!["capacity"], vec!["capacity"], vec!["closed"], vec!["closed", "capacity"]][item].clone()
        };
        let all = span(3, 4, Weekday::ALL);
        let clashes = clashes(&cut(&[('x', weekend), ('x', working), ('x', all), ('x', all)]), sets);
        let expected = Clash { first: 2, second: 3, field: "closed", night: Some(day(3)) };
        assert_eq!(clashes, [expected], "one an item, though the working days' capacity clashes as well");
    }

    prop_compose! {
        fn a_span()(from in 0u64..40, days in 1u64..40, weekdays in prop::collection::vec(0usize..7, 1..7)) -> Span {
            let weekdays: Vec<_> = weekdays.into_iter().map(|day| Weekday::ALL[day]).collect();
            span(from, from + days, &weekdays)
        }
    }

    proptest! {
        #[test]
        fn each_night_is_in_one_strip_with_all_that_name_it(
            items in prop::collection::vec((0u8..3, a_span()), 0..12)
        ) {
            let mut naive: HashMap<(u8, NaiveDate), Vec<usize>> = HashMap::new();
            for (item, (key, span)) in items.iter().enumerate() {
                for date in span.dates() {
                    naive.entry((*key, date)).or_default().push(item);
                }
            }
            let mut cut_up = HashMap::new();
            for strip in cut(&items) {
                for date in strip.span.dates() {
                    prop_assert_eq!(cut_up.insert((strip.key, date), strip.items.clone()), None);
                }
            }
            prop_assert_eq!(cut_up, naive);
        }
    }
}
