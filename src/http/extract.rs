//! Extraction in the contract's order of checks: authority first, then the idempotency key, then syntax, then meaning.

mod body;

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{Error, FromRequest, HttpRequest};
use chrono::NaiveDate;
use garde::Validate;
use serde::de::DeserializeOwned;
use uuid::Uuid;

pub use self::body::{Body, Draft, MAX_BODY_BYTES, OptionalBody, RawBody};
use super::json;
use super::problem::{Code, FieldError, Problem};
use crate::kernel::stay;

type Extracting<T> = Pin<Box<dyn Future<Output = Result<T, Error>>>>;

/// Runs extractors one after the other, and stops at the first refusal. A handler's own arguments are extracted side
/// by side, where a body's 422 could overtake a missing token's 401.
pub struct InOrder<T>(pub T);

macro_rules! in_order {
    ($($name:ident),+) => {
        impl<$($name: FromRequest + 'static),+> FromRequest for InOrder<($($name,)+)> {
            type Error = Error;
            type Future = Extracting<Self>;

            fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
                let req = req.clone();
                let mut payload = payload.take();
                Box::pin(async move {
                    Ok(Self(($($name::from_request(&req, &mut payload).await.map_err(Into::into)?,)+)))
                })
            }
        }
    };
}
in_order!(A, B);
in_order!(A, B, C);
in_order!(A, B, C, D);
in_order!(A, B, C, D, E);

/// A query string, read and validated.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Validate<Context = ()> + 'static> FromRequest for Query<T> {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(query(req.query_string()).map(Self).map_err(Into::into))
    }
}

/// The call takes no query parameters. [`Body`] checks the same for itself, and who takes a [`RawBody`] has to.
pub struct NoQuery;

impl FromRequest for NoQuery {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(no_query(req.query_string()).map(|()| Self).map_err(Into::into))
    }
}

/// The first id of the path. One that is no UUID is unknown: 404.
#[derive(Clone, Copy, Debug)]
pub struct PathId<T>(pub T);

impl<T: From<Uuid>> FromRequest for PathId<T> {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(path_id(req, 0).map(Self).map_err(Into::into))
    }
}

/// The first two ids of the path: of a hotel, and of something in it. Whether they belong together, the finder says.
#[derive(Clone, Copy, Debug)]
pub struct PathIds<A, B>(pub A, pub B);

impl<A: From<Uuid>, B: From<Uuid>> FromRequest for PathIds<A, B> {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let ids = path_id(req, 0).and_then(|first| Ok(Self(first, path_id(req, 1)?)));
        std::future::ready(ids.map_err(Into::into))
    }
}

/// The date that ends the path. What is no date is unknown: 404.
#[derive(Clone, Copy, Debug)]
pub struct PathDate(pub NaiveDate);

impl FromRequest for PathDate {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let date = req.match_info().iter().last().and_then(|(_, segment)| stay::date(segment));
        std::future::ready(date.map(Self).ok_or_else(|| Problem::plain(Code::NotFound).into()))
    }
}

fn path_id<T: From<Uuid>>(req: &HttpRequest, position: usize) -> Result<T, Problem> {
    let id = req.match_info().iter().nth(position).and_then(|(_, segment)| Uuid::parse_str(segment).ok());
    id.map(T::from).ok_or_else(|| Problem::plain(Code::NotFound))
}

/// A rule for texts that a person is to read: more than white space. Its shape is garde's.
pub fn not_blank(text: &str, _: &()) -> garde::Result {
    if text.trim().is_empty() { Err(garde::Error::new("must not be blank")) } else { Ok(()) }
}

/// 422 for what breaks a rule.
pub fn validate<T: Validate<Context = ()>>(value: &T) -> Result<(), Problem> {
    let faults = broken(value);
    if faults.is_empty() { Ok(()) } else { Err(Problem::invalid(faults)) }
}

/// Every broken rule, by field.
fn broken<T: Validate<Context = ()>>(value: &T) -> Vec<FieldError> {
    let Err(report) = value.validate() else { return Vec::new() };
    report.iter().map(|(path, error)| FieldError::invalid(path.to_string(), error.message())).collect()
}

fn query<T: DeserializeOwned + Validate<Context = ()>>(text: &str) -> Result<T, Problem> {
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        if value.contains('\0') {
            return Err(Problem::field(name, "must not contain NUL"));
        }
    }
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(text.as_bytes()));
    let value: T = serde_path_to_error::deserialize(pairs)
        .map_err(|error| json::field_problem("query", &error.path().to_string(), &error.inner().to_string()))?;
    validate(&value)?;
    Ok(value)
}

/// Refuses a query string.
pub fn no_query(text: &str) -> Result<(), Problem> {
    match form_urlencoded::parse(text.as_bytes()).next() {
        Some((name, _)) => {
            let message = "this call takes no query parameters".to_owned();
            Err(Problem::invalid(vec![FieldError {
                field: name.into_owned(),
                code: "unknown_field".to_owned(),
                message,
            }]))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize, Validate, Debug)]
    #[serde(deny_unknown_fields)]
    #[garde(allow_unvalidated)]
    struct Example {
        #[garde(range(min = 1, max = 5))]
        limit: Option<i64>,
        #[allow(dead_code, reason = "only its shape matters")]
        on: chrono::NaiveDate,
    }

    fn field(text: &str) -> (String, String) {
        let problem = query::<Example>(text).expect_err("refused");
        problem.errors.first().map(|e| (e.field.clone(), e.code.clone())).expect("a field")
    }

    #[test]
    fn a_query_names_the_field_at_fault() {
        assert!(query::<Example>("on=2028-02-29&limit=5").is_ok());
        assert_eq!(field("on=2027-02-29"), ("on".into(), "invalid".into()));
        assert_eq!(field("on=2028-02-29&limit=6"), ("limit".into(), "invalid".into()));
        assert_eq!(field("on=2028-02-29&limit="), ("limit".into(), "invalid".into()));
        assert_eq!(field("limit=1"), ("on".into(), "missing".into()));
        assert_eq!(field("on=2028-02-29&page=2"), ("page".into(), "unknown_field".into()));
        assert_eq!(field("on=%00"), ("on".into(), "invalid".into()));
        assert_eq!(field("on=2028-02-29&limit=1&limit=2"), ("limit".into(), "invalid".into()));
        assert_eq!(field("on=2028-02-29&on=2028-02-29"), ("on".into(), "invalid".into()));
    }
}
