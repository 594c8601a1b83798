//! JSON that is none, that says a thing twice, or that says it in another form.

use lastroom::kernel::secret::{Keyring, Purpose};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::bodies::{Kind, Place, with_body};
use super::world::World;
use crate::support::app::SECRET;
use crate::support::operations::{Operation, operations};
use crate::support::{Answer, Guest};

/// What an attack is to be answered with.
enum Want {
    /// 400 with this code.
    Code(&'static str),
    /// 422, naming this.
    Field(String),
}

struct Attack {
    body: Vec<u8>,
    want: Want,
}

fn malformed(body: impl Into<Vec<u8>>) -> Attack {
    Attack { body: body.into(), want: Want::Code("malformed_body") }
}

fn refused(field: &str, body: String) -> Attack {
    let field = if field.is_empty() { "body" } else { field }.to_owned();
    Attack { body: body.into_bytes(), want: Want::Field(field) }
}

/// The body with this text, JSON or not, at one place.
fn with(body: &Value, pointer: &str, text: &str) -> String {
    let mut body = body.clone();
    *body.pointer_mut(pointer).expect("a place") = json!("@@");
    body.to_string().replace("\"@@\"", text)
}

fn nested(open: &str, close: &str) -> String {
    format!("{}1{}", open.repeat(10_000), close.repeat(10_000))
}

/// What is tried at one place.
fn at(body: &Value, place: &Place) -> Vec<Attack> {
    let with = |text: &str| with(body, &place.pointer, text);
    let refused = |text: &str| refused(&place.field, with(text));
    match &place.kind {
        Kind::Text => vec![
            refused(r#""a\u0000b""#),
            malformed(with(r#""\ud800""#)),
            malformed(with(r#""\udc00\ud800""#)),
            refused("[]"),
            refused("{}"),
        ],
        Kind::Integer => {
            let mut all: Vec<_> = ["18446744073709551616", "-9223372036854775809", "-0", "1.0", "1e2", "\"1\"", "true"]
                .map(refused)
                .into();
            all.extend(["1e400", "-1e400", "01", "+1", "0x1", "1.", "NaN", "1_000"].map(|text| malformed(with(text))));
            all
        }
        Kind::Object(order) => {
            let object = body.pointer(&place.pointer).and_then(Value::as_object).expect("an object");
            let values: Vec<_> = order.iter().filter_map(|member| object.get(member)).collect();
            let (name, value) = object.iter().next().expect("a member");
            let twice = format!("{{{}:{value},{}", json!(name), &json!(object).to_string()[1..]);
            let escaped = format!("\\u{:04x}{}", u32::from(name.as_bytes()[0]), &name[1..]);
            let hidden = format!("{{\"{escaped}\":{value},{}", &json!(object).to_string()[1..]);
            let mut all = vec![refused(&json!(values).to_string()), refused("[]"), refused("\"text\"")];
            all.extend(
                [twice, hidden]
                    .map(|text| Attack { body: with(&text).into_bytes(), want: Want::Code("duplicate_json_key") }),
            );
            all
        }
        Kind::Choice => vec![refused("[]"), refused("{}"), refused("[\"percent\",1]")],
        Kind::Other => Vec::new(),
    }
}

/// What is tried with a body as a whole.
fn of_whole(body: &Value) -> Vec<Attack> {
    let text = body.to_string();
    let utf16: Vec<u16> = text.encode_utf16().collect();
    let cut = &text[..text.len() - 1];
    // What one more member is written behind.
    let more = if cut == "{" { cut.to_owned() } else { format!("{cut},") };
    let mut all = vec![
        malformed(nested("[", "]")),
        malformed(nested("{\"a\":", "}")),
        malformed(format!("{more}\"x\":{}}}", nested("[", "]"))),
        malformed("[".repeat(10_000)),
        malformed(format!("\u{feff}{text}")),
        malformed(utf16.iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<u8>>()),
        malformed(
            [&[0xfe, 0xff], utf16.iter().flat_map(|unit| unit.to_be_bytes()).collect::<Vec<u8>>().as_slice()].concat(),
        ),
        malformed(format!("{more}\"\\ud800\":1}}")),
        malformed(format!("{text}{text}")),
        malformed(format!("{text}\0")),
        malformed(format!("{cut},}}")),
        malformed(format!("{cut}/**/}}")),
        refused("", format!("{more}\"a\\u0000b\":1}}")),
        refused("", "null".to_owned()),
    ];
    for bytes in [&b"\xff"[..], b"\xc0\x80", b"\xed\xa0\x80"] {
        all.push(malformed([more.as_bytes(), b"\"x\":\"", bytes, b"\"}"].concat()));
    }
    all
}

/// Sends it as whoever may; a provider's event with its signature, without which nothing of it is read.
async fn send(world: &World, operation: &Operation, body: &[u8]) -> Answer {
    if !operation.path.ends_with("/webhooks/{provider}") {
        return world.send(operation, &world.own_path(operation), &world.admin, Some(body.to_vec())).await;
    }
    let now_s = chrono::Utc::now().timestamp();
    let mac = Keyring::new(&SecretString::from(SECRET))
        .mac(Purpose::Webhook, &[format!("{now_s}.").as_bytes(), body].concat());
    let signature = mac.iter().fold(format!("t={now_s},v1="), |hex, byte| format!("{hex}{byte:02x}"));
    let headers = [("content-type", "application/json"), ("simulator-signature", signature.as_str())];
    let path = format!("/{}", world.own_path(operation));
    Guest::stranger(&world.app).send(operation.method.clone(), &path, &headers, Some(body.to_vec())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_json_is_refused_by_the_contract_wherever_it_stands() {
    let world = World::new().await;
    let (mut attacked, mut tries) = (0, 0);
    let before = world.rows();
    for operation in with_body(operations()) {
        let body = world.bodies.whole(&operation);
        let places = world.bodies.places(&operation, &body);
        for attack in of_whole(&body).into_iter().chain(places.iter().flat_map(|place| at(&body, place))) {
            let answer = send(&world, &operation, &attack.body).await;
            let name = format!(
                "{}: {}",
                operation.name(),
                String::from_utf8_lossy(&attack.body[..attack.body.len().min(400)])
            );
            assert!([400, 422].contains(&answer.status), "{name}: {} {}", answer.status, answer.text);
            let problem = answer.json();
            match attack.want {
                Want::Code(code) => assert_eq!(problem["code"], code, "{name}: {problem}"),
                Want::Field(field) => assert_eq!(problem["errors"][0]["field"], field, "{name}: {problem}"),
            }
            tries += 1;
        }
        attacked += 1;
    }
    assert_eq!(world.rows(), before, "a refusal changes nothing");
    eprintln!("hostile JSON: {attacked} operations, {tries} attacks");
    assert!(attacked > 20 && tries > 800, "{attacked} {tries}");
}
