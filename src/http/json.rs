//! JSON, strictly: a key named twice is refused, unknown fields too, arrays for objects, and every refusal names its
//! field.

mod objects;

use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use self::objects::Objects;
use super::problem::{Code, FieldError, Problem};

const DUPLICATE: &str = "duplicate key";

/// Parses a body. 400 for what is not well-formed JSON, or names a key twice.
pub fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value)).map_err(
        |error| {
            let message = error.to_string();
            let code = if message.starts_with(DUPLICATE) { Code::DuplicateJsonKey } else { Code::MalformedBody };
            Problem::new(code, message)
        },
    )?;
    Ok(value)
}

/// Reads a value into a type. 422 naming the field that is missing, unknown or of another type.
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    if !value.is_object() {
        return Err(Problem::field("body", "must be a JSON object"));
    }
    no_nul(&value, "")?;
    serde_path_to_error::deserialize(Objects(value))
        .map_err(|error| field_problem("body", &error.path().to_string(), &error.inner().to_string()))
}

/// 422 for a field that serde refused at `path` of the `whole`: the body, or the query.
#[must_use]
pub fn field_problem(whole: &str, path: &str, message: &str) -> Problem {
    let quoted = || message.split('`').nth(1).unwrap_or_default();
    let (code, named) = if message.starts_with("missing field") {
        ("missing", Some(quoted()))
    } else if message.starts_with("unknown field") {
        ("unknown_field", Some(quoted()))
    } else if message.starts_with("duplicate field") {
        ("invalid", Some(quoted()))
    } else {
        ("invalid", None)
    };
    let parent = if path == "." { "" } else { path };
    let field = match named {
        Some(name) if parent.is_empty() => name.to_owned(),
        Some(name) if parent == name || parent.ends_with(&format!(".{name}")) => parent.to_owned(),
        Some(name) => format!("{parent}.{name}"),
        None if parent.is_empty() => whole.to_owned(),
        None => parent.to_owned(),
    };
    Problem::invalid(vec![FieldError { field, code: code.to_owned(), message: message.to_owned() }])
}

/// The same text for the same value: keys sorted, no white space. What an idempotency key is compared by.
#[must_use]
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.as_str());
            let members: Vec<_> = members
                .into_iter()
                .map(|(name, value)| format!("{}:{}", Value::String(name.clone()), canonical(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        scalar => scalar.to_string(),
    }
}

/// PostgreSQL's text holds no NUL, so no field may.
fn no_nul(value: &Value, path: &str) -> Result<(), Problem> {
    match value {
        Value::String(text) if text.contains('\0') => {
            Err(Problem::field(if path.is_empty() { "body" } else { path }, "must not contain NUL"))
        }
        Value::Array(items) => {
            items.iter().enumerate().try_for_each(|(at, item)| no_nul(item, &format!("{path}[{at}]")))
        }
        Value::Object(members) => members.iter().try_for_each(|(name, member)| {
            if name.contains('\0') {
                return Err(Problem::field(if path.is_empty() { "body" } else { path }, "must name nothing with NUL"));
            }
            no_nul(member, &if path.is_empty() { name.clone() } else { format!("{path}.{name}") })
        }),
        _ => Ok(()),
    }
}

/// Builds a [`Value`], refusing duplicate keys, which serde_json would silently merge.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Strict)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(format!("{DUPLICATE} `{name}`")));
            }
            members.insert(name, map.next_value_seed(Strict)?);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_twice_is_refused_at_any_depth() {
        let problem = parse(br#"{"a":[{"b":1,"b":2}]}"#).expect_err("refused");
        assert_eq!(problem.code, Code::DuplicateJsonKey);
        assert_eq!(parse(b"{").expect_err("refused").code, Code::MalformedBody);
        assert_eq!(parse(br#""\ud800""#).expect_err("refused").code, Code::MalformedBody);
        assert_eq!(parse(&b"[".repeat(5000)).expect_err("refused").code, Code::MalformedBody);
    }

    #[test]
    fn canonical_form_ignores_order_and_white_space() {
        let a = parse(br#"{ "b": [1, {"y": 2, "x": "\u00e9"}], "a": null }"#).expect("JSON");
        let b = parse("{\"a\":null,\"b\":[1,{\"x\":\"é\",\"y\":2}]}".as_bytes()).expect("JSON");
        assert_eq!(canonical(&a), canonical(&b));
        assert_ne!(canonical(&a), canonical(&parse(br#"{"a":null,"b":[1]}"#).expect("JSON")));
    }

    #[test]
    fn the_field_is_named() {
        #[derive(serde::Deserialize, Debug)]
        #[serde(deny_unknown_fields)]
        #[allow(dead_code, reason = "only its shape matters")]
        struct Inner {
            x: i32,
        }
        #[derive(serde::Deserialize, Debug)]
        #[serde(deny_unknown_fields)]
        #[allow(dead_code, reason = "only its shape matters")]
        struct Outer {
            inner: Vec<Inner>,
        }
        let field = |json: &str| {
            let problem = read::<Outer>(parse(json.as_bytes()).expect("JSON")).expect_err("refused");
            problem.errors.first().map(|e| (e.field.clone(), e.code.clone())).expect("a field")
        };
        assert_eq!(field(r#"{"inner":[{"x":"1"}]}"#), ("inner[0].x".into(), "invalid".into()));
        assert_eq!(field(r#"{"inner":[{"x":1,"price":1}]}"#), ("inner[0].price".into(), "unknown_field".into()));
        assert_eq!(field(r#"{"inner":[{}]}"#), ("inner[0].x".into(), "missing".into()));
        assert_eq!(field("{}"), ("inner".into(), "missing".into()));
        assert_eq!(field(r#"{"inner":[[1]]}"#), ("inner[0]".into(), "invalid".into()));
        assert_eq!(field("{\"inner\":[{\"x\":\"\\u0000\"}]}"), ("inner[0].x".into(), "invalid".into()));
    }
}
