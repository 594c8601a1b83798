//! What the operations have in common, by what each takes: the answers that may come of it, and the headers of answers. What a
//! handler says of its own answers stays.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{Object, ObjectBuilder, Schema, Type};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, Required, Response};

use crate::http::BASE;
use crate::http::problem::MEDIA_TYPE;

const KEY: &str = "Idempotency-Key";
/// Their callers give a key's form to be checked, and nothing more.
const KEY_NOT_KEPT: &str = "Its form is checked; the answer is not stored.";

/// Refusals that mean the same wherever they occur: status, name, what `code` may be.
const COMMON: [(&str, &str, &str); 9] = [
    ("401", "Unauthenticated", "unauthenticated, token_invalid"),
    ("403", "Forbidden", "forbidden: detail names the permission that is needed"),
    ("404", "NotFound", "not_found: unknown, or not yours"),
    ("406", "NotAcceptable", "not_acceptable"),
    ("408", "RequestTimeout", "request_timeout"),
    ("413", "BodyTooLarge", "body_too_large"),
    ("415", "UnsupportedMediaType", "unsupported_media_type"),
    ("422", "Invalid", "invalid: errors names the fields at fault"),
    ("503", "Unavailable", "busy, database_away: the same call may be sent again, with the same key"),
];

/// Headers of answers: name, component, whether it is a number, what it means.
const HEADERS: [(&str, &str, bool, &str); 6] = [
    ("X-Request-Id", "XRequestId", false, "The request's id: the caller's own, if it sent one, or made."),
    ("ETag", "ETag", false, "The version in double quotes, for If-Match. A replayed answer has none."),
    ("Location", "Location", false, "Where what was made is found."),
    (
        "Idempotency-Replayed",
        "IdempotencyReplayed",
        false,
        "true: this is the stored answer of an earlier call with this key.",
    ),
    ("Retry-After", "RetryAfter", true, "Seconds after which to try again."),
    ("WWW-Authenticate", "WwwAuthenticate", false, "Bearer, and what is wrong with the token."),
];

/// Says of every operation what it does not say itself.
pub fn complete(api: &mut OpenApi) {
    let schemas = api.components.as_ref().map(|components| components.schemas.clone()).unwrap_or_default();
    let readable: Vec<String> =
        api.paths.paths.iter().filter(|(_, item)| item.get.is_some()).map(|(path, _)| path.clone()).collect();
    for (path, item) in &mut api.paths.paths {
        let names_what_it_makes = readable.iter().any(|other| {
            other.strip_prefix(&format!("{path}/{{")).is_some_and(|id| id.ends_with('}') && !id.contains('/'))
        });
        for (is_post, operation) in operations(item) {
            if let Some(RefOr::T(body)) = &mut operation.request_body {
                body.content.values_mut().for_each(not_null);
            }
            if is_post && path.starts_with(BASE) && !path.contains("/webhooks/") && key(operation).is_none() {
                operation.parameters.get_or_insert_default().push(RefOr::T(key_not_kept()));
            }
            operation.parameters.iter_mut().flatten().for_each(key_is_text);
            refusals(path, operation);
            headers(operation, &schemas, names_what_it_makes);
        }
    }
    let components = api.components.get_or_insert_default();
    for (_, name, is_number, meaning) in HEADERS {
        let kind = if is_number { Type::Integer } else { Type::String };
        let mut header = Header::new(Object::with_type(kind));
        header.description = Some(meaning.to_owned());
        components.headers.insert(name.to_owned(), RefOr::T(header));
    }
    for (status, name, codes) in COMMON {
        let mut response = problem(codes);
        with_headers(&mut response, status, Of::default());
        components.responses.insert(name.to_owned(), RefOr::T(response));
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (bool, &mut Operation)> {
    let PathItem { get, put, post, patch, delete, .. } = item;
    let all = [(false, get), (false, put), (true, post), (false, patch), (false, delete)];
    all.into_iter().filter_map(|(is_post, operation)| Some((is_post, operation.as_mut()?)))
}

/// A body that may be left out is told as one that may be null, which it may not.
fn not_null(content: &mut RefOr<Content>) {
    let RefOr::T(Content { schema: Some(schema), .. }) = content else { return };
    if let RefOr::T(Schema::OneOf(choice)) = schema
        && let [one, RefOr::T(Schema::Object(_))] = choice.items.as_slice()
    {
        *schema = one.clone();
    }
}

fn parameters(operation: &Operation) -> impl Iterator<Item = &Parameter> {
    operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    })
}

fn key(operation: &Operation) -> Option<&Parameter> {
    parameters(operation).find(|parameter| parameter.name == KEY)
}

fn key_not_kept() -> Parameter {
    let parameter = ParameterBuilder::new().name(KEY).parameter_in(ParameterIn::Header).required(Required::False);
    parameter.description(Some(KEY_NOT_KEPT)).build()
}

fn key_is_text(parameter: &mut RefOr<Parameter>) {
    if let RefOr::T(parameter) = parameter
        && parameter.name == KEY
    {
        let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(16)).max_length(Some(255)).build();
        parameter.schema = Some(RefOr::T(Schema::Object(text)));
    }
}

fn keeps_answers(operation: &Operation) -> bool {
    key(operation).is_some_and(|key| key.description.as_deref() != Some(KEY_NOT_KEPT))
}

/// Adds the refusals that come of what the operation takes.
fn refusals(path: &str, operation: &mut Operation) {
    let is_api = path.starts_with(BASE);
    let has_body = operation.request_body.is_some();
    let is_guarded = operation.security.as_ref().is_some_and(|schemes| !schemes.is_empty());
    // A webhook says itself all that it answers.
    let is_told = path.contains("/webhooks/");
    let mut codes = Vec::new();
    if has_body && !is_told {
        codes.extend(["malformed_body", "duplicate_json_key"]);
    }
    if let Some(key) = key(operation) {
        codes.extend((key.required == Required::True).then_some("idempotency_key_missing"));
        codes.push("idempotency_key_invalid");
    }
    codes.extend(parameters(operation).any(|parameter| parameter.name == "cursor").then_some("cursor_invalid"));
    codes.extend((is_guarded || has_body && !is_told).then_some("malformed_request"));
    if !codes.is_empty() {
        let own = match operation.responses.responses.get("400") {
            Some(RefOr::T(response)) => response.description.clone(),
            _ => String::new(),
        };
        codes.retain(|code| !own.contains(code));
        let told: Vec<&str> = std::iter::once(own.as_str()).filter(|own| !own.is_empty()).chain(codes).collect();
        operation.responses.responses.insert("400".to_owned(), RefOr::T(problem(&told.join(", "))));
    }
    for (status, name, _) in COMMON {
        let may_be = match status {
            "401" => is_guarded,
            // Whoever is signed in may do these.
            "403" => is_guarded && !path.starts_with(&format!("{BASE}/auth/")),
            "404" => false,
            "406" => is_api,
            "408" | "413" | "415" => has_body,
            "422" => is_api || has_body || path.starts_with("/.well-known/"),
            _ => is_api || has_body,
        };
        let own = operation.responses.responses.get(status);
        let says_nothing = match own {
            Some(RefOr::T(response)) => response.description.is_empty() && response.content.contains_key(MEDIA_TYPE),
            Some(RefOr::Ref(_)) => false,
            None => may_be,
        };
        if says_nothing {
            let common = Ref::new(format!("#/components/responses/{name}"));
            operation.responses.responses.insert(status.to_owned(), RefOr::Ref(common));
        }
    }
}

fn problem(description: &str) -> Response {
    let mut response = Response::new(description);
    let content = Content::new(Some(RefOr::Ref(Ref::from_schema_name("Problem"))));
    response.content.insert(MEDIA_TYPE.to_owned(), RefOr::T(content));
    response
}

/// What an operation is, as far as its answers' headers depend on it.
#[derive(Clone, Copy, Default)]
struct Of {
    keeps_answers: bool,
    names_what_it_makes: bool,
    shows_version: bool,
}

fn headers(operation: &mut Operation, schemas: &BTreeMap<String, RefOr<Schema>>, names_what_it_makes: bool) {
    let keeps_answers = keeps_answers(operation);
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::Ref(common) = response {
            // Stored answers have a header more than the common ones.
            let common = COMMON.iter().find(|(_, name, _)| common.ref_location.ends_with(&format!("/{name}")));
            match common {
                Some((_, _, codes)) if keeps_answers && is_stored(status) => *response = RefOr::T(problem(codes)),
                _ => continue,
            }
        }
        if let RefOr::T(response) = response {
            if response.description.is_empty() {
                let known = status.parse().ok().and_then(|status| StatusCode::from_u16(status).ok());
                known
                    .and_then(|status| status.canonical_reason())
                    .unwrap_or_default()
                    .clone_into(&mut response.description);
            }
            let body = response.content.get("application/json");
            let shows_version = match body {
                Some(RefOr::T(Content { schema: Some(schema), .. })) => has_version(schema, schemas),
                _ => false,
            };
            with_headers(response, status, Of { keeps_answers, names_what_it_makes, shows_version });
        }
    }
}

fn is_stored(status: &str) -> bool {
    status.starts_with('2') || matches!(status, "402" | "404" | "409" | "410" | "412")
}

fn with_headers(response: &mut Response, status: &str, of: Of) {
    for (name, component, ..) in HEADERS {
        let has = match name {
            "ETag" => of.shows_version,
            "Location" => of.names_what_it_makes && matches!(status, "201" | "202"),
            "Idempotency-Replayed" => of.keeps_answers && is_stored(status),
            "Retry-After" => matches!(status, "429" | "503") || status == "409" && of.keeps_answers,
            "WWW-Authenticate" => status == "401",
            _ => true,
        };
        if has {
            let header = Ref::new(format!("#/components/headers/{component}"));
            response.headers.insert(name.to_owned(), RefOr::Ref(header));
        }
    }
}

/// Whether a body tells the version of the one thing that it shows.
fn has_version(schema: &RefOr<Schema>, schemas: &BTreeMap<String, RefOr<Schema>>) -> bool {
    match schema {
        RefOr::Ref(to) => {
            let named = to.ref_location.rsplit('/').next().and_then(|name| schemas.get(name));
            named.is_some_and(|schema| has_version(schema, schemas))
        }
        RefOr::T(Schema::Object(object)) => object.properties.contains_key("version"),
        RefOr::T(Schema::AllOf(all)) => all.items.iter().any(|part| has_version(part, schemas)),
        RefOr::T(_) => false,
    }
}
