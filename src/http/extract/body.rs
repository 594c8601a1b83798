//! Bodies: read whole, as JSON, strictly.

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{Error, FromRequest, HttpRequest};
use futures_util::StreamExt;
use garde::Validate;
use serde::de::DeserializeOwned;

use super::{Extracting, broken, no_query, validate};
use crate::http::json;
use crate::http::problem::{Code, FieldError, Problem};
use crate::kernel::secret::sha256;

/// The largest body accepted, in bytes.
pub const MAX_BODY_BYTES: usize = 256 * 1024;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// A JSON body, read and validated.
pub struct Body<T> {
    pub value: T,
    /// SHA-256 of the canonical form.
    pub hash: Vec<u8>,
}

impl<T: DeserializeOwned + Validate<Context = ()> + 'static> FromRequest for Body<T> {
    type Error = Error;
    type Future = Extracting<Self>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        arrived(req, payload, Self::read)
    }
}

impl<T: DeserializeOwned + Validate<Context = ()>> Body<T> {
    fn read(req: &HttpRequest, bytes: &[u8]) -> Result<Self, Problem> {
        let parsed = json::parse(bytes)?;
        no_query(req.query_string())?;
        let hash = sha256(json::canonical(&parsed).as_bytes());
        let value: T = json::read(parsed)?;
        validate(&value)?;
        Ok(Self { value, hash })
    }
}

/// A JSON body, read, with the rules that it breaks: for who finds more faults than that, and names all in one answer.
pub struct Draft<T> {
    pub value: T,
    pub faults: Vec<FieldError>,
}

impl<T: DeserializeOwned + Validate<Context = ()> + 'static> FromRequest for Draft<T> {
    type Error = Error;
    type Future = Extracting<Self>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        arrived(req, payload, |req, bytes| {
            let parsed = json::parse(bytes)?;
            no_query(req.query_string())?;
            let value: T = json::read(parsed)?;
            Ok(Self { faults: broken(&value), value })
        })
    }
}

/// A JSON body of which nothing is required, so that none at all is `{}`.
pub struct OptionalBody<T>(pub Body<T>);

impl<T: DeserializeOwned + Validate<Context = ()> + 'static> FromRequest for OptionalBody<T> {
    type Error = Error;
    type Future = Extracting<Self>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let req = req.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let bytes = collect(&req, &mut payload).await?;
            if !bytes.is_empty() || req.headers().contains_key(header::CONTENT_TYPE) {
                is_json(&req)?;
            }
            // Clients that send nothing may say all the same that it is JSON.
            Ok(Self(Body::read(&req, if bytes.is_empty() { b"{}" } else { &bytes })?))
        })
    }
}

/// A body as it came, for what is signed byte by byte. It says that it is JSON; whether it is, is not looked at.
pub struct RawBody(pub Vec<u8>);

impl FromRequest for RawBody {
    type Error = Error;
    type Future = Extracting<Self>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        arrived(req, payload, |_, bytes| Ok(Self(bytes.to_vec())))
    }
}

/// What is made of a body that says that it is JSON, once it is there.
fn arrived<T: 'static>(
    req: &HttpRequest,
    payload: &mut Payload,
    make: fn(&HttpRequest, &[u8]) -> Result<T, Problem>,
) -> Extracting<T> {
    let req = req.clone();
    let mut payload = payload.take();
    Box::pin(async move {
        is_json(&req)?;
        let bytes = collect(&req, &mut payload).await?;
        Ok(make(&req, &bytes)?)
    })
}

/// 415 for a body that does not say that it is JSON, in UTF-8, as it is.
fn is_json(req: &HttpRequest) -> Result<(), Problem> {
    let mut lines = req.headers().get_all(header::CONTENT_TYPE);
    // Stated twice, somebody before this server may have believed the other.
    let (Some(stated), None) = (lines.next().and_then(|value| value.to_str().ok()), lines.next()) else {
        return Err(Problem::plain(Code::UnsupportedMediaType));
    };
    let mut parts = stated.split(';').map(str::trim);
    if !parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/json")) {
        return Err(Problem::plain(Code::UnsupportedMediaType));
    }
    let mut charsets =
        parts.filter_map(|part| part.split_once('=')).filter(|(name, _)| name.eq_ignore_ascii_case("charset"));
    if !charsets.all(|(_, charset)| charset.trim_matches('"').eq_ignore_ascii_case("utf-8")) {
        return Err(Problem::new(Code::UnsupportedMediaType, "The body must be in UTF-8"));
    }
    // Not undone: 256 KiB could become any number of bytes.
    let mut codings = req.headers().get_all(header::CONTENT_ENCODING);
    if !codings.all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Problem::new(Code::UnsupportedMediaType, "The body must come without a Content-Encoding"));
    }
    Ok(())
}

async fn collect(req: &HttpRequest, payload: &mut Payload) -> Result<Vec<u8>, Problem> {
    let stated = req.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if stated.is_some_and(|bytes| bytes > MAX_BODY_BYTES) {
        return Err(Problem::plain(Code::BodyTooLarge));
    }
    let reading = async {
        let mut bytes = Vec::with_capacity(stated.unwrap_or_default());
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| Problem::new(Code::MalformedRequest, error.to_string()))?;
            if bytes.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(Problem::plain(Code::BodyTooLarge));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    };
    tokio::time::timeout(BODY_TIMEOUT, reading).await.unwrap_or_else(|_| Err(Problem::plain(Code::RequestTimeout)))
}
