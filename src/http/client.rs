//! Where a request came from.

use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::web::Data;
use ipnet::IpNet;

use crate::config::Config;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The client's address: the connection's, or what the proxies before us say, as far as they are believed.
///
/// Each proxy adds the address that it was called from at the right. So the header is read from there, past our own
/// proxies, to the first address that is none of them; what stands left of it anybody may have written.
#[must_use]
pub fn address(req: &HttpRequest) -> Option<IpAddr> {
    let peer = req.peer_addr()?.ip().to_canonical();
    let trusted = req.app_data::<Data<Config>>().map_or(&[][..], |config| &config.trusted_proxies);
    // What is not text is what somebody to the left has written: it hides nothing that a proxy has added.
    let lines = req.headers().get_all(X_FORWARDED_FOR).map(|line| String::from_utf8_lossy(line.as_bytes()));
    Some(behind(peer, trusted, &lines.collect::<Vec<_>>()))
}

fn behind(peer: IpAddr, trusted: &[IpNet], lines: &[impl AsRef<str>]) -> IpAddr {
    let is_ours = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer;
    for stated in lines.iter().rev().flat_map(|line| line.as_ref().rsplit(',')) {
        if !is_ours(&client) {
            break;
        }
        match read(stated) {
            Some(address) => client = address,
            // One of ours was called by somebody whom it does not name.
            None => break,
        }
    }
    client
}

/// An address, with a port or without.
fn read(stated: &str) -> Option<IpAddr> {
    let text = stated.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|whole| whole.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, lines: &[&str]) -> String {
        let trusted: Vec<IpNet> =
            ["10.0.0.0/8", "fd00::/8"].iter().map(|text| text.parse().expect("a network")).collect();
        behind(peer.parse().expect("an address"), &trusted, lines).to_string()
    }

    #[test]
    fn only_our_proxies_are_believed() {
        assert_eq!(client("192.0.2.1", &["198.51.100.7"]), "192.0.2.1", "no proxy of ours");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(client("10.0.0.1", &["1.1.1.1, 198.51.100.7"]), "198.51.100.7", "the left may be invented");
        assert_eq!(client("10.0.0.1", &["\u{fffd}, 198.51.100.7"]), "198.51.100.7", "and be no text");
        assert_eq!(client("10.0.0.1", &["1.1.1.1", "198.51.100.7, 10.2.3.4"]), "198.51.100.7", "two of ours");
        assert_eq!(client("10.0.0.1", &["10.9.9.9, 10.2.3.4"]), "10.9.9.9", "all ours: the farthest");
    }

    #[test]
    fn what_is_no_address_is_not_passed() {
        assert_eq!(client("10.0.0.1", &["198.51.100.7, unknown"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["198.51.100.7, , 10.2.3.4"]), "10.2.3.4");
        assert_eq!(client("10.0.0.1", &["198.51.100.7:4711"]), "198.51.100.7");
        assert_eq!(client("10.0.0.1", &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(client("10.0.0.1", &["[2001:db8::1]"]), "2001:db8::1");
        assert_eq!(client("fd00::1", &["::ffff:198.51.100.7"]), "198.51.100.7");
    }
}
