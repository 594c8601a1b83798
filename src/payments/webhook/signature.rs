//! The signature of a webhook, as at Stripe: `t=<seconds since 1970>,v1=<hex>`, HMAC-SHA256 over `<t>.<body>`.

use crate::kernel::secret::{Keyring, Purpose, same};

/// The header that carries it.
pub const HEADER: &str = "Simulator-Signature";
/// How far the time of signing may be from now, in seconds.
pub const TOLERANCE_S: u64 = 300;

/// A header that has the right form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// When it was signed, in seconds since 1970.
    pub at_s: i64,
    /// One of these must be ours: while a provider changes its secret it signs with both.
    macs: Vec<Vec<u8>>,
}

/// The header for a body signed at `at_s`.
#[must_use]
pub fn sign(keys: &Keyring, at_s: i64, body: &[u8]) -> String {
    let mac = mac(keys, at_s, body);
    let hex = mac.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    format!("t={at_s},v1={hex}")
}

/// Reads the header. None: it has no time, or two, or nothing that could be a signature. Other schemes are passed over.
#[must_use]
pub fn read(header: &str) -> Option<Stated> {
    let mut times = Vec::new();
    let mut macs = Vec::new();
    for item in header.split(',') {
        match item.trim().split_once('=')? {
            ("t", seconds) => times.push(time(seconds)?),
            ("v1", hex) => macs.extend(bytes(hex)),
            _ => {}
        }
    }
    match times[..] {
        [at_s] if !macs.is_empty() => Some(Stated { at_s, macs }),
        _ => None,
    }
}

/// Whether one of the signatures is that of this body, compared in constant time.
#[must_use]
pub fn is_genuine(keys: &Keyring, stated: &Stated, body: &[u8]) -> bool {
    let ours = mac(keys, stated.at_s, body);
    // Every one is compared, so that the time taken does not tell which was right.
    stated.macs.iter().fold(false, |genuine, mac| same(mac, &ours) | genuine)
}

fn mac(keys: &Keyring, at_s: i64, body: &[u8]) -> [u8; 32] {
    keys.mac(Purpose::Webhook, &[at_s.to_string().as_bytes(), b".", body].concat())
}

/// Seconds as [`sign`] writes them: what is signed is this text.
fn time(text: &str) -> Option<i64> {
    let seconds = text.parse::<i64>().ok()?;
    (seconds.to_string() == text).then_some(seconds)
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    if hex.len() != 64 || !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let digits: Vec<char> = hex.chars().collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    fn keys() -> Keyring {
        Keyring::new(&SecretString::from("0123456789abcdef0123456789abcdef"))
    }

    #[test]
    fn what_is_signed_is_genuine_and_nothing_else() {
        let (keys, body) = (keys(), b"{\"id\":\"evt_1\"}");
        let header = sign(&keys, 1_800_000_000, body);
        let stated = read(&header).expect("a header");
        assert_eq!(stated.at_s, 1_800_000_000);
        assert!(is_genuine(&keys, &stated, body));
        assert!(!is_genuine(&keys, &stated, b"{\"id\":\"evt_2\"}"));
        let later = Stated { at_s: 1_800_000_001, ..stated.clone() };
        assert!(!is_genuine(&keys, &later, body), "the time is signed too");
        let others = Keyring::new(&SecretString::from("another secret of 32 bytes, or more"));
        assert!(!is_genuine(&others, &stated, body));
        let rotated = format!("t=1800000000,v1={},{}", "00".repeat(32), header.split(',').nth(1).expect("v1"));
        assert!(is_genuine(&keys, &read(&rotated).expect("two"), body), "one of two is ours");
    }

    #[test]
    fn the_signature_is_what_others_compute() {
        // Computed with Python's hmac: HKDF-SHA256 of the secret, then HMAC-SHA256 of the time, a dot and the body.
        let theirs = "6e5b3bd9ae76291be73d89ca71993454c670f2f2caaf8ab9378e215f836be16b";
        assert_eq!(sign(&keys(), 1_800_000_000, b"{\"id\":\"evt_1\"}"), format!("t=1800000000,v1={theirs}"));
    }

    #[test]
    fn a_header_of_another_form_is_none() {
        let mac = "ab".repeat(32);
        for header in [
            String::new(),
            "t=1".to_owned(),
            format!("v1={mac}"),
            format!("t=1,t=2,v1={mac}"),
            format!("t=01,v1={mac}"),
            format!("t=one,v1={mac}"),
            format!("t=1,v1={}", &mac[1..]),
            format!("t=1,v1={}", &mac[2..]),
            format!("t=1,v1=é{}", &mac[2..]),
            format!("t=1,v0={mac}"),
            format!("t=1;v1={mac}"),
        ] {
            assert_eq!(read(&header), None, "{header}");
        }
        assert!(read(&format!("t=1, v1={mac}, v0=x")).is_some());
    }
}
