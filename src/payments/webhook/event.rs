//! An event as it is received: its envelope is required, what it is about is read as far as it is known.

use garde::Validate;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::http::extract::validate;
use crate::http::json;
use crate::http::problem::Problem;
use crate::kernel::ids::{HotelId, PaymentId};
use crate::kernel::money::Money;

/// A provider's event. What is in it beyond this is passed over: providers add fields.
#[derive(Debug, Deserialize, Validate, ToSchema)]
pub struct WebhookEvent {
    /// The same for every copy of one event.
    #[garde(length(min = 1, max = 255))]
    #[schema(example = "evt_01a201ac33dc7439b6ee1414c6e201d2")]
    id: String,
    #[serde(rename = "type")]
    #[garde(length(min = 1, max = 255))]
    #[schema(example = "payment_intent.authorized")]
    event_type: String,
    /// What it is about: of `payment_intent.…` and `refund.…` `intent_id`, `amount`, and the intent's `metadata`; of
    /// `refund.…` also `refund_key`.
    #[garde(skip)]
    #[schema(value_type = Object)]
    data: Value,
}

/// An event.
#[derive(Clone, Debug)]
pub struct Event {
    pub event_id: String,
    pub event_type: String,
    /// As it was received.
    pub body: Value,
    pub subject: Subject,
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    Intent(AboutIntent),
    Refund(AboutRefund),
    /// Something of a known type, but without what makes sense of it.
    Unreadable(String),
    /// Nothing that matters here.
    Other,
}

/// An intent that changed. Where it stands now is asked of the provider.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AboutIntent {
    pub intent_id: String,
    pub amount: Money,
    pub metadata: Metadata,
}

/// Money that went back.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AboutRefund {
    pub intent_id: String,
    /// The key under which the refund was asked for.
    pub refund_key: String,
    pub amount: Money,
    pub metadata: Metadata,
}

/// What we said of ourselves when the intent was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Metadata {
    pub hotel_id: Option<HotelId>,
    pub payment_id: Option<PaymentId>,
}

impl Event {
    /// Reads a body that is JSON.
    pub fn read(body: Value) -> Result<Self, Problem> {
        let event: WebhookEvent = json::read(body.clone())?;
        validate(&event)?;
        let WebhookEvent { id, event_type, data } = event;
        let subject = match event_type.split_once('.') {
            Some(("payment_intent", _)) => Subject::of(&data, Subject::Intent),
            Some(("refund", "succeeded")) => Subject::of(&data, Subject::Refund),
            _ => Subject::Other,
        };
        Ok(Self { event_id: id, event_type, body, subject })
    }
}

impl Subject {
    fn of<'d, T: Deserialize<'d>>(data: &'d Value, about: impl FnOnce(T) -> Self) -> Self {
        T::deserialize(data).map_or_else(|error| Self::Unreadable(error.to_string()), about)
    }
}
