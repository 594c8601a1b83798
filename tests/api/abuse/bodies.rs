//! Bodies and queries made from what the description says of them.

use std::collections::HashMap;

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::world::{Side, in_days};
use crate::support::operations::{Operation, description};

/// What the description does not say: a text by its field's name.
const TEXTS: &[(&str, &str)] = &[
    ("amenities", "wifi"),
    ("current_password", "correct horse battery"),
    ("email", "somebody@example.com"),
    ("new_password", "another horse battery"),
    ("password", "correct horse battery"),
    ("phone", "+33 1 23 45 67 89"),
    ("photos", "https://example.com/photo.jpg"),
    ("time_zone", "Europe/Paris"),
];
/// Of these one member is enough, but which one no schema says.
const ONE_IS_ENOUGH: &[(&str, &str)] =
    &[("InventorySet", "closed"), ("NewMember", "user_id"), ("PlaceHold", "quote_id"), ("RateSet", "closed")];
/// A place is needed, but no single parameter is.
const QUERIES: &[(&str, &str)] = &[("/api/v1/search", "city=Paris&country=FR")];

pub struct Bodies {
    api: Value,
    /// The members of each schema, in its own order.
    orders: HashMap<String, Vec<String>>,
    ids: HashMap<&'static str, Value>,
}

/// A place in a body.
pub struct Place {
    /// As RFC 6901 has it.
    pub pointer: String,
    /// As a refusal names it.
    pub field: String,
    pub kind: Kind,
}

pub enum Kind {
    Text,
    Integer,
    /// With the members that it may have, in their order.
    Object(Vec<String>),
    /// An object of one member, of which there are several.
    Choice,
    Other,
}

impl Bodies {
    pub fn new(own: &Side) -> Self {
        // JSON sorts its members here, YAML does not.
        let yaml = lastroom::app::description().to_yaml().expect("YAML");
        let ordered: serde_yaml_ng::Value = serde_yaml_ng::from_str(&yaml).expect("YAML");
        let names = |of: &serde_yaml_ng::Value| -> Vec<String> {
            let members = of.as_mapping().into_iter().flat_map(|mapping| mapping.keys());
            members.filter_map(|name| name.as_str().map(str::to_owned)).collect()
        };
        let schemas = &ordered["components"]["schemas"];
        let orders = names(schemas).into_iter().map(|name| (name.clone(), names(&schemas[&*name]["properties"])));
        Self { api: description(), orders: orders.collect(), ids: own.named().into_iter().collect() }
    }

    /// With every member that there may be.
    pub fn whole(&self, operation: &Operation) -> Value {
        self.value(schema_of(operation), "", true)
    }

    /// With what must be there.
    pub fn least(&self, operation: &Operation) -> Value {
        self.value(schema_of(operation), "", false)
    }

    /// Whether a member that the schema does not name is to be refused.
    pub fn is_closed(&self, operation: &Operation) -> bool {
        self.resolved(schema_of(operation)).1["additionalProperties"] == false
    }

    /// The parameters that must be there.
    pub fn query(&self, operation: &Operation) -> String {
        let needed = parameters(operation).filter(|parameter| parameter["required"] == true);
        let mut pairs: Vec<_> =
            needed.map(|parameter| format!("{}={}", name(parameter), self.sample(parameter))).collect();
        pairs.extend(QUERIES.iter().filter(|(path, _)| *path == operation.path).map(|(_, pair)| (*pair).to_owned()));
        pairs.join("&")
    }

    /// Something that a query's parameter may be.
    fn sample(&self, parameter: &Value) -> String {
        match self.value(&parameter["schema"], name(parameter), true) {
            Value::String(text) => text,
            other => other.to_string(),
        }
    }

    /// A schema and its name, through references and through what may be null.
    fn resolved<'s>(&'s self, schema: &'s Value) -> (&'s str, &'s Value) {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().expect("a name");
            let resolved = self.api.pointer(reference.trim_start_matches('#')).expect("a schema");
            return if resolved["$ref"].is_string() { self.resolved(resolved) } else { (name, resolved) };
        }
        match schema["oneOf"].as_array() {
            Some(several) if several.iter().any(|one| one["type"] == "null") => {
                self.resolved(several.iter().find(|one| one["type"] != "null").expect("something"))
            }
            _ => ("", schema),
        }
    }

    fn value(&self, schema: &Value, field: &str, whole: bool) -> Value {
        let (name, schema) = self.resolved(schema);
        if let Some(id) = self.ids.get(name) {
            return id.clone();
        }
        if let Some(one) = schema["oneOf"].get(0).or_else(|| schema["allOf"].get(0)) {
            return self.value(one, field, true);
        }
        if let Some(known) = schema["enum"].get(0) {
            return known.clone();
        }
        match kind(schema) {
            "object" => {
                let needed = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
                let is_one = |member: &str| ONE_IS_ENOUGH.contains(&(name, member));
                let members = schema["properties"].as_object().into_iter().flatten();
                let chosen = members.filter(|(member, _)| {
                    whole || is_one(member) || needed.iter().any(|needed| needed == member.as_str())
                });
                Value::Object(
                    chosen.map(|(member, of)| (member.clone(), self.value(of, member, whole))).collect::<Map<_, _>>(),
                )
            }
            "array" => json!([self.value(&schema["items"], field, whole)]),
            "integer" => schema["minimum"].as_i64().map_or(json!(1), Value::from),
            "number" => json!(1),
            "boolean" => json!(true),
            _ => text(name, schema, field),
        }
    }

    /// Every place of a body that was made here.
    pub fn places(&self, operation: &Operation, body: &Value) -> Vec<Place> {
        let mut places = Vec::new();
        let root = ("", schema_of(operation));
        self.walk(root, body, (String::new(), String::new()), &mut places);
        places
    }

    fn walk(
        &self,
        (_, schema): (&str, &Value),
        value: &Value,
        (pointer, field): (String, String),
        found: &mut Vec<Place>,
    ) {
        let (name, schema) = self.resolved(schema);
        let below = |member: &str| {
            let field = if field.is_empty() { member.to_owned() } else { format!("{field}.{member}") };
            (format!("{pointer}/{member}"), field)
        };
        let kind = match value {
            Value::Object(_) if schema["oneOf"].is_array() => Kind::Choice,
            Value::Object(members) => {
                for (member, value) in members {
                    self.walk((member, &schema["properties"][member]), value, below(member), found);
                }
                let order = self.orders.get(name).cloned().unwrap_or_default();
                if order.is_empty() { Kind::Other } else { Kind::Object(order) }
            }
            Value::Array(items) => {
                for (at, value) in items.iter().enumerate() {
                    self.walk(
                        ("", &schema["items"]),
                        value,
                        (format!("{pointer}/{at}"), format!("{field}[{at}]")),
                        found,
                    );
                }
                Kind::Other
            }
            Value::String(_) => Kind::Text,
            Value::Number(_) if self::kind(schema) == "integer" => Kind::Integer,
            _ => Kind::Other,
        };
        found.push(Place { pointer, field, kind });
    }
}

/// The schema of an operation's body.
fn schema_of(operation: &Operation) -> &Value {
    &operation.description["requestBody"]["content"]["application/json"]["schema"]
}

/// A text that may stand in a field.
fn text(name: &str, schema: &Value, field: &str) -> Value {
    let known = TEXTS.iter().find(|(known, _)| *known == field).map(|(_, text)| json!(text));
    json!(match (schema["format"].as_str(), field, name) {
        (Some("date"), "to" | "check_out", _) => in_days(41),
        (Some("date"), ..) => in_days(40),
        (Some("date-time"), ..) => format!("{}T00:00:00Z", in_days(0)),
        (Some("uuid"), ..) => uuid::Uuid::now_v7().to_string(),
        (_, _, "WallTime") => "15:00".to_owned(),
        _ => return known.or_else(|| schema.get("example").cloned()).unwrap_or_else(|| json!("text")),
    })
}

/// The type of a schema, if it is not null.
fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::Array(several) => {
            several.iter().filter_map(Value::as_str).find(|one| *one != "null").unwrap_or_default()
        }
        one => one.as_str().unwrap_or_default(),
    }
}

/// The parameters of an operation's query.
pub fn parameters(operation: &Operation) -> impl Iterator<Item = &Value> {
    let all = operation.description["parameters"].as_array().into_iter().flatten();
    all.filter(|parameter| parameter["in"] == "query")
}

pub fn name(parameter: &Value) -> &str {
    parameter["name"].as_str().expect("a name")
}

/// Operations that take a body, and those that read.
pub fn with_body(operations: Vec<Operation>) -> Vec<Operation> {
    operations.into_iter().filter(Operation::takes_body).collect()
}

pub fn reading(operations: Vec<Operation>) -> Vec<Operation> {
    operations.into_iter().filter(|operation| operation.method == Method::GET).collect()
}
