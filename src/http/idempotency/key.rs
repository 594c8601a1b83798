//! The header, and what a key is scoped to.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{Error, FromRequest, HttpRequest};

use crate::http::problem::{Code, Problem};
use crate::kernel::ids::UserId;

const HEADER: &str = "Idempotency-Key";

/// The `Idempotency-Key` of a call that requires one: 16 to 255 visible ASCII characters.
#[derive(Clone, Debug)]
pub struct Key {
    key: String,
    scope: String,
}

impl Key {
    /// The key as it is stored: of this caller, for this operation, with this body.
    #[must_use]
    pub fn of(self, user_id: UserId, body_hash: Vec<u8>) -> Keyed {
        Keyed { user_id, scope: self.scope, key: self.key, body_hash }
    }
}

/// A key, its caller, its operation and the hash of its body.
#[derive(Clone, Debug)]
pub struct Keyed {
    pub user_id: UserId,
    pub scope: String,
    pub key: String,
    pub body_hash: Vec<u8>,
}

impl FromRequest for Key {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(
            read(req)
                .and_then(|key| key.ok_or_else(|| Problem::plain(Code::IdempotencyKeyMissing)))
                .map_err(Into::into),
        )
    }
}

/// The `Idempotency-Key` of a call that takes one but does not require it.
#[derive(Clone, Debug)]
pub struct OptionalKey(pub Option<Key>);

impl FromRequest for OptionalKey {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(req).map(Self).map_err(Into::into))
    }
}

fn read(req: &HttpRequest) -> Result<Option<Key>, Problem> {
    let mut stated = req.headers().get_all(HEADER);
    let Some(first) = stated.next() else {
        return Ok(None);
    };
    let invalid = || Problem::plain(Code::IdempotencyKeyInvalid);
    if stated.next().is_some() {
        return Err(invalid());
    }
    let key = first.to_str().map_err(|_| invalid())?;
    if !(16..=255).contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(invalid());
    }
    // The route's pattern and the decoded ids rather than the raw path: two spellings of one path are one operation.
    let route = req.match_pattern().unwrap_or_default();
    let ids: Vec<_> = req.match_info().iter().map(|(_, id)| id.to_ascii_lowercase()).collect();
    let scope = format!("{} {route} {}", req.method(), ids.join(" "));
    Ok(Some(Key { key: key.to_owned(), scope }))
}
