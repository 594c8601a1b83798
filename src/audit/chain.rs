//! How an entry is hashed to the one before it.
//!
//! `hash = SHA-256(hash before || seq || fields)`. The hash before is 32 raw bytes, zeros for the first of a chain. `seq`
//! in digits and each field follow as netstrings without their comma: the length in bytes, a colon, the UTF-8 text, or a
//! single `-` where the field is NULL. So no two entries have the same encoding. The fields and their texts are
//! PostgreSQL's: see [`FIELDS`]. `lastroom verify` computes the same in SQL of its own.

use crate::kernel::secret::sha256;

/// The fields of an entry in their order, as SQL texts: ids in lower case, documents as `jsonb` prints them, the time in
/// whole microseconds since 1970.
pub const FIELDS: &str = "
    hotel_id::text, audit_id::text, actor_id::text, action, resource, resource_id::text, before::text, after::text,
    request_id, address, (extract(epoch FROM created_at) * 1000000)::bigint::text";

/// Before the first.
pub const GENESIS: [u8; 32] = [0; 32];

/// The hash of the entry with these fields in the `seq`th place behind `before`.
#[must_use]
pub fn hash(before: &[u8], seq: i64, fields: &[Option<String>]) -> Vec<u8> {
    let mut message = before.to_vec();
    add(&mut message, Some(&seq.to_string()));
    for field in fields {
        add(&mut message, field.as_deref());
    }
    sha256(&message)
}

fn add(message: &mut Vec<u8>, field: Option<&str>) {
    match field {
        Some(text) => {
            message.extend_from_slice(format!("{}:", text.len()).as_bytes());
            message.extend_from_slice(text.as_bytes());
        }
        None => message.push(b'-'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_the_documented_one() {
        let fields = [Some("ü".to_owned()), None, Some(String::new())];
        let by_hand = [&GENESIS[..], "1:72:ü-0:".as_bytes()].concat();
        assert_eq!(hash(&GENESIS, 7, &fields), sha256(&by_hand));
    }

    #[test]
    fn text_that_moves_between_fields_changes_the_hash() {
        let of = |fields: [Option<&str>; 2]| hash(&GENESIS, 1, &fields.map(|field| field.map(str::to_owned)));
        let same = [
            of([Some("ab"), Some("c")]),
            of([Some("a"), Some("bc")]),
            of([Some("abc"), None]),
            of([None, Some("abc")]),
            of([Some("abc"), Some("")]),
            of([Some("abc"), Some("-")]),
        ];
        for (at, one) in same.iter().enumerate() {
            assert!(same.iter().skip(at + 1).all(|other| other != one));
        }
    }
}
