//! Heads that are too large, that say a thing twice, or that let two readers see two requests.

use super::wire::{Reply, exchange, head};
use super::world::World;
use crate::support::key;

const CLOSE: &str = "Connection: close";

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

/// After any attack, whoever comes next is served.
#[track_caller]
fn assert_alive(world: &World) {
    let reply = exchange(world.app.address, format!("{}\r\n", head("GET", "/healthz", &lines(&[CLOSE]))).as_bytes());
    assert_eq!(reply.status(), Some(200), "{reply:?}");
}

/// Refused, or closed without a word; and not more than one request was seen.
#[track_caller]
fn assert_refused(world: &World, attack: &str, reply: &Reply) {
    assert!(matches!(reply.status(), None | Some(400 | 408 | 413 | 431 | 501)), "{attack}: {reply:?}");
    assert!(reply.answers() <= 1, "{attack}: {reply:?}");
    assert_alive(world);
}

fn a_head_without_measure_is_refused(world: &World) {
    let token = world.own.guest.token.clone().expect("a token");
    let many = (0..2_000).map(|at| format!("X-{at}: x\r\n")).collect::<Vec<_>>().concat();
    for (attack, extra) in [
        ("a header of 64 KiB", format!("X-Long: {}\r\n", "x".repeat(64 * 1024))),
        ("a header of 1 MiB", format!("X-Long: {}\r\n", "x".repeat(1024 * 1024))),
        ("a name of 200 KiB", format!("{}: x\r\n", "X".repeat(200 * 1024))),
        ("2,000 headers", many),
        ("a token of 200 KiB", format!("Authorization: Bearer {}\r\n", "x".repeat(200 * 1024))),
        ("a cookie of 200 KiB", format!("Cookie: a={}\r\n", "x".repeat(200 * 1024))),
    ] {
        let head = head("GET", "/api/v1/holds", &lines(&[CLOSE]));
        let reply = exchange(world.app.address, format!("{head}{extra}\r\n").as_bytes());
        assert!(matches!(reply.status(), None | Some(400 | 401 | 413 | 431)), "{attack}: {reply:?}");
        assert_alive(world);
    }
    let long = format!("/api/v1/holds?{}", "x".repeat(200 * 1024));
    assert_refused(world, "a target of 200 KiB", &exchange(world.app.address, head("GET", &long, &[]).as_bytes()));
    let bearer = format!("Authorization: Bearer {token}");
    let served = exchange(
        world.app.address,
        format!("{}\r\n", head("GET", "/api/v1/holds", &lines(&[CLOSE, &bearer]))).as_bytes(),
    );
    assert_eq!(served.status(), Some(200), "{served:?}");
}

fn what_decides_is_stated_once(world: &World) {
    let [own, other] = [&world.own, &world.other].map(|side| side.guest.token.clone().expect("a token"));
    let (own, other) = (format!("Authorization: Bearer {own}"), format!("Authorization: Bearer {other}"));
    let before = world.rows();
    let hold = world.own.at("holds/{id}");
    for twice in [[&own, &other], [&other, &own], [&own, &own], [&own, &"Authorization: Basic x".to_owned()]] {
        for (method, path) in [("GET", "/api/v1/auth/me".to_owned()), ("DELETE", format!("/api/v1/holds/{hold}"))] {
            let head = head(method, &path, &lines(&[CLOSE, twice[0], twice[1]]));
            let reply = exchange(world.app.address, format!("{head}\r\n").as_bytes());
            assert_eq!(
                (reply.status(), reply.code().as_str()),
                (Some(400), "malformed_request"),
                "{twice:?}: {reply:?}"
            );
        }
    }
    let quote = world.own.at("quotes/{id}");
    let body = format!("{{\"quote_id\":\"{quote}\"}}");
    let length = format!("Content-Length: {}", body.len());
    let (json, keys) = ("Content-Type: application/json", [key(), key()].map(|key| format!("Idempotency-Key: {key}")));
    for (twice, code) in [
        (lines(&[&keys[0], &keys[1], json]), "idempotency_key_invalid"),
        (lines(&[&keys[0], &keys[0], json]), "idempotency_key_invalid"),
        (lines(&[&keys[0], json, "Content-Type: text/plain"]), "unsupported_media_type"),
        (lines(&[&keys[0], "Content-Type: text/plain", json]), "unsupported_media_type"),
    ] {
        let all = [lines(&[CLOSE, &own, &length]), twice].concat();
        let reply =
            exchange(world.app.address, format!("{}\r\n{body}", head("POST", "/api/v1/holds", &all)).as_bytes());
        assert_eq!(reply.code(), code, "{all:?}: {reply:?}");
    }
    assert_eq!(world.rows(), before, "a refusal changes nothing");
}

/// A request that would release a hold, hidden in the body of another.
fn hidden(world: &World) -> String {
    let token = world.own.guest.token.clone().expect("a token");
    let hold = world.own.at("holds/{id}");
    let lines = [format!("Authorization: Bearer {token}"), "If-Match: *".to_owned()];
    format!("{}\r\n", head("DELETE", &format!("/api/v1/holds/{hold}"), &lines))
}

fn no_request_hides_in_another(world: &World) {
    let (hidden, before) = (hidden(world), world.rows());
    let whole = format!("0\r\n\r\n{hidden}");
    let length = format!("Content-Length: {}", whole.len());
    let chunked = "Transfer-Encoding: chunked";
    let shapes: Vec<(&str, Vec<String>)> = vec![
        ("length and chunks", lines(&[&length, chunked])),
        ("chunks and length", lines(&[chunked, &length])),
        ("no length and chunks", lines(&["Content-Length: 0", chunked])),
        ("two lengths", lines(&["Content-Length: 0", &length])),
        ("two lengths the other way", lines(&[&length, "Content-Length: 0"])),
        ("lengths in a list", lines(&["Content-Length: 0, 5"])),
        ("a signed length", lines(&["Content-Length: +5"])),
        ("a negative length", lines(&["Content-Length: -5"])),
        ("a length in hexadecimal", lines(&["Content-Length: 0x5"])),
        ("a length with a letter", lines(&["Content-Length: 5a"])),
        ("a length beyond counting", lines(&["Content-Length: 18446744073709551616"])),
        ("no length said", lines(&["Content-Length: "])),
        ("an unknown coding", lines(&["Transfer-Encoding: xchunked", &length])),
        ("chunks not last", lines(&["Transfer-Encoding: chunked, identity", &length])),
        ("chunks twice", lines(&[chunked, chunked, &length])),
        ("identity twice over", lines(&["Transfer-Encoding: identity", chunked, &length])),
        ("a space before the colon", lines(&["Transfer-Encoding : chunked", &length])),
        ("a tab in the coding", lines(&["Transfer-Encoding:\tchunked", &length])),
        ("a folded line", lines(&["Transfer-Encoding:\r\n chunked", &length])),
        ("a name of a line feed", lines(&["X: x\nTransfer-Encoding: chunked", &length])),
        ("a carriage return in a value", lines(&["X: x\rTransfer-Encoding: chunked", &length])),
        ("NUL in a value", lines(&["X: x\0y", &length])),
        ("NUL in a name", lines(&["X\0: x", &length])),
        ("no colon", lines(&["Nothing", &length])),
    ];
    let tries = shapes.len();
    for (attack, shape) in shapes {
        let json = lines(&["Content-Type: application/json"]);
        let request = format!("{}\r\n{whole}", head("POST", "/api/v1/auth/logout", &[json, shape].concat()));
        let reply = exchange(world.app.address, request.as_bytes());
        assert!(reply.answers() <= 1, "{attack}: a second request was seen: {reply:?}");
        assert!(reply.status().is_none_or(|status| (400..500).contains(&status)), "{attack}: {reply:?}");
        assert_alive(world);
    }
    assert_eq!(world.rows(), before, "what was hidden was not done");
    eprintln!("hidden requests: {tries} shapes");
}

fn a_body_that_is_not_as_it_says_is_refused(world: &World) {
    let before = world.rows();
    let chunked = lines(&["Content-Type: application/json", "Transfer-Encoding: chunked"]);
    let body = "{\"email\":\"never@example.com\",\"password\":\"correct horse battery\",\"full_name\":\"Never\"}";
    let stated = |length: usize| lines(&["Content-Type: application/json", &format!("Content-Length: {length}")]);
    let size = body.len();
    for (attack, lines, body) in [
        ("a body that ends early", stated(size + 9), body.to_owned()),
        ("a body that is longer than it says", stated(size - 1), body.to_owned()),
        ("a chunk beyond counting", chunked.clone(), format!("FFFFFFFFFFFFFFFFF\r\n{body}\r\n0\r\n\r\n")),
        ("a chunk of the whole memory", chunked.clone(), format!("FFFFFFFFFFFFFFFF\r\n{body}\r\n0\r\n\r\n")),
        ("a negative chunk", chunked.clone(), format!("-1\r\n{body}\r\n0\r\n\r\n")),
        ("a chunk that ends early", chunked.clone(), format!("{:x}\r\n{body}", size + 9)),
        ("a chunk that is longer than it says", chunked.clone(), format!("{:x}\r\n{body}\r\n0\r\n\r\n", size - 1)),
        ("no last chunk", chunked.clone(), format!("{size:x}\r\n{body}\r\n")),
        ("a chunk's size in words", chunked, format!("many\r\n{body}\r\n0\r\n\r\n")),
    ] {
        let request = format!("{}\r\n{body}", head("POST", "/api/v1/auth/register", &lines));
        let reply = exchange(world.app.address, request.as_bytes());
        let refused = reply.status().is_none_or(|status| [400, 408, 413].contains(&status));
        assert!(refused, "{attack}: {reply:?}");
        assert_alive(world);
    }
    assert_eq!(world.rows(), before, "nobody was registered");
}

fn a_request_line_that_is_none_is_refused(world: &World) {
    for line in [
        "GET /healthz HTTP/1.1 x",
        "GET  /healthz  HTTP/1.1",
        "GET /healthz",
        "GET /healthz HTTP/9.9",
        "GET /heal thz HTTP/1.1",
        "G\0T /healthz HTTP/1.1",
        "GET \0 HTTP/1.1",
        "GET healthz HTTP/1.1",
        "\u{16}\u{3}\u{1}",
        "PRI * HTTP/2.0",
    ] {
        let reply = exchange(world.app.address, format!("{line}\r\nHost: lastroom.test\r\n\r\n").as_bytes());
        let refused = reply.status().is_none_or(|status| (400..=505).contains(&status) && status != 500);
        assert!(refused && reply.answers() <= 1, "{line:?}: {reply:?}");
        assert_alive(world);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_is_read_in_one_way_or_not_at_all() {
    let world = World::new().await;
    a_head_without_measure_is_refused(&world);
    what_decides_is_stated_once(&world);
    no_request_hides_in_another(&world);
    a_body_that_is_not_as_it_says_is_refused(&world);
    a_request_line_that_is_none_is_refused(&world);
}
