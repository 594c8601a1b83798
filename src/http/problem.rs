//! THE table of error codes, and the problem document (RFC 9457) that carries one.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::db::DbError;
use crate::kernel::request;

macro_rules! codes {
    ($($name:ident = $status:literal, $code:literal, $title:literal;)+) => {
        /// What went wrong, as clients may rely on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($name),+ }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable string: the contract.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// The HTTP status it is answered with.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status),+ }
            }

            /// A short summary, the same for each occurrence.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title),+ }
            }
        }
    };
}

codes! {
    MalformedBody           = 400, "malformed_body",            "The body is not well-formed JSON";
    DuplicateJsonKey        = 400, "duplicate_json_key",        "A JSON object names a key twice";
    MalformedRequest        = 400, "malformed_request",         "The request is malformed";
    IdempotencyKeyMissing   = 400, "idempotency_key_missing",   "This call needs an Idempotency-Key header";
    IdempotencyKeyInvalid   = 400, "idempotency_key_invalid",   "The Idempotency-Key is not 16 to 255 visible ASCII characters";
    OfferInvalid            = 400, "offer_invalid",             "The offer_id is not one that this service issued";
    CursorInvalid           = 400, "cursor_invalid",            "The cursor is not one that this list issued";
    SignatureInvalid        = 400, "signature_invalid",         "The signature is missing, malformed, too old or not the provider's";
    Unauthenticated         = 401, "unauthenticated",           "An access token is needed";
    TokenInvalid            = 401, "token_invalid",             "The access token is not valid";
    InvalidCredentials      = 401, "invalid_credentials",       "The address or the password is wrong";
    RefreshTokenInvalid     = 401, "refresh_token_invalid",     "The refresh token is not valid";
    RefreshTokenReused      = 401, "refresh_token_reused",      "The refresh token was used before; the session is ended";
    CardDeclined            = 402, "card_declined",             "The payment method was declined";
    Forbidden               = 403, "forbidden",                 "Your roles do not allow this";
    NotFound                = 404, "not_found",                 "There is no such thing, or it is not yours";
    MethodNotAllowed        = 405, "method_not_allowed",        "This path does not take this method";
    NotAcceptable           = 406, "not_acceptable",            "The answer cannot be given in an accepted media type";
    RequestTimeout          = 408, "request_timeout",           "The request did not arrive in time";
    IdempotencyKeyReused    = 409, "idempotency_key_reused",    "The Idempotency-Key was used with another body";
    IdempotencyInProgress   = 409, "idempotency_in_progress",   "The first call with this Idempotency-Key still runs";
    PriceChanged            = 409, "price_changed",             "The price or the policy is another now";
    OfferUnavailable        = 409, "offer_unavailable",         "A restriction now forbids this stay";
    SoldOut                 = 409, "sold_out",                  "Not enough rooms are left";
    QuoteUsed               = 409, "quote_used",                "The quote was used by another hold";
    HoldConverted           = 409, "hold_converted",            "The hold has become a booking";
    PaymentInProgress       = 409, "payment_in_progress",       "A payment of this hold is under way";
    PaymentAbandoned        = 409, "payment_abandoned",         "The payment had no outcome in time and is undone; the hold goes on";
    AlreadyCancelled        = 409, "already_cancelled",         "The booking is cancelled";
    AlreadyExtended         = 409, "already_extended",          "A hold is extended once";
    AlreadyPaid             = 409, "already_paid",              "The hold is paid";
    PaymentNotRequired      = 409, "payment_not_required",      "Nothing is due now";
    PaymentRequired         = 409, "payment_required",          "The hold must be paid first";
    BookingStatus           = 409, "booking_status",            "The booking is in a state that does not allow this";
    NotCancellable          = 409, "not_cancellable",           "The booking is past being cancelled";
    NotBooked               = 409, "not_booked",                "The payment's hold still waits for its confirmation";
    NotCaptured             = 409, "not_captured",              "Nothing of the payment is captured";
    RefundExceedsCaptured   = 409, "refund_exceeds_captured",   "More is to be given back than is left of what was captured";
    NotArrivalDay           = 409, "not_arrival_day",           "The day of arrival has not come";
    CurrencyInUse           = 409, "currency_in_use",           "Amounts were given in the hotel's currency";
    HasFutureBookings       = 409, "has_future_bookings",       "Guests have booked, or are about to";
    CapacityBelowCommitments = 409, "capacity_below_commitments", "More is sold and held than would be left";
    RateIsDerived           = 409, "rate_is_derived",           "A derived plan's price follows from its base plan's";
    RoomNumberTaken         = 409, "room_number_taken",         "Another room of the hotel has this number";
    RoomAssigned            = 409, "room_assigned",             "The room is given to guests";
    RatePlanInUse           = 409, "rate_plan_in_use",          "Other plans derive from it";
    BasePlanUnavailable     = 409, "base_plan_unavailable",     "The base plan is deleted, or does not sell as much";
    LastAdmin               = 409, "last_admin",                "Nobody would be left who may change users and roles";
    OfferExpired            = 410, "offer_expired",             "The offer is too old";
    QuoteExpired            = 410, "quote_expired",             "The quote has expired";
    HoldExpired             = 410, "hold_expired",              "The hold has expired";
    HoldReleased            = 410, "hold_released",             "The hold was released";
    PreconditionFailed      = 412, "precondition_failed",       "If-Match names another version than the current one";
    BodyTooLarge            = 413, "body_too_large",            "The body is larger than 256 KiB";
    UnsupportedMediaType    = 415, "unsupported_media_type",    "The body must be application/json";
    Invalid                 = 422, "invalid",                   "The request is well-formed but not valid";
    PreconditionRequired    = 428, "precondition_required",     "This call needs an If-Match header";
    TooManyAttempts         = 429, "too_many_attempts",         "Too many failed attempts";
    HoldLimit               = 429, "hold_limit",                "Too many live holds";
    PaymentAttempts         = 429, "payment_attempts",          "Too many declined payments of this hold";
    Internal                = 500, "internal",                  "The service failed";
    Busy                    = 503, "busy",                      "The service is busy";
    DatabaseAway            = 503, "database_away",             "The database cannot be reached";
}

/// One invalid field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// Where: `guest.email`, `items[0].quote_id`.
    pub field: String,
    /// `missing`, `unknown_field` or `invalid`.
    pub code: String,
    pub message: String,
}

impl FieldError {
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), code: "invalid".to_owned(), message: message.into() }
    }
}

/// A refusal on its way to the caller.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}: {detail}", code.as_str())]
pub struct Problem {
    pub code: Code,
    pub detail: String,
    pub errors: Vec<FieldError>,
    /// Members that a code adds, such as `reasons`.
    pub more: Map<String, Value>,
    /// Seconds.
    pub retry_after_s: Option<u32>,
}

impl Problem {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), more: Map::new(), retry_after_s: None }
    }

    /// The code's title says it all.
    #[must_use]
    pub fn plain(code: Code) -> Self {
        Self::new(code, code.title())
    }

    /// 422 with the fields at fault.
    #[must_use]
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let names: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
        let detail = format!("Not valid: {}", names.join(", "));
        Self { errors, ..Self::new(Code::Invalid, detail) }
    }

    /// 422 with one field at fault.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError::invalid(field, message)])
    }

    /// Adds a member to the document.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Serialize) -> Self {
        self.more.insert(member.to_owned(), serde_json::to_value(value).unwrap_or(Value::Null));
        self
    }

    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }

    /// The document, with the id of the request now served.
    #[must_use]
    pub fn document(&self) -> ProblemDocument {
        ProblemDocument {
            r#type: format!("urn:lastroom:problem:{}", self.code.as_str()),
            title: self.code.title().to_owned(),
            status: self.code.status(),
            detail: self.detail.clone(),
            code: self.code.as_str().to_owned(),
            request_id: request::id(),
            errors: self.errors.clone(),
            more: self.more.clone(),
        }
    }
}

/// A problem document, `application/problem+json`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// A stable URI ending in the code.
    #[schema(example = "urn:lastroom:problem:sold_out")]
    pub r#type: String,
    pub title: String,
    pub status: u16,
    pub detail: String,
    /// The contract: what clients switch on.
    #[schema(example = "sold_out")]
    pub code: String,
    pub request_id: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    #[serde(flatten)]
    #[schema(value_type = Object, additional_properties)]
    pub more: Map<String, Value>,
}

/// The media type of problem documents.
pub const MEDIA_TYPE: &str = "application/problem+json";

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE)));
        if let Some(seconds) = self.retry_after_s {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if self.code.status() == 401 {
            let challenge = match self.code {
                Code::TokenInvalid => "Bearer realm=\"lastroom\", error=\"invalid_token\"",
                _ => "Bearer realm=\"lastroom\"",
            };
            response.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        response.body(serde_json::to_string(&self.document()).unwrap_or_default())
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Busy(why) => {
                tracing::warn!(why, "busy");
                Self::plain(Code::Busy).retry_after(1)
            }
            DbError::Conflict(why) => {
                tracing::warn!(why, "gave up after losing repeatedly");
                Self::plain(Code::Busy).retry_after(1)
            }
            DbError::Away(why) => {
                tracing::error!(why, "the database is away");
                Self::plain(Code::DatabaseAway).retry_after(2)
            }
            DbError::Invariant(what) => internal(&what),
            DbError::Query(error) => internal(&error),
        }
    }
}

/// 500: the reason goes to the log, never to the caller.
pub fn internal(reason: &dyn std::fmt::Display) -> Problem {
    tracing::error!(%reason, "internal error");
    Problem::new(Code::Internal, "Something went wrong on our side; the request_id finds it in our log")
}

impl From<serde_json::Error> for Problem {
    fn from(error: serde_json::Error) -> Self {
        internal(&error)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_code_is_listed_once() {
        let codes: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(codes.len(), Code::ALL.len());
        assert!(Code::ALL.iter().all(|code| StatusCode::from_u16(code.status()).is_ok_and(|s| !s.is_success())));
    }
}
