//! `POST /payments/webhooks/{provider}`.

use std::sync::Arc;

use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::event::{Event, WebhookEvent};
use super::receive::{self, ReceiveError};
use super::signature::{self, HEADER, TOLERANCE_S};
use super::store::EventStatus;
use crate::config::Config;
use crate::db::{self, Db};
use crate::http::extract::{InOrder, RawBody, no_query};
use crate::http::json;
use crate::http::problem::{Code, Problem, ProblemDocument};
use crate::kernel::secret::Keyring;
use crate::payments::Provider;

/// What became of the event.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    pub status: EventStatus,
}

/// Take a provider's webhook
///
/// Signed by the provider, so it needs no token: `Simulator-Signature` is `t=<seconds since 1970>,v1=<hex>`, the
/// HMAC-SHA256 of `<t>.<body>`; of several `v1` one has to be right. A copy of an event that was received before has no
/// effect, nor has one of an unknown type. 200 once the effect is committed; anything else is to be sent again.
#[utoipa::path(tag = "payments", request_body = WebhookEvent,
    params(
        ("provider" = String, Path, example = "simulator"),
        ("Simulator-Signature" = String, Header),
    ),
    responses(
        (status = 200, body = Receipt),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json", description = "signature_invalid, malformed_body"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "no such provider"),
        (status = 413, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    ))]
#[post("/payments/webhooks/{provider}")]
pub async fn receive_webhook(
    call: InOrder<(RawBody, Path<String>)>,
    req: HttpRequest,
    db: Data<Db>,
    provider: Data<Provider>,
    keys: Data<Arc<Keyring>>,
    config: Data<Config>,
) -> Result<Json<Receipt>, Problem> {
    let InOrder((RawBody(body), name)) = call;
    verified(&req, &keys, &body, &name, &provider, &db).await?;
    let event = json::parse(&body)?;
    no_query(req.query_string())?;
    let status = receive::receive(&db, &provider, Event::read(event)?, config.confirm_window_s).await?;
    Ok(Json(Receipt { status }))
}

/// Refuses what the provider has not signed, or has signed too long ago, or not yet.
async fn verified(
    req: &HttpRequest,
    keys: &Keyring,
    body: &[u8],
    name: &str,
    provider: &Provider,
    db: &Db,
) -> Result<(), Problem> {
    let refused = |why: &str| Problem::new(Code::SignatureInvalid, why);
    let mut headers = req.headers().get_all(HEADER).filter_map(|value| value.to_str().ok());
    let (Some(stated), None) = (headers.next().and_then(signature::read), headers.next()) else {
        return Err(refused("The header Simulator-Signature is to be t=<seconds>,v1=<64 hex digits>"));
    };
    if name != provider.name() {
        return Err(Problem::plain(Code::NotFound));
    }
    if !signature::is_genuine(keys, &stated, body) {
        return Err(refused("No signature is that of this body"));
    }
    // The database's clock, which every server and the simulator share.
    let now_s = db.read(db::now).await?.timestamp();
    if now_s.abs_diff(stated.at_s) > TOLERANCE_S {
        return Err(refused("It was signed more than 300 seconds from now"));
    }
    Ok(())
}

impl From<ReceiveError> for Problem {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::Db(error) => error.into(),
            ReceiveError::Unknown(unknown) => {
                tracing::warn!(%unknown, "a webhook is to be sent again");
                Self::plain(Code::Busy).retry_after(1)
            }
        }
    }
}
