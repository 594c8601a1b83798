//! `If-Match`: a change is made to the version that its caller has read, or not at all.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderName};
use actix_web::{Error, FromRequest, HttpRequest};

use super::problem::{Code, Problem};
use crate::kernel::version::{Expected, Mismatch};

/// The versions that the caller accepts. A malformed header is 400 here; an absent one is 428 only once the resource
/// is found, so the use case judges.
#[derive(Clone, Debug)]
pub struct IfMatch(pub Expected);

impl FromRequest for IfMatch {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut lines = Vec::new();
        for line in req.headers().get_all(header::IF_MATCH) {
            match line.to_str() {
                Ok(line) => lines.push(line),
                Err(_) => return ready(Err(malformed().into())),
            }
        }
        ready(if lines.is_empty() {
            Ok(Self(Expected::Unstated))
        } else {
            read(&lines.join(",")).map(Self).ok_or_else(|| malformed().into())
        })
    }
}

/// `*`, or entity tags between commas. Weak ones never match: RFC 9110 compares strongly here.
fn read(text: &str) -> Option<Expected> {
    if text.trim() == "*" {
        return Some(Expected::Any);
    }
    let tags = text.split(',').map(|tag| {
        let tag = tag.trim();
        let (tag, is_weak) = tag.strip_prefix("W/").map_or((tag, false), |tag| (tag, true));
        let opaque = tag.strip_prefix('"')?.strip_suffix('"')?;
        let is_plain = opaque.bytes().all(|byte| byte != b'"');
        is_plain.then(|| if is_weak { None } else { version(opaque) })
    });
    Some(Expected::OneOf(tags.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect()))
}

/// As we write it: digits, without a sign or a zero in front.
fn version(opaque: &str) -> Option<i32> {
    opaque.parse().ok().filter(|version: &i32| version.to_string() == opaque)
}

fn malformed() -> Problem {
    Problem::new(Code::MalformedRequest, "If-Match must be an entity tag in double quotes, such as \"3\"")
}

/// The header that tells a version, for `If-Match` to name.
#[must_use]
pub fn tag(version: i32) -> (HeaderName, String) {
    (header::ETAG, format!("\"{version}\""))
}

impl From<Mismatch> for Problem {
    fn from(mismatch: Mismatch) -> Self {
        match mismatch {
            Mismatch::Unstated => Self::plain(Code::PreconditionRequired),
            Mismatch::Stale { current } => Self::plain(Code::PreconditionFailed).with("current_version", current),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entity_tags_are_read_as_the_rfc_writes_them() {
        let one_of = |versions: &[i32]| Some(Expected::OneOf(versions.to_vec()));
        assert_eq!(read("\"3\""), one_of(&[3]));
        assert_eq!(read(" \"3\" , \"4\""), one_of(&[3, 4]));
        assert_eq!(read("*"), Some(Expected::Any));
        assert_eq!(read("W/\"3\""), one_of(&[]), "weak tags never match");
        assert_eq!(read("\"03\""), one_of(&[]), "not a tag of ours");
        assert_eq!(read("\"99999999999\""), one_of(&[]));
        for malformed in ["3", "\"3", "3\"", "\"3\"\"", "", "\"3\",", "*,\"3\""] {
            assert_eq!(read(malformed), None, "{malformed}");
        }
    }

    #[test]
    fn a_version_is_met_or_named() {
        assert_eq!(Expected::OneOf(vec![3, 4]).meets(4), Ok(()));
        assert_eq!(Expected::OneOf(vec![3]).meets(4), Err(Mismatch::Stale { current: 4 }));
        assert_eq!(Expected::Unstated.meets(4), Err(Mismatch::Unstated));
        assert_eq!(Expected::Any.meets(4), Ok(()));
    }
}
