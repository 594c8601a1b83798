//! An answer that can be stored and given again.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::Serialize;

use crate::http::if_match::tag;
use crate::http::problem::{self, Problem};

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Status, body and `Location` of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// JSON.
    pub body: String,
    pub location: Option<String>,
    version: Option<i32>,
    retry_after_s: Option<u32>,
    replayed: bool,
}

impl Answer {
    /// An answer with a JSON body.
    pub fn json(status: u16, body: &impl Serialize) -> Result<Self, serde_json::Error> {
        let body = serde_json::to_string(body)?;
        Ok(Self { status, body, location: None, version: None, retry_after_s: None, replayed: false })
    }

    /// 204.
    #[must_use]
    pub fn nothing() -> Self {
        Self { status: 204, body: String::new(), location: None, version: None, retry_after_s: None, replayed: false }
    }

    /// A refusal, as stored.
    pub fn refusal(problem: &Problem) -> Result<Self, serde_json::Error> {
        let answer = Self::json(problem.code.status(), &problem.document())?;
        Ok(Self { retry_after_s: problem.retry_after_s, ..answer })
    }

    pub(super) fn replayed(status: u16, body: String, location: Option<String>) -> Self {
        Self { status, body, location, version: None, retry_after_s: None, replayed: true }
    }

    #[must_use]
    pub fn at(self, location: String) -> Self {
        Self { location: Some(location), ..self }
    }

    /// Adds the resource's version as its `ETag`.
    #[must_use]
    pub fn version(self, version: i32) -> Self {
        Self { version: Some(version), ..self }
    }
}

impl From<Answer> for HttpResponse {
    fn from(answer: Answer) -> Self {
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponseBuilder::new(status);
        let media = if answer.status < 400 { "application/json" } else { problem::MEDIA_TYPE };
        if !answer.body.is_empty() {
            response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static(media)));
        }
        if let Some(location) = answer.location {
            response.insert_header((header::LOCATION, location));
        }
        if let Some(version) = answer.version {
            response.insert_header(tag(version));
        }
        if let Some(seconds) = answer.retry_after_s {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if answer.replayed {
            response.insert_header((REPLAYED, HeaderValue::from_static("true")));
        }
        response.body(answer.body)
    }
}
