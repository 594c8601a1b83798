//! The API's own description: served as OpenAPI 3.1, shown in a browser, and asked which methods a path takes.

mod answers;

use std::collections::BTreeMap;

use actix_web::dev::ResourceDef;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use utoipa::openapi::RefOr;
use utoipa::openapi::path::PathItem;
use utoipa::openapi::schema::{Array, ArrayItems, Object, Schema, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi};

pub use self::answers::complete;
use super::problem::{Code, Problem};

/// What is not said by the handlers themselves.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Lastroom",
        description = "Hotel booking that never sells the last room twice: search, quote, hold, pay, confirm.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "auth", description = "Accounts and sessions"),
        (name = "search", description = "Find a stay"),
        (name = "quotes", description = "Freeze a price"),
        (name = "holds", description = "Take rooms off sale for some minutes"),
        (name = "payments", description = "Pay what is due now"),
        (name = "simulator", description = "What the simulated payment provider adds: the page of the guest's bank"),
        (name = "bookings", description = "Confirm and see bookings"),
        (name = "admin", description = "Run hotels"),
        (name = "operations", description = "Run the service"),
    ),
    modifiers(&Bearer),
)]
pub struct Description;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        api.components.get_or_insert_default().add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// Tells a schema that is made of others (serde's `flatten`) as the one object that it is: a part that takes no other
/// fields than its own would forbid those of its neighbour.
pub fn make_schemas_whole(api: &mut utoipa::openapi::OpenApi) {
    let Some(components) = &mut api.components else { return };
    let known = components.schemas.clone();
    components.schemas.values_mut().for_each(|schema| make_whole(schema, &known));
}

fn make_whole(schema: &mut RefOr<Schema>, known: &BTreeMap<String, RefOr<Schema>>) {
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::Object(object) => object.properties.values_mut().for_each(|property| make_whole(property, known)),
        Schema::Array(Array { items: ArrayItems::RefOrSchema(items), .. }) => make_whole(items, known),
        Schema::AllOf(all) => {
            let parts: Option<Vec<Part<'_>>> = all.items.iter().map(|part| self::part(part, known)).collect();
            let must_be_one = |part: &Part<'_>| part.is_optional || part.object.additional_properties.is_some();
            if let Some(parts) = parts.filter(|parts| parts.iter().any(must_be_one)) {
                let mut whole = Object::new();
                whole.description.clone_from(&all.description);
                for Part { object, is_optional } in parts {
                    whole.properties.extend(object.properties.clone());
                    whole.required.extend(object.required.iter().filter(|_| !is_optional).cloned());
                }
                *schema = Schema::Object(whole);
            }
        }
        _ => {}
    }
}

/// What a flattened field adds to the object that it is in.
struct Part<'s> {
    object: &'s Object,
    /// All of its members may be absent.
    is_optional: bool,
}

fn part<'s>(schema: &'s RefOr<Schema>, known: &'s BTreeMap<String, RefOr<Schema>>) -> Option<Part<'s>> {
    match schema {
        RefOr::Ref(to) => part(known.get(to.ref_location.rsplit('/').next()?)?, known),
        RefOr::T(Schema::Object(object)) => Some(Part { object, is_optional: false }),
        // An Option is told as a choice of its schema and null, and what is null is not there at all.
        RefOr::T(Schema::OneOf(choice)) => match choice.items.as_slice() {
            [one, RefOr::T(Schema::Object(null))] if null.schema_type == SchemaType::Type(Type::Null) => {
                Some(Part { is_optional: true, ..part(one, known)? })
            }
            _ => None,
        },
        RefOr::T(_) => None,
    }
}

/// The description as YAML, and each path with its methods.
pub struct Published {
    yaml: String,
    paths: Vec<(ResourceDef, Vec<&'static str>)>,
}

impl Published {
    /// Renders the description once.
    pub fn new(api: &utoipa::openapi::OpenApi) -> anyhow::Result<Self> {
        let paths = api.paths.paths.iter().map(|(path, item)| (ResourceDef::new(path.as_str()), methods(item)));
        // What this file serves describes the API and is no part of it.
        let own = ["/openapi.yaml", "/docs"].map(|path| (ResourceDef::new(path), vec!["GET"]));
        Ok(Self { yaml: api.to_yaml()?, paths: paths.chain(own).collect() })
    }
}

fn methods(item: &PathItem) -> Vec<&'static str> {
    [
        ("GET", item.get.is_some()),
        ("POST", item.post.is_some()),
        ("PUT", item.put.is_some()),
        ("PATCH", item.patch.is_some()),
        ("DELETE", item.delete.is_some()),
    ]
    .into_iter()
    .filter_map(|(method, taken)| taken.then_some(method))
    .collect()
}

/// `/openapi.yaml`.
pub async fn openapi_yaml(published: Data<Published>) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "application/yaml")).body(published.yaml.clone())
}

/// `/docs` without its slash.
pub async fn to_docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}

/// The API browser, from files compiled in.
#[must_use]
pub fn browser() -> SwaggerUi {
    SwaggerUi::new("/docs/{_:.*}").config(Config::from("/openapi.yaml"))
}

/// No handler took the request: 405 where another method would have been taken, else 404.
pub async fn nowhere(req: HttpRequest, published: Data<Published>) -> HttpResponse {
    // `/bookings/lookup` is a path of its own and fits `/bookings/{id}` too: both say what it takes.
    let fitting = published.paths.iter().filter(|(path, _)| path.is_match(req.path()));
    let methods: Vec<_> = fitting.flat_map(|(_, methods)| methods.iter().copied()).collect();
    if methods.is_empty() {
        return Problem::plain(Code::NotFound).error_response();
    }
    let mut response = Problem::plain(Code::MethodNotAllowed).error_response();
    if let Ok(allow) = header::HeaderValue::from_str(&methods.join(", ")) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}
