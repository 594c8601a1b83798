//! One setting's text as its value.

use std::str::FromStr;
use std::time::Duration;

use super::ConfigError;

pub(super) fn text_of(value: toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(items) => {
            let items: Option<Vec<_>> = items.into_iter().map(text_of).collect();
            items.map(|items| items.join(","))
        }
        _ => None,
    }
}

pub(super) fn parsed<T: FromStr>(
    given: &Option<String>,
    setting: &str,
    default: T,
    rule: &str,
) -> Result<T, ConfigError> {
    match given {
        Some(text) => text.trim().parse().map_err(|_| ConfigError::new(setting, rule)),
        None => Ok(default),
    }
}

pub(super) fn range<T>(given: &Option<String>, setting: &str, default: T, min: T, max: T) -> Result<T, ConfigError>
where
    T: FromStr + PartialOrd + std::fmt::Display,
{
    let rule = format!("must be a whole number from {min} to {max}");
    let value = parsed(given, setting, default, &rule)?;
    if value < min || value > max { Err(ConfigError::new(setting, rule)) } else { Ok(value) }
}

/// Milliseconds between two looks at something.
pub(super) fn interval(given: &Option<String>, setting: &str, default_ms: u64) -> Result<Duration, ConfigError> {
    range(given, setting, default_ms, 10, 3_600_000).map(Duration::from_millis)
}

/// Seconds between two looks at something.
pub(super) fn interval_s(given: &Option<String>, setting: &str, default_s: u64) -> Result<Duration, ConfigError> {
    range(given, setting, default_s, 1, 86_400).map(Duration::from_secs)
}

pub(super) fn flag(given: &Option<String>, setting: &str, default: bool) -> Result<bool, ConfigError> {
    parsed(given, setting, default, "must be true or false")
}
