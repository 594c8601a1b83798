//! The envelope of each request: its id, its span, its log line, and a problem document for every refusal, whoever
//! made it.

use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError};
use tracing::Instrument;
use uuid::Uuid;

use super::problem::{Code, MEDIA_TYPE, Problem};
use crate::kernel::request;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The middleware. It is the outermost, so that nothing is answered or logged without an id.
pub async fn envelope(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = accepted_id(&req).unwrap_or_else(|| Uuid::now_v7().to_string());
    let span = tracing::info_span!(
        "request",
        request_id = %id,
        method = %req.method(),
        trace_id = tracing::field::Empty,
        user_id = tracing::field::Empty,
    );
    if let Some(trace_id) = trace_id(&req) {
        span.record("trace_id", trace_id);
    }
    let header_value = HeaderValue::from_str(&id).ok();
    let mut res = request::scope(id, serve(req, next).instrument(span)).await?;
    if let Some(value) = header_value {
        res.headers_mut().insert(X_REQUEST_ID, value);
    }
    Ok(res)
}

async fn serve(req: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let res = as_problem(next.call(req).await?.map_into_boxed_body());
    let route = res.request().match_pattern();
    tracing::info!(
        route = route.as_deref().unwrap_or("-"),
        status = res.status().as_u16(),
        ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        "answered"
    );
    Ok(res)
}

/// Refusals that the framework made itself become problem documents too.
fn as_problem(res: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let status = res.status().as_u16();
    let told = res.headers().get(header::CONTENT_TYPE).is_some_and(|value| value == MEDIA_TYPE);
    // What lies beside the API, such as readiness, has answers of its own.
    if status < 400 || told || !res.request().path().starts_with(super::BASE) && status >= 500 {
        return res;
    }
    let code = match status {
        404 => Code::NotFound,
        405 => Code::MethodNotAllowed,
        408 => Code::RequestTimeout,
        413 => Code::BodyTooLarge,
        415 => Code::UnsupportedMediaType,
        400..=499 => Code::MalformedRequest,
        _ => Code::Internal,
    };
    let (req, refused) = res.into_parts();
    let mut response = Problem::plain(code).error_response();
    // What others have said of the answer, such as who may read it, holds of any body.
    let others = refused.headers().iter().filter(|(name, _)| !name.as_str().starts_with("content-"));
    for (name, value) in others {
        response.headers_mut().append(name.clone(), value.clone());
    }
    ServiceResponse::new(req, response)
}

fn accepted_id(req: &ServiceRequest) -> Option<String> {
    let id = req.headers().get(X_REQUEST_ID)?.to_str().ok()?;
    let fits = (1..=128).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    fits.then(|| id.to_owned())
}

/// The trace id of a W3C `traceparent`.
fn trace_id(req: &ServiceRequest) -> Option<&str> {
    let mut parts = req.headers().get("traceparent")?.to_str().ok()?.split('-');
    let (version, id) = (parts.next()?, parts.next()?);
    let hex = |s: &str| s.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    (version.len() == 2 && hex(version) && id.len() == 32 && hex(id)).then_some(id)
}

/// Refuses who does not accept JSON. A middleware of its own, below the one of CORS: a browser is to read this refusal too.
pub async fn accept(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if acceptable(&req) {
        Ok(next.call(req).await?.map_into_boxed_body())
    } else {
        Ok(req.into_response(Problem::plain(Code::NotAcceptable).error_response()))
    }
}

/// Whether the caller accepts JSON. Pages of `/docs` and texts outside the API's base path are served as they are.
fn acceptable(req: &ServiceRequest) -> bool {
    if !req.path().starts_with(super::BASE) {
        return true;
    }
    let stated = req.headers().get_all(header::ACCEPT).map(|value| value.to_str().unwrap_or("?").to_ascii_lowercase());
    let ranges: Vec<String> = stated
        .flat_map(|line| line.split(',').map(|range| range.trim().to_owned()).collect::<Vec<_>>())
        .filter(|range| !range.is_empty())
        .collect();
    // An empty one says no more than none.
    ranges.is_empty() || ranges.iter().any(|range| takes_json(range))
}

/// Whether a media range, in lower case, has JSON in it.
fn takes_json(range: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default();
    let refused = parts.any(|p| p.strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0)));
    !refused && matches!(media, "*/*" | "application/*" | "application/json" | MEDIA_TYPE)
}
