//! `/auth/sessions` and `/auth/password`.

use std::sync::Arc;

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, delete, get, post};
use chrono::{DateTime, Utc};
use garde::Validate;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::end::end;
use super::store::{self, Because, OpenSession};
use crate::access::AccessError;
use crate::access::change_password::change_password;
use crate::access::guard::SignedIn;
use crate::access::http::{TAG, any_password};
use crate::access::login::From;
use crate::access::password::Passwords;
use crate::access::throttle::Throttle;
use crate::db::{Db, Tx};
use crate::http::extract::{Body, InOrder, NoQuery, PathId, Query};
use crate::http::idempotency::OptionalKey;
use crate::http::list::ListQuery;
use crate::http::problem::{Code, Problem, ProblemDocument};
use crate::kernel::ids::SessionId;
use crate::kernel::page::{self, DEFAULT_LIMIT, Page};
use crate::kernel::secret::Keyring;

/// The routes.
pub fn routes(app: &mut ServiceConfig<'_>) {
    app.service(list_sessions).service(end_session).service(replace_password);
}

/// A place where the caller is signed in.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SessionBody {
    pub session_id: SessionId,
    /// Whether this call was made in it.
    pub current: bool,
    /// What the client called itself when it signed in.
    pub user_agent: Option<String>,
    /// From where it signed in.
    pub address: Option<String>,
    pub created_at: DateTime<Utc>,
    /// When it was last given tokens: when it signed in, or last refreshed. It may have used them since, for as long as
    /// they live: 15 minutes at most.
    pub last_used_at: DateTime<Utc>,
    /// What the client called itself then.
    pub last_user_agent: Option<String>,
    /// From where it asked for them.
    pub last_address: Option<String>,
    pub expires_at: DateTime<Utc>,
}

impl SessionBody {
    fn new(session: OpenSession, current: SessionId) -> Self {
        Self {
            session_id: session.session_id,
            current: session.session_id == current,
            user_agent: session.user_agent,
            address: session.address,
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            last_user_agent: session.last_user_agent,
            last_address: session.last_address,
            expires_at: session.expires_at,
        }
    }
}

/// A password for another.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplacePassword {
    #[garde(custom(any_password))]
    #[schema(value_type = String)]
    current_password: SecretString,
    /// 12 to 128 characters; neither one of the commonest nor the address.
    #[garde(custom(any_password))]
    #[schema(value_type = String, min_length = 12, max_length = 128)]
    new_password: SecretString,
}

/// List one's own sessions
///
/// Those that are open, oldest first.
#[utoipa::path(tag = TAG, params(ListQuery), security(("bearer" = [])), responses(
    (status = 200, body = Page<SessionBody>),
    (status = 400, body = ProblemDocument, content_type = "application/problem+json", description = "cursor_invalid"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
#[get("/auth/sessions")]
pub async fn list_sessions(
    call: InOrder<(SignedIn, Query<ListQuery>)>,
    db: Data<Db>,
    keys: Data<Arc<Keyring>>,
) -> Result<Json<Page<SessionBody>>, Problem> {
    let InOrder((SignedIn(caller), Query(query))) = call;
    let (user_id, current) = (caller.user_id, caller.session_id);
    let name = format!("sessions {user_id}");
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let after = query.cursor.map_or(Ok(SessionId(Uuid::nil())), |cursor| page::open(&keys, &name, &cursor));
    let after = after.map_err(|_| Problem::plain(Code::CursorInvalid))?;
    let rows = db.read(move |conn| store::list(conn, user_id, after, limit + 1)).await?;
    let rows = rows.into_iter().map(|row| SessionBody::new(row, current)).collect();
    Ok(Json(page::cut(&keys, &name, rows, limit, |session: &SessionBody| session.session_id)?))
}

/// End one of one's own sessions
///
/// Its tokens are refused from the next request on. One that has ended stays ended.
#[utoipa::path(tag = TAG, params(("id" = SessionId, Path)), security(("bearer" = [])), responses(
    (status = 204, description = "Ended"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
))]
#[delete("/auth/sessions/{id}")]
pub async fn end_session(
    call: InOrder<(SignedIn, NoQuery, PathId<SessionId>)>,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    let InOrder((SignedIn(caller), NoQuery, PathId(session_id))) = call;
    let (user_id, address) = (caller.user_id, caller.address);
    let work = move |tx: &mut Tx<'_>| {
        let from = From { user_agent: None, address: address.clone() };
        end(tx, user_id, session_id, Because::Revoked, &from)?;
        Ok::<_, AccessError>(store::exists(tx, user_id, session_id)?)
    };
    if db.write(work).await? { Ok(HttpResponse::NoContent().finish()) } else { Err(Problem::plain(Code::NotFound)) }
}

/// Change one's own password
///
/// Every session of the account ends, this one too.
#[utoipa::path(tag = TAG, request_body = ReplacePassword, security(("bearer" = [])), responses(
    (status = 204, description = "Changed"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "current_password is wrong, or new_password may not be chosen"),
    (status = 429, body = ProblemDocument, content_type = "application/problem+json", description = "too_many_attempts, with Retry-After"),
))]
#[post("/auth/password")]
pub async fn replace_password(
    call: InOrder<(SignedIn, OptionalKey, Body<ReplacePassword>)>,
    db: Data<Db>,
    passwords: Data<Passwords>,
    throttle: Data<Throttle>,
) -> Result<HttpResponse, Problem> {
    let InOrder((SignedIn(caller), _, body)) = call;
    let ReplacePassword { current_password, new_password } = body.value;
    change_password(&db, &passwords, &throttle, caller, current_password, new_password).await.map_err(|error| {
        match error {
            AccessError::Unfit(unfit) => Problem::field("new_password", unfit.to_string()),
            error => error.into(),
        }
    })?;
    Ok(HttpResponse::NoContent().finish())
}
