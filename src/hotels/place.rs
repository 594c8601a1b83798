//! Where a hotel is: cities by name, found however they are typed; countries by code; points on the globe.

use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A point on the globe, in degrees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Location {
    #[garde(range(min = -90.0, max = 90.0))]
    pub lat: f64,
    #[garde(range(min = -180.0, max = 180.0))]
    pub lon: f64,
}

/// A country's code, ISO 3166-1 alpha-2 by its shape: two letters, in upper case however they are typed.
#[must_use]
pub fn country_code(text: &str) -> Option<String> {
    let code = text.to_ascii_uppercase();
    (code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())).then_some(code)
}

/// Folds a city for comparison: ASCII, lower case, words apart by one space, and French postal forms ("PARIS 10E
/// ARRONDISSEMENT", "LYON CEDEX 03") folded into their city.
#[must_use]
pub fn city_key(city: &str) -> String {
    let ascii = deunicode::deunicode(city).to_lowercase();
    let words: Vec<&str> = ascii.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let is_form = |word: &&str| matches!(*word, "cedex" | "arrondissement" | "arrdt" | "arr");
    // A form stands behind a name; a city of that name keeps it.
    let end = words.iter().skip(1).position(is_form).map(|at| at + 1);
    let (mut words, postal) = match end {
        Some(at) => (words.get(..at).unwrap_or_default().to_vec(), true),
        None => (words, false),
    };
    let divided = matches!(words.first(), Some(&("paris" | "lyon" | "marseille")));
    while words.len() > 1 && (postal || divided) && words.last().is_some_and(|word| is_ordinal(word)) {
        words.pop();
    }
    // "VERSAILLES - 78000".
    if words.len() > 1 && words.last().is_some_and(|word| word.len() == 5 && word.bytes().all(|b| b.is_ascii_digit())) {
        words.pop();
    }
    words.join(" ")
}

/// `10`, `1er`, `10e`, `10eme`.
fn is_ordinal(word: &str) -> bool {
    let digits = word.trim_start_matches(|c: char| c.is_ascii_digit());
    digits.len() < word.len() && matches!(digits, "" | "e" | "er" | "eme" | "th" | "st" | "nd" | "rd")
}

#[cfg(test)]
mod tests {
    use super::city_key;

    #[test]
    fn forms_of_one_city_fold_together() {
        for form in ["Paris", "PARIS", "París", "PARIS 10E ARRONDISSEMENT", "Paris 1er", "paris-16", "PARIS CEDEX 08"]
        {
            assert_eq!(city_key(form), "paris", "{form}");
        }
        assert_eq!(city_key("Saint-Étienne"), "saint etienne");
        assert_eq!(city_key("SAINT ETIENNE CEDEX 1"), "saint etienne");
        assert_eq!(city_key("VERSAILLES - 78000"), "versailles");
        assert_eq!(city_key("LE TOUQUET-PARIS-PLAGE"), "le touquet paris plage");
        assert_eq!(city_key("São Paulo"), "sao paulo");
        assert_eq!(city_key("1770"), "1770");
        assert_eq!(city_key("ARR"), "arr");
    }
}
