//! `/auth` and the public keys.

use std::sync::Arc;

use actix_web::http::header;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::{DateTime, Utc};
use garde::Validate;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AccessError;
use super::chosen::ChosenPassword;
use super::guard::SignedIn;
use super::keys;
use super::login::{self, From};
use super::password::Passwords;
use super::refresh::{self, Grant, Issuer, Refreshed};
use super::register;
use super::store::{self, NewUser};
use super::throttle::Throttle;
use super::tokens::{AccessTokens, Jwks};
use crate::db::{Db, DbError};
use crate::http::client;
use crate::http::extract::{Body, InOrder, NoQuery, not_blank};
use crate::http::idempotency::OptionalKey;
use crate::http::problem::{Code, Problem, ProblemDocument, internal};
use crate::kernel::ids::{HotelId, UserId};

/// The tag of the calls about accounts.
pub(super) const TAG: &str = "auth";

/// The most bytes of a password as it is sent. The 128 characters that are allowed may come decomposed: a Korean syllable in 9
/// bytes, a Greek vowel with all its marks in 8.
const MAX_PASSWORD_BYTES: usize = 2048;

impl std::convert::From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::InvalidCredentials => Self::plain(Code::InvalidCredentials),
            AccessError::TooManyAttempts { retry_after_s } => {
                Self::plain(Code::TooManyAttempts).retry_after(retry_after_s)
            }
            AccessError::RefreshTokenInvalid => Self::plain(Code::RefreshTokenInvalid),
            AccessError::Unfit(unfit) => Self::field("password", unfit.to_string()),
            AccessError::WrongPassword => Self::field("current_password", error.to_string()),
            AccessError::Hash(_) | AccessError::Sign(_) | AccessError::RotatedElsewhere => internal(&error),
            AccessError::Db(error) => error.into(),
        }
    }
}

/// A new account.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Register {
    #[garde(email, length(chars, max = 254))]
    email: String,
    /// 12 to 128 characters; neither one of the commonest nor the address.
    #[garde(custom(any_password))]
    #[schema(value_type = String, min_length = 12, max_length = 128)]
    password: SecretString,
    #[garde(custom(not_blank), length(chars, max = 200))]
    full_name: String,
}

/// What registering says, whether the address was known or not.
#[derive(Serialize, ToSchema)]
pub struct Accepted {
    #[schema(example = "accepted")]
    status: &'static str,
}

/// An address and its password.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    #[garde(length(chars, min = 1, max = 254))]
    email: String,
    #[garde(custom(any_password))]
    #[schema(value_type = String)]
    password: SecretString,
}

/// A refresh token.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshToken {
    #[garde(length(bytes, min = 1, max = 200))]
    refresh_token: String,
}

/// The tokens of a session.
#[derive(Serialize, ToSchema)]
pub struct Tokens {
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds.
    expires_in: i64,
    refresh_token: String,
    /// Seconds.
    refresh_expires_in: i64,
}

impl std::convert::From<Grant> for Tokens {
    fn from(grant: Grant) -> Self {
        Self {
            access_token: grant.access_token,
            token_type: "Bearer",
            expires_in: grant.expires_in,
            refresh_token: grant.refresh_token,
            refresh_expires_in: grant.refresh_expires_in,
        }
    }
}

/// The caller.
#[derive(Serialize, ToSchema)]
pub struct Me {
    user_id: UserId,
    email: String,
    full_name: String,
    roles: Vec<String>,
    permissions: Vec<String>,
    /// Hotels whose staff the caller belongs to.
    memberships: Vec<HotelId>,
    created_at: DateTime<Utc>,
}

pub(super) fn any_password(password: &SecretString, _: &()) -> garde::Result {
    match password.expose_secret().len() {
        1..=MAX_PASSWORD_BYTES => Ok(()),
        _ => Err(garde::Error::new(format!("must have 1 to {MAX_PASSWORD_BYTES} bytes"))),
    }
}

/// Register an account
///
/// Answers the same for a known address. Login works at once.
#[utoipa::path(tag = TAG, request_body = Register, responses(
    (status = 202, body = Accepted),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 429, body = ProblemDocument, content_type = "application/problem+json", description = "too_many_attempts, with Retry-After"),
    (status = 503, body = ProblemDocument, content_type = "application/problem+json", description = "busy: too many at once from one address"),
))]
#[post("/auth/register")]
pub async fn register_user(
    call: InOrder<(OptionalKey, Body<Register>)>,
    req: HttpRequest,
    db: Data<Db>,
    passwords: Data<Passwords>,
    throttle: Data<Throttle>,
) -> Result<HttpResponse, Problem> {
    let InOrder((_, body)) = call;
    let Register { email, password, full_name } = body.value;
    let password = ChosenPassword::new(&password, &email).map_err(AccessError::from)?.into_secret();
    let From { address, .. } = origin(&req);
    // It does not succeed, so it counts. Of one address few are under way at once, so that others can sign in meanwhile.
    let _counted = throttle.admit(&db, throttle.registration(address.as_deref())).await?;
    // Hashed for a known address too: the time must not tell.
    let password_hash = passwords.hash(password).await?;
    register::register(&db, NewUser { user_id: UserId::new(), email, full_name, password_hash }, address).await?;
    Ok(HttpResponse::Accepted().json(Accepted { status: "accepted" }))
}

/// Sign in
///
/// After five failures each further one is answered 429 for a while, whether or not there is such an account.
#[utoipa::path(tag = TAG, request_body = Login, responses(
    (status = 200, body = Tokens),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json", description = "invalid_credentials"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 429, body = ProblemDocument, content_type = "application/problem+json", description = "too_many_attempts, with Retry-After"),
))]
#[post("/auth/login")]
pub async fn login_user(
    call: InOrder<(OptionalKey, Body<Login>)>,
    req: HttpRequest,
    db: Data<Db>,
    passwords: Data<Passwords>,
    throttle: Data<Throttle>,
    issuer: Data<Issuer>,
) -> Result<HttpResponse, Problem> {
    let InOrder((_, body)) = call;
    let Login { email, password } = body.value;
    let grant = login::login(&db, &passwords, &throttle, &issuer, email, password, origin(&req)).await?;
    Ok(no_store(Tokens::from(grant)))
}

/// Rotate the refresh token
///
/// Within the grace the token just replaced is answered with its successor again; any older one ends the session.
#[utoipa::path(tag = TAG, request_body = RefreshToken, responses(
    (status = 200, body = Tokens),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json", description = "refresh_token_invalid, refresh_token_reused"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
#[post("/auth/refresh")]
pub async fn refresh_session(
    call: InOrder<(OptionalKey, Body<RefreshToken>)>,
    req: HttpRequest,
    db: Data<Db>,
    issuer: Data<Issuer>,
) -> Result<HttpResponse, Problem> {
    let InOrder((_, body)) = call;
    match refresh::refresh(&db, &issuer, body.value.refresh_token, origin(&req)).await? {
        Refreshed::Granted(grant) => Ok(no_store(Tokens::from(grant))),
        Refreshed::Reused => Err(Problem::plain(Code::RefreshTokenReused)),
    }
}

/// End the session
#[utoipa::path(tag = TAG, request_body = RefreshToken, responses(
    (status = 204, description = "Ended, or unknown"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
#[post("/auth/logout")]
pub async fn logout_user(
    call: InOrder<(OptionalKey, Body<RefreshToken>)>,
    req: HttpRequest,
    db: Data<Db>,
) -> Result<HttpResponse, Problem> {
    let InOrder((_, body)) = call;
    refresh::logout(&db, body.value.refresh_token, origin(&req)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Who am I
#[utoipa::path(tag = TAG, security(("bearer" = [])), responses(
    (status = 200, body = Me),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
))]
#[get("/auth/me")]
pub async fn me(call: InOrder<(SignedIn, NoQuery)>, db: Data<Db>) -> Result<Json<Me>, Problem> {
    let InOrder((SignedIn(caller), NoQuery)) = call;
    let user_id = caller.user_id;
    let read =
        move |conn: &mut _| Ok::<_, DbError>((store::profile(conn, user_id)?, store::memberships(conn, user_id)?));
    let (profile, memberships) = db.read(read).await?;
    Ok(Json(Me {
        user_id,
        email: profile.email,
        full_name: profile.full_name,
        roles: caller.roles,
        permissions: caller.permissions,
        memberships,
        created_at: profile.created_at,
    }))
}

/// Public keys of the access tokens
///
/// The next key is among them before it signs. Read them again when a token names a key that you do not have.
#[utoipa::path(tag = TAG, responses(
    (status = 200, body = Jwks),
    (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
))]
#[get("/.well-known/jwks.json")]
pub async fn jwks(_: NoQuery, db: Data<Db>, tokens: Data<Arc<AccessTokens>>) -> Result<HttpResponse, Problem> {
    let good = tokens.jwks(&keys::good(&db).await?)?;
    let caching = format!("public, max-age={}", keys::CACHED_S);
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, caching)).json(good))
}

fn no_store(tokens: Tokens) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(tokens)
}

fn origin(req: &HttpRequest) -> From {
    let user_agent = req.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    From {
        user_agent: user_agent.map(|text| text.chars().take(300).collect()),
        address: client::address(req).map(|address| address.to_string()),
    }
}
